"""A reader's own reading: the form's stage, its draft, signing; others' readings once one's own is signed."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response
from sqlalchemy.orm import Session

from konio.web import adjudication, agreement, cases, readings
from konio.web.asker import Call
from konio.web.problems import ProblemError
from konio.web.tables import Case, Draft, now_ms

_DRAFT_BYTES: Final = 32_768


def stage(call: Call) -> dict[str, Any]:
    """Stage and clause of findings, for the form while it is filled in; nothing is kept."""
    return readings.staged(call.body)


def listed(call: Call, case: str) -> dict[str, Any]:
    """One's own versions; others' and the consensus once one's own is signed."""
    with call.room.database.read() as session:
        found = cases.find(session, call.asker, case)
        names = readings.displays(session)
        mine = readings.mine(session, call.asker, found)
        others = []
        if mine or call.asker.is_administrator:
            others = [
                reading
                for reading in readings.newest_of_all(session, [found.id])
                if reading.account_id != call.asker.id
            ]
        consensus = (
            _consensus(session, found, names) if mine or call.asker.is_administrator else None
        )
    return {
        "mine": [readings.to_json(reading, names[reading.account_id]) for reading in mine],
        "others": [readings.to_json(reading, names[reading.account_id]) for reading in others],
        "consensus": consensus,
    }


def _consensus(session: Session, case: Case, names: dict[int, str]) -> dict[str, Any]:
    found = agreement.consensus_of(session, case)
    return {
        "state": found.state,
        "profusion": found.profusion,
        "large": None if found.large is None else "large" if found.large else "0",
        "stage": found.stage,
        "readers": [{"id": number, "display": names[number]} for number in found.readers],
        "rule": adjudication.RULE,
        "rule_zh": adjudication.RULE_ZH,
    }


def sign(call: Call, case: str) -> tuple[dict[str, Any], int]:
    """Sign a reading."""
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        reading = readings.sign(session, call.room, call.asker, found, call.body)
    return readings.to_json(reading, call.asker.account.display), 201


def draft(call: Call, case: str) -> dict[str, Any]:
    """The form as it was left."""
    with call.room.database.read() as session:
        found = cases.find(session, call.asker, case)
        kept = session.get(Draft, (call.asker.id, found.id))
        return {"draft": None if kept is None else kept.body}


def keep_draft(call: Call, case: str) -> Response:
    """Keep the form."""
    body: dict[str, Any] = call.body.model_dump()
    if len(json.dumps(body)) > _DRAFT_BYTES:
        raise ProblemError("too-large", f"{_DRAFT_BYTES // 1024} kB")
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        kept = session.get(Draft, (call.asker.id, found.id))
        if kept is None:
            session.add(Draft(account_id=call.asker.id, case_id=found.id, body=body))
        else:
            kept.body, kept.saved = body, now_ms()
    return Response(status=204)


def drop_draft(call: Call, case: str) -> Response:
    """Throw the form away."""
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        kept = session.get(Draft, (call.asker.id, found.id))
        if kept is not None:
            session.delete(kept)
    return Response(status=204)
