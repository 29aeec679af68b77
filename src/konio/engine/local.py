"""The engine of one machine: processes that share its cores evenly."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from konio.engine.contract import Failure, Json, outcome
from konio.errors import UsageError

#: Seconds a process has to save its state after a polite kill.
GRACE: Final = 20.0
#: Read by every library that brings threads of its own.
_THREADS: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_GPUS: Final = Path("/proc/driver/nvidia/gpus")


class LocalEngine:
    """Processes of this machine that never want more than its cores together.

    Each process is a fresh interpreter that lives as long as there is work, has ``cores // workers`` threads and,
    where there are GPUs, one of them to itself. A process that dies takes nobody along: its item is tried again in
    a new one.

    Args:
        workers: processes; by default one per GPU, without a GPU one per core.
        attempts: how often an item whose process died is tried.
        cores: of the machine; by default those this process may use.

    Raises:
        UsageError: on less than one worker or attempt.
    """

    def __init__(
        self, workers: int | None = None, *, attempts: int = 2, cores: int | None = None
    ) -> None:
        self.cores = cores or usable_cores()
        self.gpus = visible_gpus()
        self.workers = workers if workers is not None else len(self.gpus) or self.cores
        self.attempts = attempts
        if self.workers < 1 or attempts < 1:
            raise UsageError(
                f"an engine needs at least one worker and one attempt, got {workers} and {attempts}; give more"
            )

    @property
    def threads(self) -> int:
        """Threads of each process; all together never more than the cores."""
        return max(1, self.cores // self.workers)

    def run(self, function: str, items: Sequence[Json]) -> Iterator[tuple[int, Any | Failure]]:
        """Results as they finish; see `konio.engine.Engine.run`."""
        waiting = deque((position, 1) for position in range(len(items)))
        crew = _Crew(self, function, items)
        try:
            while waiting or crew.busy:
                while waiting and crew.size < min(self.workers, len(items)):
                    crew.hire(*waiting.popleft())
                for position, tries, reply in crew.replies():
                    if reply is not None:
                        yield position, outcome(reply, tries)
                    elif tries < self.attempts:
                        waiting.appendleft((position, tries + 1))
                    else:
                        yield position, _died(tries)
                    crew.order_next(waiting)
        finally:
            crew.dismiss()

    def environment(self, slot: int) -> dict[str, str]:
        """What the process of a slot finds in its environment."""
        said = dict(os.environ) | dict.fromkeys(_THREADS, str(self.threads))
        if self.gpus:
            said["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        return said


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Names of the GPUs that may be used, without waking a driver."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is not None:
        return tuple(name for name in said.split(",") if name.strip() not in ("", "-1"))
    return tuple(str(i) for i in range(len(list(_GPUS.iterdir())))) if _GPUS.is_dir() else ()


def _died(tries: int) -> Failure:
    return Failure(
        f"its process died {tries} times, for want of memory most likely; give --workers a smaller number",
        attempts=tries,
        died=True,
    )


class _Worker:
    """One process and the item it has."""

    def __init__(self, environment: dict[str, str], slot: int) -> None:
        self.slot = slot
        self.item: tuple[int, int] | None = None
        # A session of its own: Ctrl-C reaches the engine only, which then asks its processes to stop.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "konio.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    def order(self, function: str, item: Json, position: int, tries: int) -> None:
        self.item = (position, tries)
        line = json.dumps({"function": function, "item": dict(item)}) + "\n"
        try:
            assert self.process.stdin is not None  # noqa: S101 - opened above
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # it is dead; the end of its replies says so

    def reply(self) -> dict[str, Any] | None:
        """The reply that is coming in, or ``None`` if the process died."""
        assert self.process.stdout is not None  # noqa: S101 - opened above
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        said: dict[str, Any] = json.loads(line)
        return said

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self.process.wait()


class _Crew:
    """The processes of one run."""

    def __init__(self, engine: LocalEngine, function: str, items: Sequence[Json]) -> None:
        self.engine, self.function, self.items = engine, function, items
        self.selector = selectors.DefaultSelector()
        self.idle: list[_Worker] = []

    @property
    def workers(self) -> list[_Worker]:
        return [key.data for key in self.selector.get_map().values()]

    @property
    def size(self) -> int:
        return len(self.selector.get_map())

    @property
    def busy(self) -> bool:
        return self.size > len(self.idle)

    def hire(self, position: int, tries: int) -> None:
        """A new process with its first item."""
        free = set(range(self.size + 1)) - {worker.slot for worker in self.workers}
        slot = min(free)
        worker = _Worker(self.engine.environment(slot), slot)
        self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
        worker.order(self.function, self.items[position], position, tries)

    def replies(self) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
        """Wait for what comes next: item, which try it was, and the reply or ``None``."""
        for key, _ in self.selector.select():
            worker: _Worker = key.data
            reply = worker.reply()
            item, worker.item = worker.item, None
            if reply is None:
                self.selector.unregister(key.fileobj)
                if worker in self.idle:
                    self.idle.remove(worker)
                worker.close()
            else:
                self.idle.append(worker)
            if item is not None:
                yield (*item, reply)

    def order_next(self, waiting: deque[tuple[int, int]]) -> None:
        """Give waiting items to whoever has none."""
        while waiting and self.idle:
            position, tries = waiting.popleft()
            self.idle.pop().order(self.function, self.items[position], position, tries)

    def dismiss(self) -> None:
        """Send everybody home: idle ones at once, busy ones after they had time to save."""
        workers = self.workers
        try:
            for worker in workers:
                if worker.item is not None and worker.process.poll() is None:
                    worker.process.send_signal(signal.SIGTERM)
            end = time.monotonic() + GRACE
            for worker in workers:
                if worker.item is not None:
                    _wait(worker, end)
        finally:
            for worker in workers:
                if worker.item is not None and worker.process.poll() is None:
                    worker.process.kill()
                worker.close()
            self.selector.close()


def _wait(worker: _Worker, end: float) -> None:
    """Until the process has replied or ended, or time is up."""
    with selectors.DefaultSelector() as selector:
        selector.register(worker.process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        selector.select(max(0.0, end - time.monotonic()))
