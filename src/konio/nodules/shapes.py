"""Outlines of real nodules, to be filled by the phantom: the shape is real, everything inside and around it made up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from konio.nodules.attributes import NOMINAL, RATED
from konio.nodules.marks import Mark, MarkedScan
from konio.nodules.masks import mark_mask, surroundings
from konio.nodules.matching import match
from konio.phantom import NoduleTruth, Outlined


@dataclass(frozen=True, slots=True, eq=False)
class RealShape:
    """One reader's outline of a real nodule and what all its readers said of it.

    One reader alone is a poor witness of shape: where one of LIDC-IDRI calls lobulation 4 or 5, the mean of the others
    is above 3 in one nodule of four.

    Args:
        name: of the reading in its source.
        patient_id: whose it is; splits never part a patient.
        mask: ``(slices, rows, columns)`` bool, tight around it.
        spacing_mm: ``(z, y, x)``.
        ratings: characteristic to the readers' mean grade, or to their commonest code where codes carry no order;
            ``None`` = not rated.
    """

    name: str
    patient_id: str
    mask: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    ratings: Mapping[str, float | None]

    def outlined(self) -> Outlined:
        """The shape as the phantom fills it."""
        return Outlined.from_mask(self.mask, self.spacing_mm)

    def truth(self, drawn: NoduleTruth) -> NoduleTruth:
        """What the readers said, in place of what was drawn; the size is the outline's."""
        said = {name: grade for name, grade in self.ratings.items() if grade is not None}
        size = (6 * self.mask.sum() * np.prod(self.spacing_mm) / np.pi) ** (1 / 3)
        return replace(
            drawn,
            diameter_mm=float(np.clip(size, 1, 50)),
            sphericity=float(said.get("sphericity", drawn.sphericity)),
            margin=float(said.get("margin", drawn.margin)),
            lobulation=float(said.get("lobulation", drawn.lobulation)),
            spiculation=float(said.get("spiculation", drawn.spiculation)),
            texture=float(said.get("texture", drawn.texture)),
            malignancy=float(said.get("malignancy", drawn.malignancy)),
            calcification=int(said.get("calcification", drawn.calcification)),
            internal_structure=int(said.get("internal_structure", drawn.internal_structure)),
        )


def real_shapes(scans: Iterable[MarkedScan], thickest_mm: float = math.inf) -> Iterator[RealShape]:
    """The outline of every reading.

    Whoever trains on them leaves out the patients that he will be measured on.

    Args:
        scans: with their marks, as `konio.nodules.read_lidc_database` gives them.
        thickest_mm: leave out scans whose slices lie further apart.
    """
    for scan in scans:
        if scan.spacing_mm > thickest_mm:
            continue
        for group in match(scan):
            said = {name: _said(name, group) for name in RATED}
            for mark in group:
                mask = _mask(mark, scan.spacing_mm)
                if mask.any():
                    yield RealShape(
                        name=f"{scan.patient_id}/{mark.name}",
                        patient_id=scan.patient_id,
                        mask=mask,
                        spacing_mm=(scan.spacing_mm, scan.pixel_mm, scan.pixel_mm),
                        ratings=said,
                    )


def _said(name: str, group: Sequence[Mark]) -> float | None:
    grades = [grade for mark in group if (grade := mark.ratings.get(name)) is not None]
    if not grades:
        return None
    return Counter(grades).most_common(1)[0][0] if name in NOMINAL else float(np.mean(grades))


def _mask(mark: Mark, spacing_mm: float) -> NDArray[np.bool_]:
    levels, shape, corner = surroundings(mark, spacing_mm)
    return mark_mask(mark, levels, shape, corner)
