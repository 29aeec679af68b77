"""Sessions: opaque tokens in a cookie, kept on the server as hashes, revocable at once.

The cookie is ``token.signature``. The signature lets the server turn away large bodies from strangers before it takes
them (`konio.web.server`); what counts is the row in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from konio.web.settings import Settings
from konio.web.tables import Account, SignedIn, now_ms

COOKIE: Final = "konio_session"
DEVICE_COOKIE: Final = "konio_device"
_TOUCH_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Sessions:
    """Begins, finds and ends sessions.

    Args:
        settings: how long a session lasts.
        key: signs cookies.
    """

    settings: Settings
    key: bytes

    def begin(self, session: Session, account: Account, address: str) -> tuple[SignedIn, str]:
        """A new session and the cookie for it; expired ones of this account go."""
        now = now_ms()
        session.execute(
            delete(SignedIn).where(SignedIn.account_id == account.id, SignedIn.expires < now)
        )
        token = secrets.token_urlsafe(32)
        row = SignedIn(
            token_sha256=_sha256(token),
            account_id=account.id,
            csrf=secrets.token_urlsafe(24),
            address=address[:64],
            created=now,
            last_seen=now,
            expires=now + self.settings.session_hours * 3_600_000,
        )
        session.add(row)
        session.flush()
        return row, f"{token}.{self._signature(token)}"

    def signed(self, cookie: str) -> bool:
        """Whether a cookie came from this installation; asks no database."""
        token, _, signature = cookie.partition(".")
        return hmac.compare_digest(signature.encode(), self._signature(token).encode())

    def find(self, session: Session, cookie: str) -> tuple[SignedIn, Account] | None:
        """The session of a cookie and whose it is; ``None`` if it ended or the account may not sign in."""
        if not self.signed(cookie):
            return None
        found = session.execute(
            select(SignedIn, Account)
            .join(Account, Account.id == SignedIn.account_id)
            .where(SignedIn.token_sha256 == _sha256(cookie.partition(".")[0]))
        ).first()
        if found is None:
            return None
        row, account = found
        if account.disabled or account.deleted or not self.alive(row):
            return None
        return row, account

    def alive(self, row: SignedIn) -> bool:
        """Whether a session has neither expired nor idled too long."""
        now = now_ms()
        idle = self.settings.session_idle_minutes * 60_000
        return bool(now < row.expires and now - row.last_seen < idle)

    def needs_touch(self, row: SignedIn) -> bool:
        """Whether the last request is long enough ago to be worth a write."""
        return bool(now_ms() - row.last_seen > _TOUCH_MS)

    def touch(self, session: Session, row: SignedIn) -> None:
        """Notes that the session is in use."""
        session.execute(update(SignedIn).where(SignedIn.id == row.id).values(last_seen=now_ms()))

    def _signature(self, token: str) -> str:
        return hmac.new(self.key, f"session:{token}".encode(), hashlib.sha256).hexdigest()[:32]


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
