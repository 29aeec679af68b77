"""Workers of this machine: started, watched, started again; what a dead one had in hand goes back at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from konio.web.database import GONE
from konio.web.jobs import Queue
from konio.web.logs import log
from konio.web.settings import PREFIX, Settings

_LOOK_SECONDS: Final = 0.5
_END_SECONDS: Final = 20.0
_LONGEST_PAUSE: Final = 30.0
_BOOT: Final = "from konio.cli import main; main(['worker'])"


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for a process of our own."""
    given: Mapping[str, object] = settings.model_dump(exclude_defaults=True)
    ours = {
        PREFIX + name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **ours, PREFIX + "DATA": str(settings.data.absolute())}


@dataclass(slots=True)
class Supervisor:
    """Keeps a number of workers running.

    Args:
        settings: of the installation; the workers get the same.
        queue: to give a dead worker's jobs back.
        command: what a worker is; ``konio worker`` by default.
    """

    settings: Settings
    queue: Queue
    command: tuple[str, ...] = (sys.executable, "-P", "-c", _BOOT)
    _children: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _owners: dict[int, str] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _pause: float = 1.0

    def start(self) -> None:
        """Starts the workers and a thread that watches them."""
        for number in range(self.settings.workers):
            self._launch(number)
        self._thread = threading.Thread(target=self._watch, name="konio-supervisor", daemon=True)
        self._thread.start()

    def pids(self) -> list[int]:
        """Process ids of the workers that live."""
        return [child.pid for child in list(self._children.values()) if child.poll() is None]

    def stop(self) -> None:
        """Ends the workers after the film in hand, or by force if that takes too long."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + _END_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _launch(self, number: int) -> None:
        owner = f"{os.uname().nodename[:60]}:{os.getpid()}:{number}:{time.time_ns():x}"
        self._owners[number] = owner
        self._children[number] = subprocess.Popen(
            self.command,
            env={**environment(self.settings), "KONIO_WORKER_NAME": owner},
            stdin=subprocess.DEVNULL,
        )

    def _watch(self) -> None:
        began = time.monotonic()
        while not self._ended.wait(_LOOK_SECONDS):
            for number, child in list(self._children.items()):
                status = child.poll()
                if status is None:
                    continue
                log("worker.died", level="warning", worker=number, exit=status)
                try:
                    self.queue.release(self._owners[number])
                except GONE:
                    continue  # asked again at the next look
                lived = time.monotonic() - began
                self._pause = 1.0 if lived > 60 else min(_LONGEST_PAUSE, 2 * self._pause)
                if self._ended.wait(self._pause if lived < 5 else 0):
                    return
                began = time.monotonic()
                self._launch(number)
