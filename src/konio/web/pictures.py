"""Pictures of a film for the viewer, made once by the worker and again if they are missing.

The film is only cut to 8 or 16 bits; nothing is sharpened or stretched (GBZ 70-2015 F.3.3).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from konio.records import Image
from konio.web.storage import Storage

#: Longest side of the small picture.
PREVIEW_SIDE: Final = 1024

Picture = Literal["film.png", "preview.png", "film.u16.gz"]
PICTURES: Final[tuple[Picture, ...]] = ("film.png", "preview.png", "film.u16.gz")
_FACTS: Final = "film.json"
_ONE_AT_A_TIME: Final = threading.Semaphore(1)


def make_pictures(image: Image, folder: Path) -> None:
    """Writes all pictures of a film.

    Args:
        image: ``(H, W)`` float32 in 0..1, bright bone.
        folder: of this film; made if missing.
    """
    import imagecodecs

    from konio.report.files import write_bytes, write_text
    from konio.report.pictures import film_picture

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = np.rint(image.pixels * np.float32(65535)).astype("<u2")
    write_bytes(folder / "film.u16.gz", bytes(imagecodecs.gzip_encode(words.tobytes(), level=1)))
    eight = np.rint(image.pixels * np.float32(255)).astype(np.uint8)
    write_bytes(folder / "film.png", bytes(imagecodecs.png_encode(eight, level=1)))
    small = np.asarray(film_picture(image, PREVIEW_SIDE))
    write_bytes(folder / "preview.png", bytes(imagecodecs.png_encode(small, level=3)))
    rows, columns = image.shape
    facts = {
        "rows": rows,
        "columns": columns,
        "spacing_mm": None if image.spacing_mm is None else list(image.spacing_mm),
        "sop_instance_uid": image.source.sop_instance_uid,
        "format": image.source.format,
        "notes": list(image.source.notes),
    }
    write_text(folder / _FACTS, json.dumps(facts))


def facts(storage: Storage, sha256: str) -> Mapping[str, Any] | None:
    """Rows, columns, spacing and notes of a film, or ``None`` while no picture was made."""
    try:
        found: Mapping[str, Any] = json.loads(
            (storage.pictures(sha256) / _FACTS).read_text("utf-8")
        )
    except FileNotFoundError:
        return None
    return found


def ensure(storage: Storage, sha256: str, name: Picture) -> Path:
    """The picture, made now if the worker has not come to it yet.

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
