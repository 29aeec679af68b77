"""The outline of a made-up nodule: how deep any point lies in it.

Points are millimetres from the nodule's centre, ``(..., 3)`` as ``(z, y, x)``.

References:
    Dossier section 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.phantom.nodule_truth import NoduleTruth

Floats = NDArray[np.float32]
Vectors = NDArray[np.float64]

#: Tables by grade 1..5, interpolated between.
_GRADES: Final = np.arange(1.0, 6.0)
_AXIS_RATIO: Final = (0.35, 0.50, 0.66, 0.82, 0.96)
_BUMPS: Final = (0, 3, 6, 10, 15)
_BUMP_HEIGHT: Final = (0.0, 0.10, 0.22, 0.36, 0.50)
_BUMP_NARROWNESS: Final = 14.0
_DIRECTIONS: Final = 600
_SPICULES: Final = (0, 14, 32, 60, 95)
_SPICULE_LENGTH: Final = (0.0, 0.35, 0.6, 0.9, 1.25)


class Shape(Protocol):
    """What the renderer asks of an outline."""

    @property
    def reach_mm(self) -> float:
        """Greatest distance of the outline from the centre."""

    def depth(self, points: Floats) -> Floats:
        """Millimetres inside the outline; negative outside."""

    def relative(self, points: Floats) -> Floats:
        """0 at the middle, 1 on the outline."""

    def surface(self, directions: Vectors) -> Vectors:
        """Distance of the outline from the centre in unit directions ``(n, 3)``, ``(n,)`` mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Lobed:
    """An ellipsoid with bumps: ``R(u) = scale E(u) (1 + sum of bumps)``, of the volume of a sphere of the diameter.

    Args:
        scale: millimetres.
        axes: ``(3, 3)`` unit vectors of the ellipsoid divided by its half axes.
        bumps: ``(n, 3)`` unit directions.
        heights: ``(n,)``.
    """

    scale: float
    axes: Vectors
    bumps: Vectors
    heights: Vectors

    @property
    def reach_mm(self) -> float:
        """Greatest distance of the outline from the centre."""
        return float(self.surface(_sphere(_DIRECTIONS)).max() * 1.03)

    def depth(self, points: Floats) -> Floats:
        """Millimetres inside along the ray from the centre."""
        away = np.linalg.norm(points, axis=-1)
        return np.asarray(self._radius(points, away) - away, np.float32)

    def relative(self, points: Floats) -> Floats:
        """Distance from the centre in parts of the outline's."""
        away = np.linalg.norm(points, axis=-1)
        return np.asarray(away / self._radius(points, away), np.float32)

    def surface(self, directions: Vectors) -> Vectors:
        """Distance of the outline in unit directions."""
        return np.asarray(self._radius(directions, np.ones(len(directions))), np.float64)

    def _radius(
        self, points: NDArray[np.floating], away: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        units = points / np.maximum(away, 1e-4)[..., None]
        radius = self.scale / np.sqrt(((units @ self.axes.T.astype(units.dtype)) ** 2).sum(-1))
        swell = np.ones_like(radius)
        for bump, height in zip(self.bumps, self.heights, strict=True):
            swell += height * np.exp(_BUMP_NARROWNESS * (units @ bump.astype(units.dtype) - 1))
        return np.asarray(radius * swell)


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """A shape that is given voxel by voxel: a real reader's mask.

    Args:
        inside: ``(d, h, w)`` float32 signed distance, mm, on a grid of its own.
        spacing_mm: of that grid, one number.
        centre: index of the nodule's centre.
    """

    inside: Floats
    spacing_mm: float
    centre: tuple[float, float, float]

    @classmethod
    def from_mask(
        cls, mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float], fine_mm: float = 0.6
    ) -> Outlined:
        """The signed distance of a mask, smooth between its slices.

        Args:
            mask: ``(d, h, w)``; any part of it set.
            spacing_mm: ``(z, y, x)``.
            fine_mm: spacing of the signed distance's own grid.

        Raises:
            UsageError: if the mask is empty.
        """
        from scipy.ndimage import center_of_mass, distance_transform_edt, gaussian_filter, zoom

        if not mask.any():
            raise UsageError("a mask without a voxel has no shape; leave it out")
        margin = [int(np.ceil(3.0 / s)) for s in spacing_mm]
        padded = np.pad(mask, [(m, m) for m in margin])
        signed = distance_transform_edt(padded, spacing_mm) - distance_transform_edt(
            ~padded, spacing_mm
        )
        half = 0.5 * float(np.cbrt(np.prod(spacing_mm)))
        signed = np.where(padded, signed - half, signed + half)
        factors = [s / fine_mm for s in spacing_mm]
        fine = zoom(signed.astype(np.float32), factors, order=1, grid_mode=True, mode="nearest")
        smooth = gaussian_filter(fine, 0.6)
        index = (np.array(center_of_mass(padded)) + 0.5) * factors - 0.5
        return cls(smooth, fine_mm, (float(index[0]), float(index[1]), float(index[2])))

    @property
    def reach_mm(self) -> float:
        """Greatest distance of the outline from the centre."""
        index = np.argwhere(self.inside > 0)
        away = np.linalg.norm((index - np.array(self.centre)) * self.spacing_mm, axis=1)
        return float(away.max(initial=self.spacing_mm)) + self.spacing_mm

    @property
    def diameter_mm(self) -> float:
        """Diameter of the sphere of the same volume."""
        return float((6 * max((self.inside > 0).sum(), 1) / np.pi) ** (1 / 3) * self.spacing_mm)

    def depth(self, points: Floats) -> Floats:
        """Millimetres inside the outline."""
        from scipy.ndimage import map_coordinates

        index = points / self.spacing_mm + np.array(self.centre, np.float32)
        found = map_coordinates(self.inside, np.moveaxis(index, -1, 0), order=1, mode="nearest")
        return np.asarray(found, np.float32)

    def relative(self, points: Floats) -> Floats:
        """0 at the deepest point, 1 on the outline."""
        deepest = np.float32(max(float(self.inside.max()), 0.1))
        return np.asarray(1 - self.depth(points) / deepest, np.float32)

    def surface(self, directions: Vectors) -> Vectors:
        """Distance of the outermost outline in unit directions."""
        steps = np.arange(0, self.reach_mm + 0.5, 0.5)
        points = (directions[:, None, :] * steps[None, :, None]).astype(np.float32)
        inside = self.depth(points) > 0
        return np.asarray((inside * steps).max(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Spicules:
    """Fine strands from the surface outwards.

    Args:
        directions: ``(n, 3)`` unit vectors.
        starts: ``(n,)`` mm from the centre, on the outline.
        lengths: ``(n,)`` mm.
    """

    directions: Vectors
    starts: Vectors
    lengths: Vectors


def lobed(rng: np.random.Generator, truth: NoduleTruth) -> Lobed:
    """The outline that sphericity, lobulation and diameter ask for."""
    ratio = float(np.interp(truth.sphericity, _GRADES, _AXIS_RATIO))
    middle = ratio ** rng.uniform(0.75, 1.0)
    halves = np.array([1.0, middle, ratio])
    halves /= np.cbrt(halves.prod())
    count = round(float(np.interp(truth.lobulation, _GRADES, _BUMPS)))
    height = float(np.interp(truth.lobulation, _GRADES, _BUMP_HEIGHT))
    shape = Lobed(
        scale=1.0,
        axes=_rotation(rng) / halves[:, None],
        bumps=_apart(rng, count),
        heights=height * rng.uniform(0.7, 1.3, count),
    )
    radii = shape.surface(_sphere(_DIRECTIONS))
    scale = truth.diameter_mm / 2 / float(np.cbrt((radii**3).mean()))
    return Lobed(scale, shape.axes, shape.bumps, shape.heights)


def spicules(rng: np.random.Generator, truth: NoduleTruth, shape: Shape) -> Spicules:
    """Strands in random directions; dozens, since a slice cuts few of them."""
    count = round(float(np.interp(truth.spiculation, _GRADES, _SPICULES)))
    unit = float(np.interp(truth.spiculation, _GRADES, _SPICULE_LENGTH))
    directions = _directions(rng, count)
    lengths = unit * rng.gamma(3, 0.33, count) * min(truth.diameter_mm / 2, 8.0) + 0.8
    starts = shape.surface(directions) if count else np.empty(0)
    return Spicules(directions, starts, lengths)


def _directions(rng: np.random.Generator, count: int) -> Vectors:
    drawn = rng.standard_normal((count, 3))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _apart(rng: np.random.Generator, count: int) -> Vectors:
    """Directions that keep some distance: the best of a few draws each."""
    kept = np.empty((0, 3))
    for _ in range(count):
        draws = _directions(rng, 6)
        nearest = (draws @ kept.T).max(axis=1) if len(kept) else np.zeros(6)
        kept = np.vstack([kept, draws[int(np.argmin(nearest))]])
    return kept


def _rotation(rng: np.random.Generator) -> Vectors:
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))


def _sphere(count: int) -> Vectors:
    """Even directions (Fibonacci spiral)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    flat = np.sqrt(1 - z**2)
    return np.column_stack([z, flat * np.sin(turn), flat * np.cos(turn)])
