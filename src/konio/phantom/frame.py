"""Where a point of the body falls on the film: divergent beam, posture, pixel grid.

Body coordinates are millimetres: x to the patient's left (right on the film), d forward (the beam runs
from the back to the detector at d = +150), z up, z = 0 near the carina.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from konio.phantom.smooth import Floats
from konio.phantom.subject import Subject

#: Distance from focal spot to detector, and from z axis to detector, mm.
SOURCE_IMAGE: Final = 1800.0
DETECTOR: Final = 150.0
#: Edge length of the field, and height of its upper edge, mm on the detector.
FIELD: Final = 430.0
TOP: Final = 188.0
#: Grid on which volumes are summed: edge length and spacing, mm on the detector.
COARSE_FIELD: Final = 480.0
COARSE_CELLS: Final = 288


def magnification(d: Any) -> Any:
    """How much larger a thing at depth ``d`` is on the detector."""
    return SOURCE_IMAGE / (SOURCE_IMAGE - (DETECTOR - d))


@dataclass(frozen=True, slots=True)
class Frame:
    """The film's pixel grid for one posture.

    Args:
        size: rows and columns of the film.
        subject: who stands there; rotation, bow, tilt and shift matter.
    """

    size: int
    subject: Subject

    @property
    def spacing(self) -> float:
        """Pixel spacing on the detector, mm."""
        return FIELD / self.size

    def sway(self, z: Any) -> Any:
        """Sideways displacement of the spine at height ``z``, mm."""
        return self.subject.bow * np.sin((np.asarray(z) + 40.0) / 95.0)

    def lean(self, d: Any) -> Any:
        """Sideways displacement at depth ``d`` through rotation, mm."""
        return np.asarray(d) * np.float32(np.tan(np.radians(self.subject.rotation)))

    def to_pixels(self, x: Any, d: Any, z: Any) -> tuple[Floats, Floats]:
        """Row and column (pixel centres at whole numbers) of points in the body."""
        x, d, z = (np.asarray(v, np.float32) for v in (x, d, z))
        m = magnification(d)
        across, up = (x + self.sway(z) + self.lean(d)) * m, z * m
        return self.detector_to_pixels(across, up)

    def detector_to_pixels(self, across: Any, up: Any) -> tuple[Floats, Floats]:
        """Row and column of points given on the detector before tilt and shift, mm."""
        turn = np.radians(self.subject.tilt)
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        film_x = cos * across - sin * up + self.subject.shift[0]
        film_z = sin * across + cos * up + self.subject.shift[1]
        row = (TOP - film_z) / self.spacing - 0.5
        col = (film_x + FIELD / 2) / self.spacing - 0.5
        return np.asarray(row, np.float32), np.asarray(col, np.float32)

    def pixels_to_detector(self, row: Any, col: Any) -> tuple[Floats, Floats]:
        """The inverse of `detector_to_pixels`."""
        film_x = (np.asarray(col, np.float32) + 0.5) * self.spacing - FIELD / 2
        film_z = TOP - (np.asarray(row, np.float32) + 0.5) * self.spacing
        across, up = film_x - self.subject.shift[0], film_z - self.subject.shift[1]
        turn = np.radians(self.subject.tilt)
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        return (
            np.asarray(cos * across + sin * up, np.float32),
            np.asarray(-sin * across + cos * up, np.float32),
        )


def coarse_axes() -> tuple[Floats, Floats]:
    """Heights (downwards) and abscissae of the coarse grid's cell centres, mm on the detector."""
    step = COARSE_FIELD / COARSE_CELLS
    ticks = (np.arange(COARSE_CELLS, dtype=np.float32) + 0.5) * step
    margin = (COARSE_FIELD - FIELD) / 2
    return (TOP + margin - ticks).astype(np.float32), (ticks - COARSE_FIELD / 2).astype(np.float32)
