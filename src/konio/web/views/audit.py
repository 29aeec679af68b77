"""The audit log, for administrators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from flask import Response
from sqlalchemy import select

from konio.web import audit, proof, shapes
from konio.web.asker import Call
from konio.web.cases import iso
from konio.web.tables import Account, AuditEvent, Case

#: Problems that the page names; the command names all.
_SHOWN: Final = 5


def listed(call: Call) -> dict[str, Any]:
    """Lines of the log, the newest first."""
    query: shapes.AuditQuery = call.query
    wanted = (
        select(AuditEvent, Account.name, Case.public)
        .join(Account, Account.id == AuditEvent.account_id, isouter=True)
        .join(Case, Case.id == AuditEvent.case_id, isouter=True)
    )
    if query.before is not None:
        wanted = wanted.where(AuditEvent.seq < query.before)
    if query.action:
        wanted = wanted.where(AuditEvent.action == query.action)
    if query.account is not None:
        wanted = wanted.where(AuditEvent.account_id == query.account)
    with call.room.database.read() as session:
        rows = session.execute(wanted.order_by(AuditEvent.seq.desc()).limit(query.size + 1)).all()
    events = [
        audit.line(event) | {"at": iso(event.at), "name": name, "case": public}
        for event, name, public in rows[: query.size]
    ]
    return {"events": events, "more": len(rows) > query.size}


def verify(call: Call) -> dict[str, Any]:
    """Checks the whole log, and the signed readings against it."""
    with call.room.database.read() as session:
        found = proof.prove(call.room, session)
    return {
        "intact": not found.problems,
        "events": found.events,
        "head": found.head,
        "problem": "; ".join(found.problems[:_SHOWN]),
    }


def export(call: Call) -> Response:
    """The whole log as JSON lines."""
    with call.room.database.write() as session:
        call.room.audit.append(session, "audit.exported", call.asker.id)

    def lines() -> Iterator[bytes]:
        with call.room.database.read() as session:
            for event in audit.events(session):
                yield json.dumps(audit.line(event), ensure_ascii=True).encode() + b"\n"

    answer = Response(lines(), mimetype="application/x-ndjson")
    answer.headers["Content-Disposition"] = 'attachment; filename="konio-audit.jsonl"'
    return answer
