"""Which nodules a model has learned from, as its bundle tells it: enough to find them or their patients again.

A nodule is known by what its source holds of it, before anything is cut: its slice or cube, or the middle slice of its scan, which
stands for every nodule in it. A patient is known where the table calls him as the public collection does (``LIDC-IDRI-0001``), and so is
the one whose outline a made-up nodule has. Patients of a hospital are never kept.

References:
    docs/decisions/0047.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from konio.errors import RefusedError
from konio.learning.nodule_sources import Source
from konio.learning.remembered import mark, packed, unpacked
from konio.nodules import Nodule, Readings
from konio.nodules.lidc_xml import PATIENT
from konio.nodules.made_up import outlined_patient


def remembered_nodules(source: Source, table: Readings, pretrained: str = "") -> str:
    """What a bundle keeps of the nodules it learned from (`konio.learning.remembered.packed`).

    Args:
        source: where they are.
        table: every nodule of it that is learned from or looked at in training.
        pretrained: the first weights; where they are a bundle, what it has learned from counts too.
    """
    return packed((each for own in marks_of(source, table) for each in own), pretrained)


def learned_rows(learned: str, source: Source, table: Readings) -> list[int]:
    """Rows of a table whose nodule, scan or patient a model has learned from.

    Args:
        learned: the record of a bundle; where it is empty, nothing is found and nothing read.
        source: where the nodules are.
        table: those of it that are asked about.
    """
    known = unpacked(learned)
    if not known:
        return []
    return [row for row, own in enumerate(marks_of(source, table)) if own & known]


def marks_of(source: Source, table: Iterable[Nodule]) -> Iterator[set[bytes]]:
    """What each nodule is known again by; nothing where its scan is gone and its patient is not of the public collection."""
    found: dict[str | int, set[bytes]] = {}
    for nodule in table:
        place = nodule.path if source.kind == "scans" else nodule.index
        if place not in found:
            found[place] = _pixels(source, nodule)
        yield found[place] | _patients(nodule)


def _pixels(source: Source, nodule: Nodule) -> set[bytes]:
    """One mark of the voxels, as 16-bit numbers however they are stored."""
    if source.witness is None:
        return set()
    try:
        voxels = source.witness(nodule)
    except (RefusedError, OSError):
        return set()
    return {mark(np.asarray(voxels).astype("<i2").tobytes())}


def _patients(nodule: Nodule) -> set[bytes]:
    """Of the nodule and of its outline, where they are of the public collection."""
    names = {nodule.patient_id, outlined_patient(nodule)}
    return {mark(f"patient {name}".encode()) for name in names if PATIENT.fullmatch(name)}
