"""Work handed to an engine (`konio.engine`): leases are held here, films are examined wherever the engine runs.

Every machine of the engine needs konio and the data folder under the same path.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from konio.web.assessing import Examine, Outcome, load_examiner
from konio.web.database import GONE
from konio.web.jobs import FAILED, Lease, Queue
from konio.web.logs import log
from konio.web.storage import Storage
from konio.web.worker import IDLE_SECONDS, close, nothing, worker_name

if TYPE_CHECKING:
    from konio.engine import Engine

FUNCTION: Final = "konio.web.cluster:examine"


def examine(item: Mapping[str, Any]) -> dict[str, Any]:
    """One film, wherever this runs.

    Args:
        item: ``sha256``, ``root`` (the data folder) and ``model``.

    Returns:
        `konio.web.assessing.Outcome` as plain data.
    """
    outcome = _examiner(item["model"])(item["sha256"], Storage(Path(item["root"])), _silent)
    return outcome.to_json()


@cache
def _examiner(model: str) -> Examine:
    """Loaded once in each process of the engine."""
    return load_examiner(model)


def _silent(step: str, progress: float) -> None:
    """Progress does not travel back from an engine."""


@dataclass(slots=True)
class EngineWorker:
    """A worker whose hands are an engine.

    Args:
        queue: where jobs come from.
        storage: where films lie.
        engine: where they are examined.
        model: name or directory of the model.
        owner: its name in the queue.
        stop: set to end it after the films in hand.
    """

    queue: Queue
    storage: Storage
    engine: Engine
    model: str
    owner: str = field(default_factory=worker_name)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, *, until_idle: bool = False) -> int:
        """Works until it is stopped, or until the queue is empty; returns how many outcomes counted."""
        counted = 0
        while not self.stop.is_set():
            leases = self._take()
            if leases:
                counted += self._work(leases)
            elif until_idle:
                break
            else:
                self.stop.wait(IDLE_SECONDS)
        return counted

    def _take(self) -> list[Lease]:
        leases: list[Lease] = []
        try:
            while len(leases) < 2 * self.engine.workers:
                lease = self.queue.take(self.owner)
                if lease is None:
                    break
                leases.append(lease)
        except GONE:
            self.stop.wait(2.0)
        return leases

    def _work(self, leases: Sequence[Lease]) -> int:
        items = [
            {
                "sha256": lease.sha256,
                "root": str(self.storage.root.absolute()),
                "model": self.model,
            }
            for lease in leases
        ]
        ended = threading.Event()
        waiting = dict(enumerate(leases))
        thread = threading.Thread(target=self._beat, args=(waiting, ended), daemon=True)
        thread.start()
        counted = 0
        try:
            for position, result in self.engine.run(FUNCTION, items):
                counted += self._close(leases[position], result)
                waiting.pop(position, None)
        finally:
            ended.set()
            thread.join()
        return counted

    def _beat(self, waiting: Mapping[int, Lease], ended: threading.Event) -> None:
        while not ended.wait(self.queue.lease_seconds / 3):
            for lease in list(waiting.values()):
                try:
                    self.queue.renew(lease, "assessing", 0.5)
                except GONE:
                    break

    def _close(self, lease: Lease, result: Any) -> bool:
        if isinstance(result, Mapping):
            return close(self.queue, lease, Outcome(**result))
        log("job.failed", level="error", job=lease.job_id)
        return self.queue.fail(lease, FAILED, nothing)
