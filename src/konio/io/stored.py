"""What every reader hands to the canonical chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from konio.io.canonical import Depth, Grayscale


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A film as its file holds it.

    Args:
        words: ``(H, W)`` stored words, unsigned 8 or 16 bit.
        depth: how words hold values.
        grayscale: the steps from values to brightness.
        format: ``dicom``, ``png`` or ``jpeg``.
        spacing_mm: ``(row, column)`` distance of pixel centres in the patient, or ``None``.
        sop_instance_uid: of a DICOM object.
        patient_id: of a DICOM object; never printed or logged.
        notes: facts a reader should know.
    """

    words: NDArray[Any]
    depth: Depth
    grayscale: Grayscale
    format: str
    spacing_mm: tuple[float, float] | None = None
    sop_instance_uid: str | None = None
    patient_id: str | None = None
    notes: tuple[str, ...] = ()
