"""The audit log: append-only, each line sealed together with the one before it.

A line's hash is an HMAC-SHA256 over its content and the hash before it; the key lies outside the database, so who
can change rows cannot make them fit again. The sealed head finds a tail that was cut off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from konio.web.tables import AuditEvent, AuditHead, now_ms

#: Everything that is written down.
ACTIONS: Final = (
    "session.begun", "session.refused", "session.ended", "session.revoked",
    "account.added", "account.changed", "account.deleted", "account.password", "account.totp",
    "case.uploaded", "case.changed", "case.assigned", "case.viewed", "film.viewed", "film.exported",
    "job.queued", "job.cancelled", "machine.shown", "reading.signed", "report.exported",
    "audit.exported", "audit.viewed", "agreement.viewed",
)  # fmt: skip

#: Looking at the same thing again within this time is one look.
ONCE_MS: Final = 5 * 60_000

_START: Final = "0" * 64
_CHUNK: Final = 5000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the log found.

    Args:
        intact: whether every line is as it was written and none is missing.
        events: lines checked.
        head: hash of the last line; kept outside, it proves later that nothing before it changed.
        problem: one sentence, empty where intact.
    """

    intact: bool
    events: int
    head: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes and checks the log.

    Args:
        key: of this installation.
    """

    key: bytes

    def begin(self, session: Session) -> None:
        """Makes the head of a log that has no line yet."""
        if session.get(AuditHead, 1) is None and session.scalar(select(AuditEvent.seq)) is None:
            seal = self._seal("head", f"0:{_START}")
            session.add(AuditHead(id=1, seq=0, hash=_START, seal=seal))

    def append(
        self,
        session: Session,
        action: str,
        account_id: int | None,
        case_id: int | None = None,
        **details: Any,
    ) -> AuditEvent:
        """Adds one line within the transaction of what it records.

        Args:
            session: a writing transaction.
            action: one of `ACTIONS`.
            account_id: who did it.
            case_id: which case, if one.
            details: plain data; no passwords, no names of patients.

        Raises:
            ValueError: on an unknown action.
        """
        if action not in ACTIONS:
            raise ValueError(f"audit action {action!r} is unknown; add it to ACTIONS")
        head = session.scalar(select(AuditHead).with_for_update())
        if head is None:
            raise RuntimeError("the head of the audit log is missing; run konio audit verify")
        event = AuditEvent(
            seq=head.seq + 1,
            at=now_ms(),
            account_id=account_id,
            action=action,
            case_id=case_id,
            details=_canonical(details),
            hash="",
        )
        event.hash = self._seal(head.hash, _content(event))
        session.add(event)
        head.seq, head.hash = event.seq, event.hash
        head.seal = self._seal("head", f"{head.seq}:{head.hash}")
        return event

    def append_once(
        self, session: Session, action: str, account_id: int, case_id: int, **details: Any
    ) -> None:
        """Adds a line unless the same one was added a few minutes ago, for what pages ask again and again."""
        recent = session.scalar(
            select(AuditEvent.seq)
            .where(
                AuditEvent.case_id == case_id,
                AuditEvent.account_id == account_id,
                AuditEvent.action == action,
                AuditEvent.details == _canonical(details),
                AuditEvent.at > now_ms() - ONCE_MS,
            )
            .limit(1)
        )
        if recent is None:
            self.append(session, action, account_id, case_id, **details)

    def verify(self, session: Session) -> Verdict:
        """Walks through the whole log."""
        before, count = _START, 0
        for event in events(session):
            count += 1
            if event.seq != count:
                return Verdict(False, count, before, f"line {count} is missing")
            if not hmac.compare_digest(event.hash, self._seal(before, _content(event))):
                return Verdict(False, count, before, f"line {count} is not as it was written")
            before = event.hash
        head = session.get(AuditHead, 1)
        if head is None:
            return Verdict(False, count, before, "the head is missing")
        sealed = self._seal("head", f"{head.seq}:{head.hash}")
        if not hmac.compare_digest(head.seal, sealed):
            return Verdict(False, count, before, "the head is not as it was written")
        if (head.seq, head.hash) != (count, before):
            return Verdict(False, count, before, f"{head.seq - count} lines at the end are missing")
        return Verdict(True, count, before)

    def _seal(self, before: str, content: str) -> str:
        return hmac.new(self.key, f"{before}\n{content}".encode(), hashlib.sha256).hexdigest()


def events(session: Session) -> Iterator[AuditEvent]:
    """All lines from the first to the last, a few thousand in memory at a time."""
    last = -1
    while True:
        rows = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.seq > last)
            .order_by(AuditEvent.seq)
            .limit(_CHUNK)
            .execution_options(populate_existing=True)
        ).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].seq
        session.expunge_all()


def line(event: AuditEvent) -> dict[str, Any]:
    """One line as plain data."""
    return {
        "seq": event.seq,
        "at": event.at,
        "account": event.account_id,
        "action": event.action,
        "case": event.case_id,
        "details": json.loads(event.details),
        "hash": event.hash,
    }


def _content(event: AuditEvent) -> str:
    return _canonical(
        {
            "seq": event.seq,
            "at": event.at,
            "account": event.account_id,
            "action": event.action,
            "case": event.case_id,
            "details": event.details,
        }
    )


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
