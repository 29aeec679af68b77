"""The queue: rows taken with a lease and finished with a fencing token.

A worker that dies loses its lease and the job goes back into the queue, behind the others of its priority; after
three deaths it is called poison. A worker that was only slow finds that its token is no longer the newest, and what
it brings is dropped. The result is written in the same transaction that closes the job, so there is exactly one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from konio.web.database import Database
from konio.web.problems import ProblemError
from konio.web.tables import Case, Film, Job, now_ms

#: States in which a job still has something to come.
OPEN: Final = ("queued", "running")
#: A job whose workers died this often is not tried again.
POISON_DEATHS: Final = 3
PRIORITIES: Final = range(10)
DEFAULT_PRIORITY: Final = 5

Reason = Mapping[str, str]

POISON: Final[Reason] = {
    "code": "poison",
    "message": f"the worker died {POISON_DEATHS} times on this film; look at it by hand and retry if you trust it",
    "message_zh": f"处理该片时工作进程已中断 {POISON_DEATHS} 次，请人工检查，确认无误后可重试",
}
FAILED: Final[Reason] = {
    "code": "failed",
    "message": "the assessment failed for a reason of its own; the log has it, retry later",
    "message_zh": "评估因内部原因失败，详见日志，请稍后重试",
}

FILM_GONE: Final[Reason] = {
    "code": "film-gone",
    "message": "the machine that was to assess this film cannot open it; see that the data folder is there, then retry",
    "message_zh": "执行评估的机器无法打开该片，请检查该机的数据目录是否可用，然后重试",
}


@dataclass(frozen=True, slots=True)
class Lease:
    """A job in somebody's hands.

    Args:
        job_id: which.
        token: proof of being its newest holder.
        case_id: what it is about.
        sha256: of the film.
        name: the film's name.
    """

    job_id: int
    token: int
    case_id: int
    sha256: str
    name: str


def enqueue(session: Session, case: Case, priority: int | None = None) -> Job:
    """A new job for a case.

    Raises:
        ProblemError: if one is queued or running.
    """
    waiting = session.scalar(
        select(Job.id).where(Job.case_id == case.id, Job.state.in_(OPEN)).limit(1)
    )
    if waiting is not None:
        raise ProblemError("job-open")
    case.priority = case.priority if priority is None else priority
    case.status = "queued"
    job = Job(case_id=case.id, priority=case.priority)
    session.add(job)
    session.flush()
    return job


@dataclass(frozen=True, slots=True)
class Queue:
    """Takes, renews and closes jobs.

    Args:
        database: where.
        lease_seconds: how long a worker may be silent.
    """

    database: Database
    lease_seconds: float

    def take(self, owner: str) -> Lease | None:
        """The most urgent job, now leased to ``owner``; ``None`` if there is none."""
        self.reclaim()
        with self.database.read() as session:
            if session.scalar(select(Job.id).where(Job.state == "queued").limit(1)) is None:
                return None
        with self.database.write() as session:
            job = session.scalar(
                select(Job)
                .where(Job.state == "queued")
                .order_by(Job.priority.desc(), Job.deaths, Job.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if job is None:
                return None
            now = now_ms()
            job.state, job.step, job.progress = "running", "reading", 0.0
            job.token += 1
            job.attempts += 1
            job.owner, job.lease_until = owner, now + int(1000 * self.lease_seconds)
            job.started = job.changed = now
            case = session.get_one(Case, job.case_id)
            case.status = "running"
            film = session.get_one(Film, case.film_id)
            return Lease(job.id, job.token, case.id, film.sha256, case.name)

    def renew(self, lease: Lease, step: str | None = None, progress: float | None = None) -> bool:
        """Still at work; ``False`` if the job is not this holder's any more or is to be cancelled."""
        now = now_ms()
        values: dict[str, Any] = {"lease_until": now + int(1000 * self.lease_seconds)}
        if step is not None:
            values |= {"step": step, "progress": progress or 0.0, "changed": now}
        with self.database.write() as session:
            changed = session.execute(
                update(Job).where(*_mine(lease), Job.cancel.is_(False)).values(**values)
            )
            return _rows(changed) == 1

    def finish(self, lease: Lease, write: Callable[[Session, Case], None]) -> bool:
        """Closes a job together with what came of it.

        Args:
            lease: as it was taken.
            write: adds the result within the same transaction; called only if the token is the newest.

        Returns:
            Whether it counted. ``False``: somebody else has the job, or it was cancelled; nothing was written.
        """
        return self._close(lease, "done", None, write)

    def fail(self, lease: Lease, reason: Reason, write: Callable[[Session, Case], None]) -> bool:
        """Closes a job that cannot succeed; like `finish`."""
        return self._close(lease, "failed", reason, write)

    def _close(
        self,
        lease: Lease,
        state: str,
        reason: Reason | None,
        write: Callable[[Session, Case], None],
    ) -> bool:
        now = now_ms()
        values: dict[str, Any] = {
            "state": state, "step": "", "progress": 1.0 if state == "done" else 0.0,
            "reason": None if reason is None else dict(reason),
            "lease_until": None, "finished": now, "changed": now,
        }  # fmt: skip
        with self.database.write() as session:
            closed = session.execute(
                update(Job).where(*_mine(lease), Job.cancel.is_(False)).values(**values)
            )
            if _rows(closed) != 1:
                _close_cancelled(session, lease, now)
                return False
            case = session.get_one(Case, lease.case_id)
            case.status = state
            write(session, case)
            return True

    def reclaim(self) -> int:
        """Takes jobs back from workers that have not been heard of; returns how many."""
        late = (Job.state == "running", Job.lease_until < now_ms())
        with self.database.read() as session:
            if session.scalar(select(Job.id).where(*late).limit(1)) is None:
                return 0
        return self._take_back(*late)

    def release(self, owner: str) -> int:
        """A worker is known to have died; its jobs need not wait for their lease to end."""
        return self._take_back(Job.state == "running", Job.owner == owner)

    def give_back(self, lease: Lease) -> bool:
        """What had this job in hand has died: back into the queue at once, one death more.

        Returns:
            Whether the lease was still this holder's.
        """
        return self._take_back(*_mine(lease)) == 1

    def _take_back(self, *conditions: Any) -> int:
        with self.database.write() as session:
            rows = session.scalars(
                select(Job).where(*conditions).with_for_update(skip_locked=True)
            ).all()
            for job in rows:
                _bury(session, job)
            return len(rows)


def cancel(session: Session, job: Job) -> None:
    """Stops a job: at once if it is queued, at the next step if it is running.

    Raises:
        ProblemError: if it has ended.
    """
    now = now_ms()
    if job.state == "queued":
        job.state, job.step, job.finished = "cancelled", "", now
        session.get_one(Case, job.case_id).status = "cancelled"
    elif job.state == "running":
        job.cancel = True
    else:
        raise ProblemError("job-ended")
    job.changed = now


def retry(session: Session, job: Job) -> Job:
    """Another try at a job that failed or was cancelled.

    Raises:
        ProblemError: if it succeeded or has not ended.
    """
    if job.state not in ("failed", "cancelled"):
        raise ProblemError("job-not-failed")
    return enqueue(session, session.get_one(Case, job.case_id), job.priority)


def _mine(lease: Lease) -> tuple[Any, ...]:
    return (Job.id == lease.job_id, Job.token == lease.token, Job.state == "running")


def _close_cancelled(session: Session, lease: Lease, now: int) -> None:
    closed = session.execute(
        update(Job)
        .where(*_mine(lease), Job.cancel.is_(True))
        .values(state="cancelled", step="", lease_until=None, finished=now, changed=now)
    )
    if _rows(closed) == 1:
        session.get_one(Case, lease.case_id).status = "cancelled"


def _bury(session: Session, job: Job) -> None:
    """One death more: back into the queue, or out of it for good."""
    now = now_ms()
    case = session.get_one(Case, job.case_id)
    job.deaths += 1
    job.owner, job.lease_until, job.progress, job.changed = "", None, 0.0, now
    if job.cancel:
        job.state, job.step, job.finished = "cancelled", "", now
    elif job.deaths >= POISON_DEATHS:
        job.state, job.step, job.finished, job.reason = "failed", "", now, dict(POISON)
    else:
        job.state, job.step = "queued", "waiting"
    case.status = job.state


def _rows(result: Any) -> int:
    return int(result.rowcount)
