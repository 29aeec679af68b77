"""One slice of a CT series: what its header says of its place, and its pixels in Hounsfield units.

This is the work of the child process; `konio.io.series` is the other side.

References:
    DICOM PS3.3 C.7.6.2 (image plane), C.8.2.1 (CT image), C.7.5.1.1.2 (pixel padding).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from konio.errors import RefusedError
from konio.io import header
from konio.io.canonical import Depth
from konio.io.dicom import open_header, patient_of, read_words
from konio.io.film import map_file
from konio.io.magic import HEAD_BYTES, sniff
from konio.io.presentation import grayscale
from konio.io.volume import AIR_HU

_RANGE: Final = (-32768, 32767)

#: Numbers of the header that place a slice, and how many each has.
_PLACES: Final = (
    ("ImagePositionPatient", 3),
    ("ImageOrientationPatient", 6),
    ("PixelSpacing", 2),
    ("SliceThickness", 1),
    ("GantryDetectorTilt", 1),
)


@dataclass(frozen=True, slots=True, eq=False)
class SliceFacts:
    """A slice's header, fit to be sent as JSON."""

    values: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        """What the decoding process answers."""
        return self.values


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A slice's pixels, ``(H, W)`` int16 HU."""

    pixels: NDArray[np.int16]

    def facts(self) -> dict[str, Any]:
        """What the decoding process answers."""
        return {"shape": self.pixels.shape, "hounsfield": True}


def open_facts(path: str, target: Callable[[int], memoryview]) -> SliceFacts:
    """What the header of a DICOM file says of a CT slice.

    Args:
        path: the file.
        target: not used; no pixels are read.

    Returns:
        ``modality, series, instance, patient, number, localizer, rows, columns`` and the numbers that place it
        (``None`` where absent).

    Raises:
        RefusedError: ``not-an-image`` if it is no DICOM file, or what the header refuses.
    """
    dataset, _, _ = open_header(_dicom(path))
    facts: dict[str, Any] = {
        "modality": header.text(dataset, "Modality"),
        "series": header.text(dataset, "SeriesInstanceUID"),
        "instance": header.text(dataset, "SOPInstanceUID"),
        "patient": patient_of(dataset),
        "number": next(iter(header.numbers(dataset, "InstanceNumber")), None),
        "localizer": "LOCALIZER" in header.text(dataset, "ImageType"),
        "frames": header.whole(dataset, "NumberOfFrames", 1),
        "rows": header.whole(dataset, "Rows", 0),
        "columns": header.whole(dataset, "Columns", 0),
        "synthetic": "synthetic" in header.remarks(dataset),
    }
    for keyword, count in _PLACES:
        found = header.numbers(dataset, keyword)
        facts[keyword] = list(found) if len(found) == count else None
    return SliceFacts(facts)


def open_slice(path: str, target: Callable[[int], memoryview]) -> Slice:
    """The pixels of a CT slice.

    Args:
        path: the file.
        target: gives memory for the pixels, of so many bytes.

    Returns:
        Hounsfield units in the memory that ``target`` gave; padding is `AIR_HU`.

    Raises:
        RefusedError: with the code that applies.
    """
    dataset, content, end = open_header(_dicom(path))
    if header.text(dataset, "Modality") != "CT":
        raise RefusedError("not-ct", header.kind_of(dataset))
    words, depth = read_words(content, dataset, end)
    pixels = np.frombuffer(target(2 * words.size), np.int16).reshape(words.shape)
    np.take(_table(dataset, depth), words, out=pixels, mode="clip")
    return Slice(pixels)


def _dicom(path: str) -> Any:
    data = map_file(path)
    if sniff(data[:HEAD_BYTES]) != "dicom":
        raise RefusedError("not-an-image", "a slice of a CT series is a DICOM file")
    return data


def _table(dataset: Dataset, depth: Depth) -> NDArray[np.int16]:
    """Hounsfield units of every possible word."""
    values = depth.values()
    units = grayscale(dataset, depth).modality(values)
    table = np.clip(np.rint(units), *_RANGE).astype(np.int16)
    padding = header.numbers(dataset, "PixelPaddingValue")
    limit = header.numbers(dataset, "PixelPaddingRangeLimit") or padding
    if padding and limit:
        low, high = sorted((padding[0], limit[0]))
        table[(values >= low) & (values <= high)] = AIR_HU
    return table
