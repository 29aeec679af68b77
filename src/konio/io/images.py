"""Any image that konio reads, whole and in memory: a radiograph, or a CT scan.

Whoever asks about places in a scan opens it with `konio.io.open_ct`, which reads no more than those places need.
"""

from __future__ import annotations

import os
from pathlib import Path

from konio.errors import RefusedError
from konio.io.ct import open_ct
from konio.io.decoder import read as read_film
from konio.io.decoder import shared
from konio.io.scans import is_meta_image
from konio.records import Image


def read(path: str | os.PathLike[str]) -> Image:
    """Read a radiograph or a whole CT scan.

    Args:
        path: film (DICOM, PNG or JPEG), ``.mhd`` or ``.mha`` file, folder with the slices of one DICOM series, or one of
            those slices, which stands for its series.

    Returns:
        A radiograph's ``(H, W)`` float32 in 0..1, bright bone, or a CT's ``(D, H, W)`` int16 HU with its spacing
        ``(z, y, x)``; `konio.Image.kind` tells which.

    Raises:
        RefusedError: if it cannot be read, or is neither a PA chest radiograph nor a CT.

    Examples:
        >>> read("film.dcm").kind, read("scan.mhd").kind  # doctest: +SKIP
        ('radiograph', 'ct')
    """
    name = os.fspath(path)
    if is_meta_image(name) or Path(name).is_dir():
        return open_ct(name).image()
    try:
        return read_film(Path(name))
    except RefusedError as refusal:
        if refusal.code == "not-radiograph" and _is_slice(name):
            return open_ct(name).image()
        raise


def _is_slice(path: str) -> bool:
    """Whether a file that is no radiograph is a CT slice by its header."""
    try:
        return bool(shared().ask(path, "header").facts["modality"] == "CT")
    except RefusedError:
        return False
