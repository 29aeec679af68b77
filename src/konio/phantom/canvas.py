"""What findings are painted on: millimetres of tissue over one person's lungs, with the truth mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.frame import Frame, magnification
from konio.phantom.smooth import Floats

#: Values of the lesion mask.
NOTHING, SMALL, LARGE, TUBERCULOSIS, CO_FINDING = range(5)
#: Magnification of a thing in the middle of the lung.
MIDDLE: Final = float(magnification(0.0))

Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """One film before exposure.

    Args:
        spacing: mm per pixel on the detector.
        lung: ``(N, N)`` mm of aerated lung along the beam.
        field: ``(N, N)`` bool, the lung fields.
        zones: ``(N, N)`` uint8, 1..6 in the order of `konio.tasks.ZONES`.
        density: g/cm3 of aerated lung.
        soft: ``(N, N)`` mm of soft tissue to be added, changed in place.
        bone: ``(N, N)`` mm of bone to be added, changed in place.
        aeration: ``(N, N)`` factor of the lung's own density, changed in place.
        lesions: ``(N, N)`` uint8 truth mask, changed in place.
        frame: geometry of the person; ``None`` on a real film.
    """

    spacing: float
    lung: Floats
    field: NDArray[np.bool_]
    zones: NDArray[np.uint8]
    density: float
    soft: Floats
    bone: Floats
    aeration: Floats
    lesions: NDArray[np.uint8]
    frame: Frame | None = None

    @property
    def size(self) -> int:
        """Edge length, pixels."""
        return int(self.lung.shape[0])

    @property
    def contrast(self) -> float:
        """Density of soft tissue over aerated lung."""
        return 1.0 - self.density

    def pixels(self, mm: float) -> float:
        """A length in the patient as pixels on the film."""
        return mm * MIDDLE / self.spacing

    def box(self, row: float, col: float, reach: float) -> Box:
        """The square around a point, clipped to the film."""
        n = self.size
        return (
            slice(int(np.clip(row - reach, 0, n)), int(np.clip(row + reach + 2, 0, n))),
            slice(int(np.clip(col - reach, 0, n)), int(np.clip(col + reach + 2, 0, n))),
        )

    def mark(self, box: Box, where: NDArray[np.bool_], kind: int) -> None:
        """Sets the truth mask to a kind unless a stronger finding is there already."""
        part = self.lesions[box]
        rank = np.array([0, 2, 4, 3, 1])
        part[where & (rank[part] <= rank[kind])] = kind


def new_canvas(
    lung: Floats,
    field: NDArray[np.bool_],
    zones: NDArray[np.uint8],
    spacing: float,
    density: float,
    frame: Frame | None = None,
) -> Canvas:
    """An empty canvas over given lungs."""
    shape = lung.shape
    return Canvas(
        spacing=spacing,
        lung=lung,
        field=field,
        zones=zones,
        density=density,
        soft=np.zeros(shape, np.float32),
        bone=np.zeros(shape, np.float32),
        aeration=np.ones(shape, np.float32),
        lesions=np.zeros(shape, np.uint8),
        frame=frame,
    )


def six_zones(field: NDArray[np.bool_], middle: float | None = None) -> NDArray[np.uint8]:
    """The six zones of GBZ 70-2015, 3.7, of a lung mask: thirds from apex to dome on each side.

    Args:
        field: ``(H, W)`` bool, both lung fields, patient's right on the left of the picture.
        middle: column between the lungs; the mask's own middle where ``None``.

    Returns:
        ``(H, W)`` uint8, 0 outside and 1..6 in the order of `konio.tasks.ZONES`; what lies below the
        dome belongs to the lower zone.
    """
    zones = np.zeros(field.shape, np.uint8)
    columns = np.flatnonzero(field.any(0))
    if not columns.size:
        return zones
    centre = (columns[0] + columns[-1]) / 2 if middle is None else middle
    for first, left, right in ((1, 0, int(centre)), (4, int(centre), field.shape[1])):
        half = field[:, left:right]
        rows, cols = np.flatnonzero(half.any(1)), np.flatnonzero(half.any(0))
        if not rows.size:
            continue
        column = half[:, (cols[0] + cols[-1]) // 2]
        inside = np.flatnonzero(column)
        dome = int(inside[-1]) if inside.size else int(rows[-1])
        third = max((dome + 1 - rows[0]) / 3, 1.0)
        level = np.clip(((np.arange(field.shape[0]) - rows[0]) / third).astype(np.int64), 0, 2)
        zones[:, left:right] = np.where(half, (first + level)[:, None], 0).astype(np.uint8)
    return zones
