"""The audit log finds any edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from tests.web.conftest import House

from konio.web.audit import ACTIONS, Audit
from konio.web.database import Database
from konio.web.tables import AuditEvent, AuditHead


@pytest.fixture
def logged(house: House) -> House:
    with house.room.database.write() as session:
        for number in range(20):
            house.room.audit.append(
                session, "case.viewed", number % 3 + 1, number + 1, note=f"n{number}"
            )
    return house


def verdict(house: House, audit: Audit | None = None) -> Any:
    with house.room.database.read() as session:
        return (audit or house.room.audit).verify(session)


def test_an_untouched_log_is_intact(logged: House) -> None:
    found = verdict(logged)
    assert found.intact and found.events == 20 and len(found.head) == 64


def test_an_empty_log_is_intact(house: House) -> None:
    assert verdict(house).intact


EDITS: dict[str, Callable[[Any], Any]] = {
    "a detail": lambda s: s.execute(
        update(AuditEvent).where(AuditEvent.seq == 7).values(details="{}")
    ),
    "who": lambda s: s.execute(update(AuditEvent).where(AuditEvent.seq == 7).values(account_id=9)),
    "nobody": lambda s: s.execute(
        update(AuditEvent).where(AuditEvent.seq == 7).values(account_id=None)
    ),
    "which case": lambda s: s.execute(
        update(AuditEvent).where(AuditEvent.seq == 7).values(case_id=9)
    ),
    "when": lambda s: s.execute(update(AuditEvent).where(AuditEvent.seq == 7).values(at=1)),
    "what": lambda s: s.execute(
        update(AuditEvent).where(AuditEvent.seq == 7).values(action="session.begun")
    ),
    "a hash": lambda s: s.execute(
        update(AuditEvent).where(AuditEvent.seq == 7).values(hash="0" * 64)
    ),
    "one line gone": lambda s: s.execute(delete(AuditEvent).where(AuditEvent.seq == 7)),
    "the first line gone": lambda s: s.execute(delete(AuditEvent).where(AuditEvent.seq == 1)),
    "the last line gone": lambda s: s.execute(delete(AuditEvent).where(AuditEvent.seq == 20)),
    "all lines gone": lambda s: s.execute(delete(AuditEvent)),
    "the tail gone and the head set back": lambda s: (
        s.execute(delete(AuditEvent).where(AuditEvent.seq > 10)),
        s.execute(
            update(AuditHead).values(
                seq=10, hash=s.scalar(select(AuditEvent.hash).where(AuditEvent.seq == 10))
            )
        ),
    ),
    "the head gone": lambda s: s.execute(delete(AuditHead)),
    "a line added": lambda s: s.execute(
        insert(AuditEvent).values(seq=21, at=1, action="x", details="{}", hash="0" * 64)
    ),
    "two lines swapped": lambda s: [
        s.execute(update(AuditEvent).where(AuditEvent.seq == a).values(seq=b))
        for a, b in ((7, 99), (8, 7), (99, 8))
    ],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_any_edit_is_found(edit: Callable[[Any], Any], logged: House) -> None:
    with logged.room.database.write() as session:
        edit(session)
    found = verdict(logged)
    assert not found.intact and found.problem


def test_a_line_of_another_history_does_not_fit(logged: House) -> None:
    """One key sealed both, as after an older copy was set back; a line and a head of one are put into the other."""

    def go_on(session: Any, who: int) -> tuple[AuditEvent, AuditHead]:
        for case in (who, 7):
            event = logged.room.audit.append(session, "case.viewed", who, case)
        session.flush()
        return event, session.get_one(AuditHead, 1)

    with logged.room.database.read() as session:
        event, head = go_on(session, 1)  # never committed
        line = {"account_id": event.account_id, "at": event.at, "hash": event.hash}
        sealed = {"hash": head.hash, "seal": head.seal}
    with logged.room.database.write() as session:
        go_on(session, 2)
    assert verdict(logged).intact
    with logged.room.database.write() as session:
        session.execute(update(AuditEvent).where(AuditEvent.seq == 22).values(**line))
        session.execute(update(AuditHead).values(**sealed))
    found = verdict(logged)
    assert not found.intact and "22" in found.problem


def test_without_the_key_nobody_can_make_it_fit(logged: House) -> None:
    assert not verdict(logged, Audit(b"another key")).intact


def test_an_action_nobody_declared_is_refused(house: House) -> None:
    with pytest.raises(ValueError, match="unknown"), house.room.database.write() as session:
        house.room.audit.append(session, "case.stolen", 1)
    assert len(set(ACTIONS)) == len(ACTIONS)


def test_what_was_rolled_back_is_not_in_the_log(logged: House) -> None:
    with pytest.raises(RuntimeError), logged.room.database.write() as session:
        logged.room.audit.append(session, "case.viewed", 1, 1)
        raise RuntimeError
    assert verdict(logged).events == 20


def test_many_at_one_time_stay_one_chain(house: House) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def add(number: int) -> None:
        with house.room.database.write() as session:
            house.room.audit.append(session, "case.viewed", number, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(60)))
    found = verdict(house)
    assert found.intact and found.events == 60


def test_the_page_of_the_log(logged: House) -> None:
    root = logged.person("root", "administrator")
    page = root("GET", "/api/audit", query_string={"size": 5}).json
    assert [event["seq"] for event in page["events"]] == [20, 19, 18, 17, 16] and page["more"]
    older = root("GET", "/api/audit", query_string={"before": 3, "size": 5}).json
    assert [event["seq"] for event in older["events"]] == [2, 1] and not older["more"]
    mine = root("GET", "/api/audit", query_string={"account": 2}).json["events"]
    assert {event["account"] for event in mine} == {2}
    checked = root("GET", "/api/audit/verify").json
    assert checked["intact"] and checked["events"] == 20
    lines = root("GET", "/api/audit/export").get_data(as_text=True).splitlines()
    assert len(lines) == 21


def test_looking_again_at_once_is_one_look(house: House) -> None:
    reader = house.person("reader")
    case = house.case(reader)
    before = verdict(house).events
    for _ in range(5):
        reader("GET", f"/api/cases/{case}")
    assert verdict(house).events == before + 1


def test_a_log_from_a_database_that_was_copied_verifies(logged: House, tmp_path: Any) -> None:
    copy = Database(logged.room.database.url)
    with copy.read() as session:
        assert logged.room.audit.verify(session).intact
    copy.close()
