"""The steps of the canonical chain as a DICOM header asks for them.

References:
    DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric interpretation).
"""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
from pydicom.dataset import Dataset

from konio.errors import RefusedError
from konio.io import header
from konio.io.canonical import Depth, Float64s, Grayscale, Lut, Rescale, Window


def grayscale(dataset: Dataset, depth: Depth) -> Grayscale:
    """Modality step, VOI step (a table before a window, the first of several) and polarity.

    PhotometricInterpretation decides the polarity. PresentationLUTShape must say the same where the Standard is
    kept (C.8.11.3); a header where it does not is noted (`header.remarks`) and the content has the last word.

    Raises:
        RefusedError: ``bad-header`` on tables or windows that cannot be.
    """
    modality = _modality(dataset, depth)
    lowest = float(np.min(modality(np.array(depth.span))))
    return Grayscale(
        modality=modality,
        voi=_voi(dataset, signed=lowest < 0),
        inverse=header.text(dataset, "PhotometricInterpretation") == "MONOCHROME1",
    )


def _modality(dataset: Dataset, depth: Depth) -> Rescale | Lut:
    tables = header.items(dataset, "ModalityLUTSequence")
    if tables:
        return _lut(tables[0], depth.signed)
    slope = header.numbers(dataset, "RescaleSlope") or (1.0,)
    intercept = header.numbers(dataset, "RescaleIntercept") or (0.0,)
    return Rescale(slope[0], intercept[0])


def _voi(dataset: Dataset, signed: bool) -> Window | Lut | None:
    tables = header.items(dataset, "VOILUTSequence")
    if tables:
        return _lut(tables[0], signed)
    centre, width = header.numbers(dataset, "WindowCenter"), header.numbers(dataset, "WindowWidth")
    if not centre or not width:
        return None
    function = header.text(dataset, "VOILUTFunction") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise RefusedError("bad-header", f"VOI function {header.word(function)}")
    kind = cast(Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"], function)
    return Window(centre[0], width[0], kind)


def _lut(item: Dataset, signed: bool) -> Lut:
    descriptor = header.numbers(item, "LUTDescriptor")
    if len(descriptor) != 3 or not 8 <= descriptor[2] <= 16:
        raise RefusedError("bad-header", "a look-up table without a valid descriptor")
    count, first, bits = (int(n) for n in descriptor)
    count &= 0xFFFF  # 65536 is written as 0; a signed reading may make it negative
    first = first - 65536 if signed and first >= 32768 else first
    first = first + 65536 if not signed and first < 0 else first
    return Lut(_entries(item, count or 65536), first, bits)


def _entries(item: Dataset, count: int) -> Float64s:
    data: Any = header.value(item, "LUTData")
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        wide = len(data) >= 2 * count
        entries = np.frombuffer(data[: count * (1 + wide)], f"{order}u2" if wide else np.uint8)
    else:
        entries = np.atleast_1d(np.asarray([] if data is None else data, np.int64)) & 0xFFFF
    if entries.size < count:
        raise RefusedError("bad-header", f"{entries.size} of {count} entries of a look-up table")
    return entries[:count].astype(np.float64)
