"""What the audit log proves: readings are as they were signed, and every reader's own came before the machine's answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from konio.web import audit, readings
from konio.web.asker import Room
from konio.web.tables import Account, AuditEvent


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    Args:
        events: lines of the log.
        head: hash of the last one.
        problems: a sentence each; none if log and readings are intact.
    """

    events: int
    head: str
    problems: tuple[str, ...]


def prove(room: Room, session: Session, head: str = "") -> Proof:
    """Check the whole log, every signed reading against it, and the order of readings and the machine's answers.

    Args:
        room: whose keys seal the log.
        session: a reading transaction.
        head: a hash noted earlier that must still stand in the log; none if empty.
    """
    verdict = room.audit.verify(session)
    problems = [verdict.problem] if verdict.problem else []
    problems += [f"reading {n} is not as it was signed" for n in readings.altered(session)]
    problems += [f"the reading that line {n} tells of is gone" for n in readings.missing(session)]
    if room.settings.blind_first:
        problems += [
            f"line {n} shows the machine's answer before a reading"
            for n in blind_first_broken(session)
        ]
    if head and not known(session, head):
        problems.append("the hash given with --head does not stand in the log")
    return Proof(verdict.events, verdict.head, tuple(problems))


def blind_first_broken(session: Session) -> list[int]:
    """Lines in which a reader was shown the machine's answer before signing; empty where the order held.

    Args:
        session: a reading transaction.

    Returns:
        Numbers of the lines. Administrators do not read films and are left out.
    """
    readers = set(session.scalars(select(Account.id).where(Account.role == "reader")))
    signed: set[tuple[int | None, int | None]] = set()
    broken = []
    for event in audit.events(session):
        pair = (event.account_id, event.case_id)
        if event.action == "reading.signed":
            signed.add(pair)
        elif event.action == "machine.shown" and event.account_id in readers and pair not in signed:
            broken.append(event.seq)
    return broken


def known(session: Session, head: str) -> bool:
    """Whether a hash that was noted earlier still stands in the log."""
    return session.scalar(select(AuditEvent.seq).where(AuditEvent.hash == head)) is not None
