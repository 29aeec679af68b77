"""Any CT that konio reads, by the name of its file or folder."""

from __future__ import annotations

import os
from pathlib import Path

from konio.io.decoder import Decoder
from konio.io.mhd import open_mhd
from konio.io.scans import is_meta_image
from konio.io.series import open_series
from konio.io.volume import Volume


def open_ct(
    path: str | os.PathLike[str], series_uid: str | None = None, decoder: Decoder | None = None
) -> Volume:
    """Open a CT scan; its voxels are read when a box of them is asked for.

    Args:
        path: ``.mhd`` or ``.mha`` file, a folder with the slices of a DICOM series, or one of those slices.
        series_uid: which series, if the folder holds several.
        decoder: for DICOM; the shared one if ``None``.

    Raises:
        RefusedError: with the code that applies.

    Examples:
        >>> volume = open_ct("scan.mhd")  # doctest: +SKIP
        >>> volume.box(slice(10, 20), slice(None), slice(None)).shape  # doctest: +SKIP
        (10, 512, 512)
    """
    place = Path(path)
    if is_meta_image(place):
        return open_mhd(place)
    return open_series(place, series_uid, decoder)
