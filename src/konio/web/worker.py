"""A worker: takes a job, looks at the film, writes the result, again and again.

It may be killed at any moment. It keeps its lease alive from a thread of its own, waits while the database is away,
and never writes anything outside the transaction that closes its job.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.orm import Session

from konio.standards import whole_lung_profusion
from konio.web.assessing import (
    AbandonedError,
    BrokeError,
    DiedError,
    Examine,
    FilmGoneError,
    Outcome,
    Report,
)
from konio.web.database import GONE
from konio.web.jobs import FAILED, FILM_GONE, Lease, Queue
from konio.web.logs import log, where
from konio.web.storage import DiskFullError, Storage
from konio.web.tables import Case, Result

#: How long an idle worker sleeps between two looks at the queue.
IDLE_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 2.0


def worker_name() -> str:
    """Host, process and a random part, or what the supervisor says; no worker ever comes back under its name."""
    given = os.environ.get("KONIO_WORKER_NAME")
    if given:
        return given
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(slots=True)
class Worker:
    """One worker.

    Args:
        queue: where jobs come from.
        storage: where films lie.
        examine: what is done to a film.
        owner: its name in the queue.
        stop: set to end it after the job in hand.
    """

    queue: Queue
    storage: Storage
    examine: Examine
    owner: str = field(default_factory=worker_name)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, *, until_idle: bool = False) -> int:
        """Works until it is stopped.

        Args:
            until_idle: end when the queue is empty.

        Returns:
            How many jobs it closed.
        """
        done = 0
        while not self.stop.is_set():
            try:
                lease = self.queue.take(self.owner)
            except GONE:
                self.wait_for_database()
                continue
            if lease is None:
                if until_idle:
                    break
                self.stop.wait(IDLE_SECONDS)
                continue
            done += self.work(lease)
        return done

    def work(self, lease: Lease) -> bool:
        """Does one job; returns whether its outcome counted."""
        begun = time.monotonic()
        with self._heartbeat(lease) as lost:

            def report(step: str, progress: float) -> None:
                if lost.is_set() or not self._patiently(
                    lambda: self.queue.renew(lease, step, progress)
                ):
                    raise AbandonedError

            try:
                outcome = self._examined(lease, report)
            except AbandonedError:
                outcome = None
            except DiedError:
                log("job.died", level="warning", job=lease.job_id)
                self._patiently(lambda: self.queue.give_back(lease))
                return False
            except DiskFullError:
                return False  # stopped while it waited; the lease ends and another worker takes the film
            except FilmGoneError:
                log("film.gone", level="error", job=lease.job_id)
                return bool(self._patiently(lambda: self.queue.fail(lease, FILM_GONE, nothing)))
            except Exception as error:  # whatever one film does to the code, the next one goes on
                place = error.place if isinstance(error, BrokeError) else where(error)
                log("job.failed", level="error", job=lease.job_id, detail=place)
                return bool(self._patiently(lambda: self.queue.fail(lease, FAILED, nothing)))
            counted = bool(self._patiently(lambda: close(self.queue, lease, outcome)))
        seconds = round(time.monotonic() - begun, 3)
        log("job.closed", job=lease.job_id, counted=counted, seconds=seconds)
        return counted

    def _examined(self, lease: Lease, report: Report) -> Outcome:
        """What the examiner says; while the disk is full it is no fault of the film, and the film waits."""
        while True:
            try:
                return self.examine(lease.sha256, self.storage, report)
            except DiskFullError:
                log("disk.full", level="error", job=lease.job_id)
                if self.stop.wait(_PATIENCE_SECONDS):
                    raise

    @contextmanager
    def _heartbeat(self, lease: Lease) -> Iterator[threading.Event]:
        """Keeps the lease alive; sets the event if it is lost."""
        ended, lost = threading.Event(), threading.Event()

        def beat() -> None:
            while not ended.wait(self.queue.lease_seconds / 3):
                with contextlib.suppress(*GONE):
                    if not self.queue.renew(lease):
                        lost.set()
                        return

        thread = threading.Thread(target=beat, name="konio-lease", daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            ended.set()
            thread.join()

    def _patiently(self, act: Callable[[], Any]) -> Any:
        """Does it again while the database is away; the result in hand is not lost."""
        while True:
            try:
                return act()
            except GONE:
                if self.stop.is_set():
                    return None
                self.wait_for_database()

    def wait_for_database(self) -> None:
        """Until it answers, or this worker is stopped."""
        log("database.gone", level="warning")
        while not self.stop.wait(_PATIENCE_SECONDS):
            if self.queue.database.answers():
                return


def close(queue: Queue, lease: Lease, outcome: Outcome | None) -> bool:
    """Closes a job with its outcome; ``None`` if the work was abandoned."""
    if outcome is None:
        return queue.fail(lease, FAILED, nothing) and False
    if outcome.refusal is not None:
        said = outcome.refusal
        reason = {
            "code": said["code"],
            "message": said["reason"],
            "message_zh": said["reason_zh"],
        }
        return queue.fail(lease, reason, lambda session, case: _write_refused(case, outcome))
    return queue.finish(lease, lambda session, case: _write_result(session, case, lease, outcome))


def nothing(session: Session, case: Case) -> None:
    """Nothing came of it that could be kept."""


def _write_refused(case: Case, outcome: Outcome) -> None:
    _write_header(case, outcome)
    case.status = "refused"
    case.facts = {**case.facts, **outcome.facts, "refusal": dict(outcome.refusal or {})}


def _write_result(session: Session, case: Case, lease: Lease, outcome: Outcome) -> None:
    _write_header(case, outcome)
    document = outcome.assessment
    facts = {name: value for name, value in case.facts.items() if name != "refusal"}
    case.facts = {**facts, **outcome.facts, "quality": document.get("quality", {})}
    tasks, rule = document.get("tasks") or {}, document.get("rule")
    stage, differential = tasks.get("stage"), tasks.get("differential")
    case.machine_stage = rule["stage"] if rule else stage["prediction"] if stage else None
    case.machine_clause = rule["clause"] if rule else None
    case.machine_differential = differential["prediction"] if differential else None
    zones = document.get("zones")
    case.machine_profusion = (
        whole_lung_profusion({zone: said["profusion"] for zone, said in zones.items()})
        if zones
        else None
    )
    body = json.dumps(outcome.to_json(), ensure_ascii=True, allow_nan=False)
    result = Result(job_id=lease.job_id, case_id=case.id, body=body)
    session.add(result)
    session.flush()
    case.result_id = result.id


def _write_header(case: Case, outcome: Outcome) -> None:
    """What the file says, where nobody has said otherwise."""
    header = outcome.header
    case.patient_id = case.patient_id or header.get("patient_id", "")
    case.patient_name = case.patient_name or header.get("patient_name", "")
    case.study_date = case.study_date or header.get("study_date", "")
    kept = {name: header[name] for name in ("sex", "birth_date", "accession") if name in header}
    case.facts = {**case.facts, **kept}
