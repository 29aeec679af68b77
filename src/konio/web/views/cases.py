"""Uploads, the work list, the facts of a case, who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request
from sqlalchemy import select

from konio.web import cases, shapes, uploads
from konio.web.asker import Call
from konio.web.problems import ProblemError
from konio.web.storage import CHUNK, DiskFullError, TooLargeError
from konio.web.tables import Account, CaseReader


def upload(call: Call) -> tuple[dict[str, Any], int]:
    """Take one file: a film, or a ZIP of films."""
    query: shapes.UploadQuery = call.query
    try:
        taken = uploads.take(call.room, call.asker, query.name, _chunks())
    except DiskFullError as error:
        raise ProblemError("disk-full") from error
    except TooLargeError as error:
        limit = f"{call.room.settings.upload_bytes // 2**20} MiB"
        raise ProblemError("too-large", limit) from error
    name = uploads.label(query.name)
    answer = {
        "upload": {"name": name, "bytes": taken.bytes, "sha256": taken.sha256},
        "cases": taken.cases,
        "refused": taken.refused,
    }
    return answer, 201


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK):
        yield chunk


def listed(call: Call) -> dict[str, Any]:
    """One page of the work list."""
    with call.room.database.read() as session:
        return cases.work_list(session, call.room, call.asker, call.query)


def show(call: Call, case: str) -> dict[str, Any]:
    """One case; that it was opened is written down."""
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        call.room.audit.append_once(session, "case.viewed", call.asker.id, found.id)
        return cases.details(session, call.room, call.asker, found)


def change(call: Call, case: str) -> dict[str, Any]:
    """Patient, date of the examination, urgency."""
    body: shapes.CaseChange = call.body
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        given = body.model_dump(exclude_unset=True)
        if "study_date" in given:
            given["study_date"] = given["study_date"] or ""
            if given["study_date"]:
                cases.day_ms(given["study_date"])
        for name, value in given.items():
            if value is not None:
                setattr(found, name, value)
        call.room.audit.append(
            session, "case.changed", call.asker.id, found.id, fields=sorted(given)
        )
        return cases.details(session, call.room, call.asker, found)


def assign(call: Call, case: str) -> dict[str, Any]:
    """Who is to read a case. A reader who has signed keeps it; others who are not named lose it."""
    body: shapes.Readers = call.body
    wanted = set(body.readers)
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        able = set(
            session.scalars(
                select(Account.id).where(
                    Account.id.in_(wanted or {0}),
                    Account.role == "reader",
                    Account.disabled.is_(False),
                    Account.deleted.is_(False),
                )
            )
        )
        if able != wanted:
            raise ProblemError("readers-only")
        parts = {
            part.account_id: part
            for part in session.scalars(select(CaseReader).where(CaseReader.case_id == found.id))
        }
        for number in wanted - parts.keys():
            session.add(CaseReader(account_id=number, case_id=found.id, assigned=True))
        for number, part in parts.items():
            part.active = number in wanted or part.signed is not None
        session.flush()
        call.room.audit.append(
            session, "case.assigned", call.asker.id, found.id, readers=sorted(wanted)
        )
        return cases.details(session, call.room, call.asker, found)
