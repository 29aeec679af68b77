"""What the audit log proves: that every reader's own reading came before the machine's answer."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from konio.web import audit
from konio.web.tables import Account, AuditEvent


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
