"""CT slices as files, for whoever tests what becomes of them."""

from __future__ import annotations

import numpy as np
from pydicom.uid import CTImageStorage
from tests.io.conftest import make_dicom

SERIES = "1.2.826.0.1.3680043.8.498.20"


def ct_slice(number: int, series: str = SERIES, place: int | None = None) -> bytes:
    """One slice of a series, 2 mm above the one before it unless a place is given."""
    return make_dicom(
        np.full((128, 160), 100, np.uint16),
        bits=12,
        SOPClassUID=CTImageStorage,
        Modality="CT",
        SeriesInstanceUID=series,
        SOPInstanceUID=f"{series}.{number}",
        ImagePositionPatient=[-50.0, -40.0, 2.0 * (number if place is None else place)],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.8, 0.7],
        SliceThickness="2",
        RescaleSlope="1",
        RescaleIntercept="-1024",
        ViewPosition=None,
    )
