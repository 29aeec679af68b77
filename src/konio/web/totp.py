"""One-time codes of six figures that change every 30 seconds.

References:
    RFC 4226 (HOTP), RFC 6238 (TOTP).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from typing import Final
from urllib.parse import quote

STEP_SECONDS: Final = 30
DIGITS: Final = 6
#: Steps before and after the present that still count, for clocks that differ.
DRIFT: Final = 1


def secret(key: bytes, account_id: int, generation: int) -> bytes:
    """The shared secret of an account; derived, so that the database holds none.

    Args:
        key: of this installation.
        account_id: whose.
        generation: grows each time the account begins anew.
    """
    return hmac.new(key, f"totp:{account_id}:{generation}".encode(), hashlib.sha256).digest()[:20]


def code(shared: bytes, counter: int, digits: int = DIGITS) -> str:
    """The code of one step.

    References:
        RFC 4226, section 5.3.
    """
    mac = hmac.new(shared, struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = mac[-1] & 0xF
    number = struct.unpack_from(">I", mac, offset)[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def accepted(shared: bytes, given: str, seconds: float, last: int) -> int | None:
    """The step a code belongs to, or ``None`` if it is wrong or was used before.

    Args:
        shared: the secret.
        given: what was typed.
        seconds: the present, since 1970.
        last: the newest step that was ever accepted.
    """
    now = int(seconds) // STEP_SECONDS
    found = None
    for counter in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code(shared, counter).encode(), given.encode()) and counter > last:
            found = counter
    return found


def text(shared: bytes) -> str:
    """The secret as people type it into their telephone."""
    return base64.b32encode(shared).decode()


def uri(shared: bytes, name: str) -> str:
    """The address that a QR code carries."""
    return f"otpauth://totp/konio:{quote(name)}?secret={text(shared)}&issuer=konio"
