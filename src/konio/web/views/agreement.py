"""The page of agreement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from konio.web import agreement, cases, readings, shapes
from konio.web.asker import Call
from konio.web.tables import Account


def show(call: Call) -> dict[str, Any]:
    """Agreement of readers; a reader sees what they take part in, an administrator all."""
    query: shapes.AgreementQuery = call.query
    since = None if query.since is None else cases.day_ms(query.since)
    until = None if query.until is None else cases.day_ms(query.until, end=True)
    only = query.reader if call.asker.is_administrator else call.asker.id
    with call.room.database.write() as session:
        names = readings.displays(session)
        call.room.audit.append(session, "agreement.viewed", call.asker.id)
        everybody = set(session.scalars(select(Account.id).where(Account.role == "reader")))
        looked = agreement.looked_at(session, since, until)
    if not call.asker.is_administrator:
        looked = [case for case in looked if call.asker.id in case.votes]
    shown = {number for case in looked for number in case.votes} | (everybody & {only})
    if query.other is not None:
        shown &= {only, query.other} if only is not None else {query.other}
    found = agreement.report(looked, shown, only)
    for reader in found["readers"]:
        reader["display"] = names.get(reader["id"], "")
    for pair in found["pairs"]:
        for side in ("a", "b"):
            pair[side] = {"id": pair[side], "display": names.get(pair[side], "")}
    return found
