"""Films handed to an engine (`konio.engine`): leases are held here, films are examined wherever the engine runs.

Every machine of the engine needs konio and the data folder under the same path. As many films are taken as the engine
has room for and no more, so that an urgent one never waits behind a batch, and a death of this process counts against
those films alone that were being looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from konio.engine import Failure
from konio.web.assessing import (
    BrokeError,
    DiedError,
    Examine,
    FilmGoneError,
    Outcome,
    Report,
    load_examiner,
)
from konio.web.database import GONE
from konio.web.jobs import Lease, Queue
from konio.web.logs import where
from konio.web.storage import DiskFullError, Storage
from konio.web.worker import IDLE_SECONDS, Worker, worker_name

if TYPE_CHECKING:
    from konio.engine import Engine

FUNCTION: Final = "konio.web.cluster:examine"
#: Threads that wait for the engine; each waits for one film and does nothing else.
_MOST: Final = 256


def examine(item: Mapping[str, Any]) -> dict[str, Any]:
    """One film, wherever this runs.

    Args:
        item: ``sha256``, ``root`` (the data folder) and ``model``.

    Returns:
        ``outcome`` (`konio.web.assessing.Outcome` as plain data), or ``gone`` where the film is not to be had on this
        machine, ``full`` where its disk is, or ``broke`` with kind and place of an error; its text may quote a patient and does not travel.
    """
    try:
        outcome = _examiner(item["model"])(item["sha256"], Storage(Path(item["root"])), _silent)
    except FilmGoneError:
        return {"gone": True}
    except DiskFullError:
        return {"full": True}
    except Exception as error:  # whatever one film does to the code, the next one goes on
        return {"broke": where(error)}
    return {"outcome": outcome.to_json()}


@cache
def _examiner(model: str) -> Examine:
    """Loaded once in each process of the engine."""
    return load_examiner(model)


def _silent(step: str, progress: float) -> None:
    """Progress does not travel back from an engine."""


@dataclass(frozen=True, slots=True)
class EngineExaminer:
    """Examines films with an engine; has the shape of `konio.web.assessing.Examine`.

    Args:
        engine: where they are examined.
        model: name or directory of the model.
    """

    engine: Engine
    model: str

    def __call__(self, sha256: str, storage: Storage, report: Report) -> Outcome:
        """Everything about one film.

        Args:
            sha256: which film.
            storage: where it lies and where its pictures go, on every machine alike.
            report: is told when the film is handed over.

        Raises:
            DiedError: if the process or machine that had the film went away.
            FilmGoneError: if that machine does not have the data folder.
            DiskFullError: if there is no room for the pictures.
            BrokeError: if the code failed there.
        """
        report("assessing", 0.1)
        item = {"sha256": sha256, "root": str(storage.root.absolute()), "model": self.model}
        ((_, said),) = self.engine.run(FUNCTION, [item])
        if isinstance(said, Failure):
            raise DiedError if said.died else BrokeError("before the film was looked at")
        if "gone" in said:
            raise FilmGoneError
        if "full" in said:
            raise DiskFullError(
                "the disk of the machine that examined the film is full; free some space"
            )
        if "broke" in said:
            raise BrokeError(said["broke"])
        report("writing", 0.95)
        return Outcome(**said["outcome"])


@dataclass(slots=True)
class EngineWorker:
    """A worker whose hands are an engine; each film is held, watched and closed as `Worker` does it.

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
        examiner = EngineExaminer(self.engine, self.model)
        worker = Worker(self.queue, self.storage, examiner, self.owner, self.stop)
        counted = 0
        busy: set[Future[bool]] = set()
        with ThreadPoolExecutor(_MOST, "konio-film") as pool:
            while not self.stop.is_set():
                lease = self._take(worker) if len(busy) < min(self.engine.workers, _MOST) else None
                if lease is not None:
                    busy.add(pool.submit(worker.work, lease))
                elif busy:
                    done, busy = wait(busy, IDLE_SECONDS, FIRST_COMPLETED)
                    counted += sum(film.result() for film in done)
                elif until_idle:
                    break
                else:
                    self.stop.wait(IDLE_SECONDS)
        return counted + sum(film.result() for film in busy)

    def _take(self, worker: Worker) -> Lease | None:
        """The next film; ``None`` if there is none, or once the database is back."""
        while not self.stop.is_set():
            try:
                return self.queue.take(self.owner)
            except GONE:
                worker.wait_for_database()
        return None
