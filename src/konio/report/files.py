"""Files appear whole or not at all: written beside their place under another name, then renamed.

A full disk, a read-only folder or a missing one becomes one `konio.errors.OutputError`.
"""

from __future__ import annotations

import errno
import io
import os
import re
import tempfile
import unicodedata
from pathlib import Path

from konio.errors import OutputError

_REMEDY = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the quota is used up; free some space and run again",
    errno.EROFS: "the file system is read-only; choose another folder with --out",
    errno.EACCES: "permission is denied; choose another folder with --out",
    errno.EPERM: "permission is denied; choose another folder with --out",
    errno.ENOTDIR: "a part of the path is a file; choose another folder with --out",
    errno.EEXIST: "a file of that name is in the way; choose another folder with --out",
    errno.ENAMETOOLONG: "the name is too long; give the film a shorter name",
}


def make_folder(folder: Path) -> Path:
    """Makes a folder and those above it.

    Raises:
        OutputError: if that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output_error(folder, error) from error
    return folder


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a file so that nobody ever sees half of it.

    Args:
        path: where it is to stand; its folder exists.
        content: all of it.

    Returns:
        The path.

    Raises:
        OutputError: if it cannot be written; what stood there before still stands.
    """
    unfinished: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".konio-", suffix=".part", dir=path.parent)
        unfinished = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    except OSError as error:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise _output_error(path, error) from error
    return path


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` of UTF-8."""
    return write_bytes(path, content.encode("utf-8", errors="surrogateescape"))


def append_line(path: Path, line: str) -> None:
    """Adds one line to a file that grows during a run; after a failure no half line stays.

    Args:
        path: the file.
        line: text without line break.

    Raises:
        OutputError: if it cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as file:
            before = file.tell()
            content = line.encode("utf-8", errors="surrogateescape") + b"\n"
            try:
                _write_all(file, content)
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise _output_error(path, error) from error


def _write_all(file: io.FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def plain_name(path: str) -> str:
    """A file name made of letters, digits, dot, dash and underscore, from the last part of a path.

    Examples:
        >>> plain_name("/films/Film 3 (new).dcm")
        'Film-3-new'
    """
    last = Path(path.rstrip("/\\"))
    stem = last.stem if _looks_like_extension(last.suffix) else last.name
    text = unicodedata.normalize("NFC", stem.encode("utf-8", "replace").decode("utf-8"))
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "film"


def _looks_like_extension(suffix: str) -> bool:
    return bool(re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,4}", suffix))


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _output_error(path: Path, error: OSError) -> OutputError:
    why = _REMEDY.get(error.errno or 0, f"{error.strerror or error}; choose another folder")
    return OutputError(f"{path} could not be written: {why}")
