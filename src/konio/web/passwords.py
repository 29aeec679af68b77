"""Passwords: argon2id, a bound on how many are hashed at a time, one-time passwords.

References:
    RFC 9106, section 4 (second recommended option: 64 MiB, 3 passes, here with one lane).
"""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from konio.web.problems import ProblemError

SHORTEST: Final = 12
LONGEST: Final = 256
#: Without letters and figures that look alike.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_AT_A_TIME: Final = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The argon2id hash of a password.

    Raises:
        ProblemError: if it is too short or too long.
    """
    check(password)
    with _AT_A_TIME:
        return _HASHER.hash(password)


def check(password: str) -> None:
    """Refuses a password that is too short, too long or one letter over and over.

    Raises:
        ProblemError: with what is asked for.
    """
    if not SHORTEST <= len(password) <= LONGEST or len(set(password)) < 5:
        raise ProblemError("weak-password")


def fits(password: str, stored: str) -> bool:
    """Whether a password belongs to a hash; takes as long for an account that does not exist.

    Args:
        password: what was typed.
        stored: the account's hash, empty if there is no such account.
    """
    with _AT_A_TIME:
        try:
            return _HASHER.verify(stored or _nobody(), password[:LONGEST]) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def one_time() -> str:
    """A password of 16 letters, about 92 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_hex(16))
