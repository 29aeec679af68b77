"""Where the voxels of a CT lie in the patient: `Grid`, and the way between its indices and millimetres.

::

    world = origin + R (index * spacing)          index = (R^-1 (world - origin)) / spacing

World points are ``(x, y, z)`` millimetres in the patient's axes (x to the left, y to the back, z to the head), as in
LUNA16 and DICOM. Arrays and indices are ``(z, y, x)``. The columns of ``R`` are unit vectors along the three axes of
the array; they may point backwards (a scan read from feet to head, a prone patient) and, under a tilted gantry, need
not be at right angles. No sign is ever dropped.

References:
    DICOM PS3.3 C.7.6.2.1.1 (image position and orientation); dossier section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RefusedError

Floats = NDArray[np.float64]
Triple = tuple[float, float, float]

#: More voxels than any CT of a chest has: 1200 slices of 1024 x 1024.
MAX_VOXELS: Final = 1200 * 1024 * 1024
#: Volume of the parallelepiped that the three axes span; below it they do not tell places apart.
_LEAST_SPAN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Grid:
    """The regular grid of a volume.

    Args:
        shape: number of voxels, ``(z, y, x)``.
        origin_mm: centre of voxel ``(0, 0, 0)``, world ``(x, y, z)``.
        spacing_mm: distance of neighbouring centres along the array's ``(x, y, z)`` axes.
        direction: rows of the 3 x 3 matrix ``R``.

    Raises:
        RefusedError: ``bad-header`` on values that place no voxel, ``too-large`` above `MAX_VOXELS`.

    Examples:
        >>> Grid((4, 5, 6), (10.0, 20.0, 30.0), (0.5, 0.5, 2.0)).to_world([1, 0, 2]).tolist()
        [11.0, 20.0, 32.0]
    """

    shape: tuple[int, int, int]
    origin_mm: Triple
    spacing_mm: Triple
    direction: tuple[Triple, Triple, Triple] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise RefusedError("bad-header", f"a volume of {self.shape} voxels")
        if float(np.prod(np.array(self.shape, np.float64))) > MAX_VOXELS:
            raise RefusedError("too-large", " x ".join(str(n) for n in self.shape) + " voxels")
        numbers = np.array([*self.origin_mm, *self.spacing_mm])
        if not np.isfinite(numbers).all() or min(self.spacing_mm) <= 0:
            raise RefusedError(
                "bad-header", "position or spacing of the voxels is no number above 0"
            )
        matrix = self.matrix
        norms = np.linalg.norm(matrix, axis=0)
        if not np.allclose(norms, 1, atol=1e-3) or abs(np.linalg.det(matrix)) < _LEAST_SPAN:
            raise RefusedError(
                "bad-header", "the directions of the axes are no unit vectors in space"
            )

    @property
    def matrix(self) -> Floats:
        """``R``, 3 x 3; its columns are the array's x, y and z axes in the world."""
        return np.array(self.direction, np.float64)

    def to_voxel(self, points_mm: ArrayLike) -> Floats:
        """Fractional indices of world points.

        Args:
            points_mm: ``(..., 3)`` as ``(x, y, z)``.

        Returns:
            ``(..., 3)`` as ``(z, y, x)``; may lie outside the volume.
        """
        away = np.asarray(points_mm, np.float64) - np.array(self.origin_mm)
        steps = away @ np.linalg.inv(self.matrix).T / np.array(self.spacing_mm)
        return np.asarray(steps[..., ::-1])

    def to_world(self, index: ArrayLike) -> Floats:
        """World points of fractional indices.

        Args:
            index: ``(..., 3)`` as ``(z, y, x)``.

        Returns:
            ``(..., 3)`` as ``(x, y, z)``, millimetres.
        """
        steps = np.asarray(index, np.float64)[..., ::-1] * np.array(self.spacing_mm)
        return np.asarray(steps @ self.matrix.T + np.array(self.origin_mm))

    def contains(self, at_mm: ArrayLike) -> bool:
        """Whether a world point lies in a voxel of the volume."""
        index = self.to_voxel(at_mm)
        return bool(np.all((index >= -0.5) & (index <= np.array(self.shape) - 0.5)))
