"""What tells a CT scan from a film before anything is decoded: an MHD file's name, a DICOM file's meta information."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from konio.io.magic import META_BYTES, is_ct_slice

META_IMAGES: Final = frozenset({".mhd", ".mha"})


def is_scan(path: str | os.PathLike[str]) -> bool:
    """Whether a path means a CT scan: an MHD file, or a folder that holds slices of one."""
    return is_meta_image(path) or holds_slices(path)


def is_meta_image(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an MHD or MHA file by its name; their first bytes are plain text."""
    return Path(path).suffix.casefold() in META_IMAGES


def is_slice(path: str | os.PathLike[str]) -> bool:
    """Whether a file that can be opened is a DICOM object of CT."""
    try:
        with Path(path).open("rb") as file:
            return is_ct_slice(file.read(META_BYTES))
    except OSError:
        return False


def holds_slices(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with a CT slice in it."""
    try:
        return any(entry.is_file() and is_slice(entry) for entry in sorted(Path(path).iterdir()))
    except (OSError, ValueError):
        return False
