"""How many passwords may be tried: asked before any hashing, so that a flood costs next to nothing.

Each key has a bucket of tries that fills again slowly; a try that succeeds gives its token back. Three keys are asked:

- a browser that has signed in as this account before (it holds a signed cookie) has a bucket of its own, so that
  nobody else can use it up;
- an unknown browser needs a token of its address *and* one of the account as tried by strangers.

An owner on a known browser is therefore never locked out by somebody else's guesses; on a new one only while the
attack on that very account lasts and only from the attacker's address or when many addresses take part.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from konio.web.database import Database
from konio.web.tables import Bucket, now_ms


class Budget(NamedTuple):
    """Size of a bucket and the seconds after which one token comes back."""

    size: float
    refill_seconds: float


#: Wrong tries of a browser known to the account.
DEVICE: Final = Budget(10, 60)
#: Wrong tries from one address by unknown browsers, whatever the names.
ADDRESS: Final = Budget(8, 120)
#: Wrong tries of one account by unknown browsers of one address.
ACCOUNT_AT_ADDRESS: Final = Budget(5, 120)
#: Wrong tries of one account by unknown browsers anywhere.
ACCOUNT: Final = Budget(50, 300)

_KEEP_SECONDS: Final = 24 * 3600
_RACES: Final = 3


@dataclass(frozen=True, slots=True)
class Throttle:
    """Buckets in the database, so that all web processes share them.

    Args:
        database: where.
        key: of this installation; names and addresses are stored as their HMAC only.
    """

    database: Database
    key: bytes

    def device_token(self, name: str) -> str:
        """What a browser keeps after signing in: proof that it knows this account."""
        return hmac.new(self.key, f"device:{name}".encode(), hashlib.sha256).hexdigest()

    def keys(self, name: str, address: str, device: str) -> list[tuple[str, Budget]]:
        """The buckets of one try.

        Args:
            name: as it was typed, folded.
            address: of the client.
            device: the cookie of `device_token`, empty if there is none.
        """
        if hmac.compare_digest(device.encode(), self.device_token(name).encode()):
            return [(self._hidden("device", name), DEVICE)]
        return [
            (self._hidden("address", address), ADDRESS),
            (self._hidden("account-at", f"{name}\n{address}"), ACCOUNT_AT_ADDRESS),
            (self._hidden("account", name), ACCOUNT),
        ]

    def take(self, keys: Sequence[tuple[str, Budget]]) -> bool:
        """Takes one token of every bucket, or none if one is empty."""
        now = now_ms()
        with self.database.read() as session:
            if any(_left(session.get(Bucket, name), budget, now) < 1 for name, budget in keys):
                return False
        for _ in range(_RACES):
            with contextlib.suppress(IntegrityError):  # two made the same bucket at one moment
                return self._take(keys, now)
        return False

    def _take(self, keys: Sequence[tuple[str, Budget]], now: int) -> bool:
        with self.database.write() as session:
            rows = [self._row(session, name, budget, now) for name, budget in sorted(keys)]
            if any(row.left < 1 for row in rows):
                return False
            for row in rows:
                row.left -= 1
        return True

    def give_back(self, keys: Sequence[tuple[str, Budget]]) -> None:
        """The try was right: its tokens return."""
        now = now_ms()
        with self.database.write() as session:
            for name, budget in sorted(keys):
                row = self._row(session, name, budget, now)
                row.left = min(budget.size, row.left + 1)
            session.execute(delete(Bucket).where(Bucket.at < now - _KEEP_SECONDS * 1000))

    def forget(self, name: str) -> None:
        """An administrator lets strangers try this account again."""
        with self.database.write() as session:
            session.execute(delete(Bucket).where(Bucket.key == self._hidden("account", name)))
            session.execute(delete(Bucket).where(Bucket.key == self._hidden("device", name)))

    def _row(self, session: Session, name: str, budget: Budget, now: int) -> Bucket:
        row = session.scalar(select(Bucket).where(Bucket.key == name).with_for_update())
        if row is None:
            row = Bucket(key=name, left=budget.size, at=now)
            session.add(row)
        row.left, row.at = _left(row, budget, now), now
        return row

    def _hidden(self, kind: str, value: str) -> str:
        return hmac.new(self.key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def _left(row: Bucket | None, budget: Budget, now: int) -> float:
    if row is None:
        return budget.size
    return min(budget.size, row.left + (now - row.at) / 1000 / budget.refill_seconds)
