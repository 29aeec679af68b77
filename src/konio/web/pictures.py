"""Pictures of a film for the viewer, made once by the worker and again if they are missing.

The film is only cut to 8 or 16 bits; nothing is sharpened or stretched (GBZ 70-2015 F.3.3). Its 16-bit words are also kept
at half, a quarter ... of the size, so that the viewer can show what a screen has pixels for before all of them are there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.records import Image
from konio.web.storage import Storage, full_disk

#: Longest side of the small picture.
PREVIEW_SIDE: Final = 1024

#: Names of the two pictures that are no words.
FULL: Final = "film.png"
PREVIEW: Final = "preview.png"

#: Below this longest side a smaller copy brings nothing; the viewer has the same limit.
_SMALLEST_SIDE: Final = 512
_FACTS: Final = "film.json"
_ONE_AT_A_TIME: Final = threading.Semaphore(1)


def make_pictures(image: Image, folder: Path) -> None:
    """Writes all pictures of a film.

    Args:
        image: ``(H, W)`` float32 in 0..1, bright bone.
        folder: of this film; made if missing.

    Raises:
        DiskFullError: if there is no room for them.
    """
    with full_disk():
        _make(image, folder)


def _make(image: Image, folder: Path) -> None:
    import imagecodecs

    from konio.report.files import write_bytes, write_text
    from konio.report.pictures import film_picture

    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    words = np.rint(image.pixels * np.float32(65535)).astype("<u2")
    for step in steps(*image.shape):
        words = words if step == 1 else halved(words)
        packed = bytes(imagecodecs.gzip_encode(words.tobytes(), level=1))
        write_bytes(folder / words_name(step), packed).chmod(0o600)
    eight = np.rint(image.pixels * np.float32(255)).astype(np.uint8)
    write_bytes(folder / FULL, bytes(imagecodecs.png_encode(eight, level=1))).chmod(0o600)
    small = np.asarray(film_picture(image, PREVIEW_SIDE))
    write_bytes(folder / PREVIEW, bytes(imagecodecs.png_encode(small, level=3))).chmod(0o600)
    rows, columns = image.shape
    facts = {
        "rows": rows,
        "columns": columns,
        "spacing_mm": None if image.spacing_mm is None else list(image.spacing_mm),
        "sop_instance_uid": image.source.sop_instance_uid,
        "format": image.source.format,
        "notes": list(image.source.notes),
    }
    write_text(folder / _FACTS, json.dumps(facts)).chmod(0o600)


def words_name(step: int) -> str:
    """Name of the file of the 16-bit words at one in ``step`` pixels of each side."""
    return "film.u16.gz" if step == 1 else f"film-{step}.u16.gz"


def steps(rows: int, columns: int) -> list[int]:
    """Film pixels for each word along a side, of all copies that are kept.

    Examples:
        >>> steps(3000, 2500), steps(512, 400)
        ([1, 2, 4, 8], [1])
    """
    found = [1]
    while max(rows, columns) > _SMALLEST_SIDE:
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
        found.append(2 * found[-1])
    return found


def step_for(rows: int, columns: int, width: int, height: int) -> int:
    """The coarsest copy that still has a word for each pixel of a pane that shows the whole film.

    Args:
        rows: of the film.
        columns: of the film.
        width: of the pane in pixels; 0 for every pixel of the film.
        height: of the pane in pixels; 0 for every pixel of the film.

    Examples:
        >>> step_for(3000, 3000, 810, 690), step_for(3000, 3000, 0, 0)
        (4, 1)
    """
    if not width or not height:
        return 1
    scale = min(width / columns, height / rows)
    return max(step for step in steps(rows, columns) if step == 1 or step * scale <= 1)


def halved(words: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Half the size, each word the rounded mean of four; an odd last row or column is repeated.

    The viewer makes its smaller copies by the same rule, so that both are the same to the last bit.

    Args:
        words: ``(H, W)`` uint16.

    Returns:
        ``((H + 1) // 2, (W + 1) // 2)`` little-endian uint16.
    """
    rows, columns = words.shape
    even = np.pad(words, ((0, rows % 2), (0, columns % 2)), mode="edge").astype(np.uint32)
    four = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return ((four + 2) >> 2).astype("<u2")


def facts(storage: Storage, sha256: str) -> Mapping[str, Any] | None:
    """Rows, columns, spacing and notes of a film, or ``None`` while no picture was made."""
    try:
        found: Mapping[str, Any] = json.loads(
            (storage.pictures(sha256) / _FACTS).read_text("utf-8")
        )
    except FileNotFoundError:
        return None
    return found


def ensure(storage: Storage, sha256: str, name: str) -> Path:
    """The picture, made now if the worker has not come to it yet.

    Args:
        storage: where films and pictures lie.
        sha256: which film.
        name: `FULL`, `PREVIEW` or a `words_name`.

    Raises:
        RefusedError: if the film cannot be read.
    """
    folder = storage.pictures(sha256)
    path = folder / name
    if path.exists() and (folder / _FACTS).exists():
        return path
    with _ONE_AT_A_TIME:  # a film of 40 million pixels takes a few hundred megabytes for a moment
        if not (path.exists() and (folder / _FACTS).exists()):
            from konio.io import read

            make_pictures(read(storage.film(sha256)), folder)
    return path
