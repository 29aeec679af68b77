"""Films on disk under the SHA-256 of their bytes; nothing a client sends becomes part of a path.

A film is written beside its place, flushed to the disk, renamed, and the folder is flushed: what was acknowledged
survives a power cut. Pictures made from films (`konio.web.pictures`) can be made again and are not precious.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from konio.errors import KonioError, OutputError

CHUNK: Final = 1 << 20
#: Kept free on the disk: what is signed, logged and assessed needs room when films have taken the rest.
RESERVE_BYTES: Final = 256 * 2**20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
#: A part file this old belongs to no upload that still runs.
_STALE_SECONDS: Final = 6 * 3600
_FULL: Final = "the server's disk is full, so nothing was taken; tell the administrator and send it again later"


class DiskFullError(KonioError):
    """There is no room for what was sent."""


class TooLargeError(KonioError):
    """More bytes than are taken."""


@dataclass(slots=True)
class Incoming:
    """A file that is being written: its bytes so far, their hash and first bytes.

    Args:
        path: where it grows.
        size: bytes so far.
        head: its first bytes.
    """

    path: Path
    size: int = 0
    head: bytes = b""
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Storage:
    """The folders of an installation.

    Args:
        root: the data folder.
    """

    root: Path

    def prepare(self) -> None:
        """Makes the folders."""
        for name in ("incoming", "films", "pictures"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)

    @property
    def incoming(self) -> Path:
        """Where uploads grow."""
        return self.root / "incoming"

    def film(self, sha256: str) -> Path:
        """Where a film lies or will lie."""
        return self._place("films", sha256)

    def pictures(self, sha256: str) -> Path:
        """The folder of the pictures of a film."""
        return self._place("pictures", sha256)

    def _place(self, kind: str, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError("a film is named by 64 hexadecimal figures")
        return self.root / kind / sha256[:2] / sha256

    @contextmanager
    def receive(self, chunks: Iterable[bytes], limit: int) -> Iterator[Incoming]:
        """Writes a stream to disk; the file is gone afterwards unless `keep` took it.

        Args:
            chunks: the bytes.
            limit: most bytes that are taken.

        Raises:
            DiskFullError: if there is no room, or none but `RESERVE_BYTES`.
            TooLargeError: above the limit.
        """
        path = self.incoming / f"{secrets.token_hex(16)}.part"
        incoming = Incoming(path)
        try:
            self._write(incoming, chunks, limit)
            yield incoming
        finally:
            path.unlink(missing_ok=True)

    def _write(self, incoming: Incoming, chunks: Iterable[bytes], limit: int) -> None:
        try:
            handle = os.open(incoming.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb", buffering=0) as file:
                for chunk in chunks:
                    if not self.has_room(len(chunk)):
                        raise DiskFullError(_FULL)
                    incoming.size += len(chunk)
                    if incoming.size > limit:
                        raise TooLargeError(
                            f"more than {limit // 2**20} MiB were sent; send the films one by one"
                        )
                    if len(incoming.head) < 256:
                        incoming.head += chunk[: 256 - len(incoming.head)]
                    incoming._hash.update(chunk)
                    view = memoryview(chunk)
                    while view:
                        view = view[file.write(view) :]
                os.fsync(file.fileno())
        except OSError as error:
            raise _full(error) from error

    def keep(self, incoming: Incoming) -> Path:
        """Gives a received file its place for good.

        Raises:
            DiskFullError: if there is no room.
        """
        place = self.film(incoming.sha256)
        try:
            if not place.exists():
                place.parent.mkdir(mode=0o700, exist_ok=True)
                incoming.path.replace(place)
                _flush_folder(place.parent)
                _flush_folder(place.parent.parent)
        except OSError as error:
            raise _full(error) from error
        return place

    def sweep(self) -> int:
        """Removes what interrupted uploads left; returns how many files."""
        removed = 0
        for path in self.incoming.glob("*.part"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()
                    removed += 1
        return removed

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more leave the reserve untouched."""
        return self.free_bytes() - size >= RESERVE_BYTES

    def films(self) -> Iterator[Path]:
        """Every film that is stored."""
        yield from (path for path in (self.root / "films").glob("??/*") if path.is_file())

    def free_bytes(self) -> int:
        """Room left on the disk."""
        return shutil.disk_usage(self.root).free


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def full_disk() -> Iterator[None]:
    """Whatever is written inside says a full disk as `DiskFullError`."""
    try:
        yield
    except (OSError, OutputError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and isinstance(found := _full(cause), DiskFullError):
            raise found from error
        raise


def _full(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(_FULL)
    return error
