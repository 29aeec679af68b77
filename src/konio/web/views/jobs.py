"""Jobs and their progress."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from flask import Response
from sqlalchemy import func, select

from konio.web import cases, jobs, shapes
from konio.web.asker import Asker, Call, Room
from konio.web.database import GONE
from konio.web.problems import ProblemError
from konio.web.tables import Job, SignedIn, now_ms

#: A stream ends after so long and the browser opens the next one, so that no thread is held for ever.
STREAM_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 1.0
_RECENT_MS: Final = 60_000
_OVERLAP_MS: Final = 15_000
_AT_MOST: Final = 500


def listed(call: Call) -> dict[str, Any]:
    """Jobs of the cases one may see, the newest first."""
    query: shapes.JobsQuery = call.query
    wanted = cases.visible_jobs(call.asker)
    if query.state is not None:
        wanted = wanted.where(Job.state == query.state)
    with call.room.database.read() as session:
        rows = session.execute(
            wanted.order_by(Job.id.desc()).limit(query.size).offset((query.page - 1) * query.size)
        ).all()
        counted = wanted.with_only_columns(Job.id).limit(cases.COUNTED).subquery()
        total = int(session.scalar(select(func.count()).select_from(counted)) or 0)
    return {"jobs": [cases.job_row(job, case) for job, case in rows], "total": total}


def begin(call: Call, case: str) -> tuple[dict[str, Any], int]:
    """Assess a film again."""
    body: shapes.JobWish = call.body
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        job = jobs.enqueue(session, found, body.priority)
        call.room.audit.append(session, "job.queued", call.asker.id, found.id, job=job.id)
    return {"job": cases.job_row(job, found)}, 201


def retry(call: Call, number: int) -> dict[str, Any]:
    """Try a failed job again, as a new one."""
    with call.room.database.write() as session:
        job, case = cases.find_job(session, call.asker, number)
        fresh = jobs.retry(session, job)
        call.room.audit.append(session, "job.queued", call.asker.id, case.id, job=fresh.id)
    return {"job": cases.job_row(fresh, case)}


def cancel(call: Call, number: int) -> dict[str, Any]:
    """Stop a job."""
    with call.room.database.write() as session:
        job, case = cases.find_job(session, call.asker, number)
        jobs.cancel(session, job)
        call.room.audit.append(session, "job.cancelled", call.asker.id, case.id, job=job.id)
    return {"job": cases.job_row(job, case)}


def urgency(call: Call, number: int) -> dict[str, Any]:
    """How urgent a job is."""
    body: shapes.JobPriority = call.body
    with call.room.database.write() as session:
        job, case = cases.find_job(session, call.asker, number)
        job.priority = case.priority = body.priority
        job.changed = now_ms()
    return {"job": cases.job_row(job, case)}


class Streams:
    """How many streams of this process are open.

    Args:
        most: no more than these at a time.
    """

    def __init__(self, most: int) -> None:
        self._free = threading.Semaphore(most)

    def open(self) -> bool:
        """Takes a place, if there is one."""
        return self._free.acquire(blocking=False)

    def close(self) -> None:
        """Gives the place back."""
        self._free.release()


def events(call: Call) -> Response:
    """Progress as server-sent events."""
    from flask import current_app

    streams: Streams = current_app.extensions["konio-streams"]
    if not streams.open():
        raise ProblemError("busy", headers={"Retry-After": "10"})
    answer = Response(
        _Stream(call.room, call.asker, streams),
        mimetype="text/event-stream",
        direct_passthrough=True,
    )
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


class _Stream:
    """An iterable that gives its place back however it ends."""

    def __init__(self, room: Room, asker: Asker, streams: Streams) -> None:
        self._streams = streams
        self._lines = _lines(room, asker)

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        """Called by the server when the browser has gone or all was sent."""
        if self._streams is not None:
            self._streams.close()
            self._streams = None  # type: ignore[assignment]
        self._lines.close()  # type: ignore[attr-defined]


def _lines(room: Room, asker: Asker) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    began, sent = time.monotonic(), {}  # type: float, dict[int, int]
    first = True
    while time.monotonic() - began < STREAM_SECONDS:
        try:
            if not _signed_in(room, asker):
                yield b'event: end\ndata: {"reason":"signed-out"}\n\n'
                return
            changed = _changed(room, asker, sent, unfinished=first)
        except GONE:
            changed = []
        if changed or first:
            yield b"event: jobs\ndata: " + json.dumps({"jobs": changed}).encode() + b"\n\n"
        else:
            yield b": still here\n\n"
        first = False
        time.sleep(_POLL_SECONDS)


def _signed_in(room: Room, asker: Asker) -> bool:
    with room.database.read() as session:
        row = session.get(SignedIn, asker.session.id)
        return row is not None and row.expires > now_ms()


def _changed(
    room: Room, asker: Asker, sent: dict[int, int], *, unfinished: bool
) -> list[dict[str, Any]]:
    """Jobs that changed lately and were not sent so; looks back a little, for transactions that end late."""
    recent = Job.changed >= now_ms() - (_RECENT_MS if unfinished else _OVERLAP_MS)
    condition = recent | Job.state.in_(jobs.OPEN) if unfinished else recent
    with room.database.read() as session:
        rows = session.execute(
            cases.visible_jobs(asker).where(condition).order_by(Job.changed.desc()).limit(_AT_MOST)
        ).all()
    fresh = [(job, case) for job, case in rows if sent.get(job.id) != job.changed]
    sent.update({job.id: job.changed for job, _ in fresh})
    return [cases.job_row(job, case) for job, case in fresh]
