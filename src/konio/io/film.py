"""One file to canonical pixels: tell the format, read, run the chain, look at the content.

This is the work of the child process; `konio.io.decoder` is the other side.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError
from konio.io.canonical import canonical
from konio.io.dicom import read_dicom
from konio.io.magic import HEAD_BYTES, sniff
from konio.io.polarity import check_content
from konio.io.raster import read_jpeg, read_png
from konio.io.sizes import MAX_FILE_BYTES
from konio.io.stored import Stored

#: Reader of each format `konio.io.magic.sniff` tells.
READERS: Final[MappingProxyType[str, Callable[[mmap.mmap | bytes], Stored]]] = MappingProxyType(
    {"dicom": read_dicom, "png": read_png, "jpeg": read_jpeg}
)


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Canonical pixels, what the file said and the file's digest."""

    pixels: NDArray[np.float32]
    stored: Stored
    sha256: str

    def facts(self) -> dict[str, Any]:
        """What the decoding process answers."""
        return {
            "shape": self.pixels.shape,
            "sha256": self.sha256,
            "format": self.stored.format,
            "spacing_mm": self.stored.spacing_mm,
            "sop_instance_uid": self.stored.sop_instance_uid,
            "patient_id": self.stored.patient_id,
            "notes": self.stored.notes,
        }


def open_film(path: str, target: Callable[[int], memoryview]) -> Film:
    """Read one file.

    Args:
        path: the file.
        target: gives memory for the pixels, of so many bytes.

    Returns:
        The film; its pixels lie in the memory that ``target`` gave.

    Raises:
        RefusedError: with the code that applies.
    """
    data = map_file(path)
    form = sniff(data[:HEAD_BYTES])
    if form is None:
        raise RefusedError("not-an-image", "by its first bytes")
    with ThreadPoolExecutor(1) as side:
        digest = side.submit(lambda: hashlib.sha256(data).hexdigest())
        stored = READERS[form](data)
        grid = stored.words.shape
        pixels = np.frombuffer(target(4 * stored.words.size), np.float32).reshape(grid)
        canonical(stored.words, stored.depth, stored.grayscale, pixels)
        check_content(pixels, headed=form == "dicom")
        return Film(pixels, stored, digest.result())


def map_file(path: str) -> mmap.mmap:
    """The bytes of a regular file, looked at where they lie.

    Raises:
        RefusedError: ``missing``, ``unreadable``, ``empty`` or ``too-large``.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise RefusedError("missing") from error
    except (OSError, ValueError) as error:
        raise RefusedError("unreadable", _os_reason(error)) from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise RefusedError("unreadable", "not a regular file")
        if facts.st_size == 0:
            raise RefusedError("empty")
        if facts.st_size > MAX_FILE_BYTES:
            raise RefusedError("too-large", f"a file of {facts.st_size // 2**20} MiB")
        return mmap.mmap(handle, 0, prot=mmap.PROT_READ)
    except OSError as error:
        raise RefusedError("unreadable", _os_reason(error)) from error
    finally:
        os.close(handle)


def _os_reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "not a valid path"
