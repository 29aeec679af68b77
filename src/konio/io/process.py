"""The parent's side of one decoding process: start it, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

import konio
from konio.errors import RefusedError, UsageError
from konio.io.sizes import MAX_PIXELS

#: Memory shared with the child; only what a film touches is ever taken from the system.
SHARED_BYTES: Final = 4 * MAX_PIXELS

#: How many times the time limit a child may take that is ready to work and waits for a core.
PATIENCE: Final = 4.0

_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 2.0
_BOOT: Final = (
    "import sys; sys.path.append({root!r}); from konio.io.child import main; main({arguments})"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one film may cost.

    Args:
        seconds: time; on a machine too busy to give the child a core, up to `PATIENCE` times as much.
        memory_mib: private memory of the child above what it needs to start; the pixels come on top.

    Raises:
        UsageError: on limits under which nothing can be decoded.
    """

    seconds: float = 4.5
    memory_mib: int = 320

    def __post_init__(self) -> None:
        if not self.seconds > 0 or self.memory_mib < 16:
            raise UsageError(
                f"limits of {self.seconds} s and {self.memory_mib} MiB cannot decode anything; "
                "give a positive time and at least 16 MiB"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the child said: pixels ``(H, W)`` (none where only a header was asked for) and facts, or a refusal."""

    pixels: NDArray[Any]
    facts: dict[str, Any] = field(default_factory=dict)
    refusal: RefusedError | None = None


class Process:
    """One decoding process and the memory shared with it.

    Args:
        limits: what one film may cost.
    """

    def __init__(self, limits: Limits) -> None:
        self._owner = os.getpid()
        self._limits = limits
        self._ready = False
        self._rest = b""
        shared = _shared_memory()
        try:
            self._area = mmap.mmap(shared, SHARED_BYTES, prot=mmap.PROT_READ)
            self._child = _launch(shared, limits)
        finally:
            os.close(shared)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def usable(self) -> bool:
        """Whether the child lives and belongs to this process (not to one that forked it)."""
        return self._owner == os.getpid() and self._child.poll() is None

    def ask(self, path: str, question: str = "film") -> Answer:
        """Have one file decoded.

        Args:
            path: the file.
            question: ``film`` (a radiograph's canonical pixels), ``slice`` (a CT slice in HU) or ``header`` (of a slice).

        Raises:
            RefusedError: ``decode-limit`` after the time limit, ``decode-failed`` if the child ended. The process
                must not be used afterwards.
        """
        if not self._ready:
            self._receive(_START_SECONDS)
            self._ready = True
        questions = cast(IO[bytes], self._child.stdin)
        try:
            questions.write(f"{question} {os.fsencode(path).hex()}\n".encode())
            questions.flush()
        except OSError as error:
            raise self._ended() from error
        return self._answer(self._receive(self._limits.seconds))

    def close(self, patient: bool = True) -> None:
        """End the child; at once if not ``patient``."""
        if self._owner == os.getpid():
            if not patient:
                self._child.kill()
            with contextlib.suppress(OSError):
                cast(IO[bytes], self._child.stdin).close()
            try:
                self._child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        cast(IO[bytes], self._child.stdout).close()
        self._area.close()

    def _receive(self, seconds: float) -> dict[str, Any]:
        handle = cast(IO[bytes], self._child.stdout).fileno()
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        begun, before = time.monotonic(), self._waits()
        deadline = begun + seconds
        while b"\n" not in self._rest:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                spent = time.monotonic() - begun
                waits = self._waits()
                starved = max((waits[task] - before.get(task, 0.0) for task in waits), default=0.0)
                if spent - starved >= seconds or spent >= PATIENCE * seconds:
                    raise RefusedError("decode-limit", f"{seconds:g} s")
                deadline = time.monotonic() + seconds - (spent - starved)
                continue
            part = os.read(handle, 65536)
            if not part:
                raise self._ended()
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return cast(dict[str, Any], json.loads(line))

    def _waits(self) -> dict[str, float]:
        """Seconds each thread of the child has been ready to run without a core; empty where Linux does not tell."""
        waits = {}
        with contextlib.suppress(OSError, ValueError, IndexError):
            for task in Path(f"/proc/{self._child.pid}/task").iterdir():
                waits[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
        return waits

    def _ended(self) -> RefusedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_END_SECONDS)
        status = self._child.returncode
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return RefusedError("decode-failed", f"the decoder ended with {how}")

    def _answer(self, message: dict[str, Any]) -> Answer:
        if "refused" in message:
            code, detail = message["refused"]
            return Answer(np.empty((0, 0), np.float32), refusal=RefusedError(code, detail))
        rows, columns = (int(side) for side in message.pop("shape", (0, 0)))
        if not 0 <= rows * columns <= MAX_PIXELS:
            raise RefusedError("decode-failed", "the decoder gave an impossible size")
        dtype = np.int16 if message.pop("hounsfield", False) else np.float32
        shared = np.frombuffer(self._area, dtype, rows * columns)
        return Answer(shared.reshape(rows, columns).copy(), message)


def _launch(shared: int, limits: Limits) -> subprocess.Popen[bytes]:
    root = str(Path(konio.__file__).resolve().parent.parent)
    arguments = f"{shared}, {SHARED_BYTES}, {limits.memory_mib * 2**20}"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOT.format(root=root, arguments=arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(shared,),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


def _shared_memory() -> int:
    """Descriptor of anonymous memory of `SHARED_BYTES` that cannot shrink under the reader."""
    if hasattr(os, "memfd_create"):
        import fcntl

        shared = os.memfd_create("konio-film", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(shared, SHARED_BYTES)
        fcntl.fcntl(shared, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        return shared
    with tempfile.TemporaryFile() as file:
        shared = os.dup(file.fileno())
    os.ftruncate(shared, SHARED_BYTES)
    return shared
