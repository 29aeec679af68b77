"""Uploads: streamed to disk, hashed, flushed, then written into the database, then acknowledged.

A ZIP is unpacked member by member under limits on number, size and growth; names in it are labels and never paths.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from konio.errors import RefusedError
from konio.io.magic import sniff
from konio.io.sizes import MAX_FILE_BYTES
from konio.web.asker import Asker, Room
from konio.web.cases import new_public_id
from konio.web.jobs import enqueue
from konio.web.storage import CHUNK, Incoming, TooLargeError
from konio.web.tables import Case, CaseReader, Film

#: A ZIP may grow this much when unpacked.
ZIP_RATIO: Final = 120
#: Small archives may grow more: a blank header compresses well.
ZIP_FREE_BYTES: Final = 64 * 2**20
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_NAME_LETTERS: Final = 160


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an upload.

    Args:
        bytes: of the upload.
        sha256: of the upload.
        cases: accepted films: ``id``, ``name``, ``duplicate``, ``status``.
        refused: files that are no films: ``name``, ``code``, ``reason``, ``reason_zh``.
    """

    bytes: int
    sha256: str
    cases: list[dict[str, Any]]
    refused: list[dict[str, str]]


def label(name: str) -> str:
    r"""The last part of a file name without anything that is not meant to be read.

    Examples:
        >>> label("../../etc/passwd"), label("C:\\films\\a.dcm"), label("")
        ('passwd', 'a.dcm', 'film')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = "".join(letter for letter in last if letter.isprintable()).strip()
    return clean[:_NAME_LETTERS] if clean.strip(".") else "film"


def take(room: Room, asker: Asker, name: str, chunks: Iterable[bytes]) -> Taken:
    """Takes one upload.

    Args:
        room: where it goes.
        asker: whose it is.
        name: as the browser knows it.
        chunks: its bytes.

    Raises:
        DiskFullError: if there is no room; nothing was taken.
        TooLargeError: above the limit.
    """
    cases: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    with room.storage.receive(chunks, room.settings.upload_bytes) as incoming:
        size, sha256 = incoming.size, incoming.sha256
        if incoming.head.startswith(_ZIP_STARTS):
            for member, said in _unpack(room, incoming):
                _add(room, asker, member, said, cases, refused)
        else:
            _add(room, asker, label(name), incoming, cases, refused)
    return Taken(size, sha256, cases, refused)


def _add(
    room: Room,
    asker: Asker,
    name: str,
    said: Incoming | RefusedError,
    cases: list[dict[str, Any]],
    refused: list[dict[str, str]],
) -> None:
    refusal = said if isinstance(said, RefusedError) else look(said)
    if refusal is not None or isinstance(said, RefusedError):
        why = refusal or said
        refused.append(
            {"name": name, "code": why.code, "reason": why.reason, "reason_zh": why.reason_zh}  # type: ignore[union-attr]
        )
        return
    room.storage.keep(said)
    cases.append(_register(room, asker, name, said))


def look(incoming: Incoming) -> RefusedError | None:
    """What the first bytes already tell against a file; the reader itself looks at it in the job."""
    if incoming.size == 0:
        return RefusedError("empty")
    if incoming.size > MAX_FILE_BYTES:
        return RefusedError("too-large", f"a file of {incoming.size // 2**20} MiB")
    if sniff(incoming.head) is None:
        return RefusedError("not-an-image", "by its first bytes")
    return None


def _register(room: Room, asker: Asker, name: str, incoming: Incoming) -> dict[str, Any]:
    """The film's case: a new one with a job, or the one that these bytes already have."""
    for _ in range(2):
        try:
            with room.database.write() as session:
                return _register_in(session, room, asker, name, incoming)
        except IntegrityError:
            continue  # the same bytes came twice at one moment; the other was first
    with room.database.write() as session:
        return _register_in(session, room, asker, name, incoming)


def _register_in(
    session: Session, room: Room, asker: Asker, name: str, incoming: Incoming
) -> dict[str, Any]:
    sha256 = incoming.sha256
    case = session.scalar(select(Case).join(Film).where(Film.sha256 == sha256))
    duplicate = case is not None
    if case is None:
        film = Film(sha256=sha256, bytes=incoming.size, format=sniff(incoming.head) or "")
        session.add(film)
        session.flush()
        case = Case(public=new_public_id(), film_id=film.id, name=name, facts={})
        session.add(case)
        session.flush()
        enqueue(session, case)
    part = session.get(CaseReader, (asker.id, case.id))
    if part is None:
        session.add(CaseReader(account_id=asker.id, case_id=case.id))
    else:
        part.active = True
    room.audit.append(
        session,
        "case.uploaded",
        asker.id,
        case.id,
        sha256=sha256,
        bytes=incoming.size,
        duplicate=duplicate,
    )
    return {"id": case.public, "name": case.name, "duplicate": duplicate, "status": case.status}


def _unpack(room: Room, archive: Incoming) -> Iterator[tuple[str, Incoming | RefusedError]]:
    """The films of a ZIP one after another; each is on disk only while its turn lasts."""
    try:
        with zipfile.ZipFile(archive.path) as bundle:
            members = [member for member in bundle.infolist() if not member.is_dir()]
            problem = _bomb(room, archive, members)
            if problem is not None:
                yield "zip", problem
                return
            for member in members:
                yield from _member(room, bundle, member)
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError, RuntimeError) as error:
        yield "zip", RefusedError("truncated", f"a ZIP: {type(error).__name__}")


def _bomb(room: Room, archive: Incoming, members: list[zipfile.ZipInfo]) -> RefusedError | None:
    """Judges a ZIP by its directory before anything is unpacked."""
    if len(members) > room.settings.zip_films:
        return RefusedError("too-large", f"a ZIP of {len(members)} files")
    total = sum(member.file_size for member in members)
    if total > min(room.settings.zip_bytes, max(ZIP_FREE_BYTES, ZIP_RATIO * archive.size)):
        return RefusedError("too-large", f"a ZIP that grows to {total // 2**20} MiB")
    spans = sorted((member.header_offset, member.compress_size) for member in members)
    for (offset, size), (following, _) in pairwise(spans):
        if offset + size > following:
            return RefusedError("bad-header", "a ZIP whose members overlap")
    return None


def _member(
    room: Room, bundle: zipfile.ZipFile, member: zipfile.ZipInfo
) -> Iterator[tuple[str, Incoming | RefusedError]]:
    name = label(member.filename)
    if member.flag_bits & 0x1:
        yield name, RefusedError("unreadable", "a ZIP with a password")
        return
    if member.file_size > MAX_FILE_BYTES:
        yield name, RefusedError("too-large", f"a file of {member.file_size // 2**20} MiB")
        return
    try:
        with (
            bundle.open(member) as stream,
            room.storage.receive(_blocks(stream), member.file_size) as incoming,
        ):
            if incoming.head.startswith(_ZIP_STARTS):
                yield name, RefusedError("not-an-image", "a ZIP inside a ZIP")
            else:
                yield name, incoming
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        yield name, RefusedError("truncated", f"a member of a ZIP: {type(error).__name__}")
    except TooLargeError:
        yield name, RefusedError("bad-header", "a ZIP member larger than its directory says")


def _blocks(stream: Any) -> Iterator[bytes]:
    while block := stream.read(CHUNK):
        yield block
