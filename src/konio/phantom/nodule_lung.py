"""What surrounds a made-up nodule: lung, curved vessels, and chest wall with ribs where it lies at the pleura.

References:
    Dossier section 2.5, background.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.nodule_frame import Floats, Triple, local, rod
from konio.phantom.nodule_truth import NoduleTruth

Lines = tuple[Floats, Floats, Floats]

LUNG_HU: Final = -865.0
_LUNG_SPREAD: Final = 15.0
_VESSEL_HU: Final = 40.0
_WALL_HU: Final = 45.0
#: Vessels in a cube of 50 mm.
_VESSELS: Final = (10, 17)
_STEP_MM: Final = 5.0


def lung(rng: np.random.Generator, lines: Lines) -> Floats:
    """Even lung of one density, HU."""
    level = np.float32(LUNG_HU + _LUNG_SPREAD * np.clip(rng.standard_normal(), -2, 2))
    return np.full([len(line) for line in lines], level, np.float32)


def add_vessels(
    rng: np.random.Generator, hu: Floats, lines: Lines, keep_out_mm: float, pixel_mm: float
) -> None:
    """Paint vessels that pass the nodule by.

    Args:
        rng: generator.
        hu: the volume; changed.
        lines: its axes.
        keep_out_mm: no vessel comes nearer to the nodule's centre than this.
        pixel_mm: edges are as soft as one pixel.
    """
    low = np.array([line[0] for line in lines])
    high = np.array([line[-1] for line in lines])
    density = float(np.prod((high - low) / 50))
    for _ in range(round(int(rng.integers(*_VESSELS)) * density)):
        radius = float(rng.gamma(3, 0.25) + 0.35)
        curve = _curve(rng, rng.uniform(low, high), float((high - low).max()))
        nearest = np.linalg.norm(curve, axis=1).min()
        if nearest > keep_out_mm + radius + 1:
            _paint(hu, lines, curve, np.linspace(radius, radius * 0.7, len(curve)), pixel_mm)


def add_feeder(
    rng: np.random.Generator, hu: Floats, lines: Lines, reach_mm: float, pixel_mm: float
) -> None:
    """Paint one vessel that runs into the nodule."""
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    bend = rng.standard_normal(3) * 0.12
    ways = [direction * reach_mm * 0.5]
    while np.abs(ways[-1]).max() < 60:
        direction = direction + bend
        direction /= np.linalg.norm(direction)
        ways.append(ways[-1] + direction * _STEP_MM)
        bend = 0.8 * bend + 0.04 * rng.standard_normal(3)
    radius = float(rng.gamma(3, 0.2) + 0.6)
    _paint(hu, lines, np.array(ways), np.linspace(radius, radius * 1.3, len(ways)), pixel_mm)


def add_wall(
    rng: np.random.Generator, hu: Floats, lines: Lines, truth: NoduleTruth, pixel_mm: float
) -> NDArray[np.bool_]:
    """Paint the chest wall beside the nodule: soft tissue behind a curved pleura, with ribs in it.

    Returns:
        Where the wall lies.
    """
    turn = rng.uniform(0, 2 * np.pi)
    normal = np.array([rng.normal(0, 0.2), np.sin(turn), np.cos(turn)])
    normal /= np.linalg.norm(normal)
    radius = float(rng.uniform(70, 130))
    middle = normal * (rng.uniform(0.55, 1.0) * truth.diameter_mm / 2 - radius)
    z, y, x = np.meshgrid(*lines, indexing="ij", sparse=True)
    deep = np.sqrt((z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2) - radius
    wall = np.asarray(np.clip(deep / pixel_mm + 0.5, 0, 1), np.float32)
    tissue = np.full(hu.shape, _WALL_HU, np.float32)
    along = z + np.float32(rng.uniform(0.2, 0.7)) * (
        y * np.float32(normal[2]) - x * np.float32(normal[1])
    )
    phase = (along / rng.uniform(20, 28) + rng.random()) % 1 - 0.5
    round_ = 1 - ((deep - 6) / 3.5) ** 2 - (phase / 0.3) ** 2
    marrow = rng.uniform(250, 400) - _WALL_HU
    cortex = np.clip(1 - np.abs(round_ - 0.2) / 0.25, 0, 1) * 200
    tissue += np.asarray(np.clip(round_ * 4, 0, 1) * marrow + cortex, np.float32)
    hu *= 1 - wall
    hu += wall * tissue
    return np.asarray(wall > 0.5)


def _curve(
    rng: np.random.Generator, through: NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    """A gently bent line of points every few millimetres through a place, both ways."""
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    halves = []
    for sign in (-1.0, 1.0):
        place, heading = through.copy(), direction * sign
        bend = rng.standard_normal(3) * 0.1
        half = []
        for _ in range(int(rng.uniform(0.2, 0.7) * length / _STEP_MM) + 1):
            heading = heading + bend
            heading /= np.linalg.norm(heading)
            place = place + heading * _STEP_MM
            half.append(place)
        halves.append(half)
    return np.array([*halves[0][::-1], through, *halves[1]])


def _paint(
    hu: Floats,
    lines: Lines,
    curve: NDArray[np.float64],
    radii: NDArray[np.float64],
    pixel_mm: float,
) -> None:
    for a, b, ra, rb in zip(curve[:-1], curve[1:], radii[:-1], radii[1:], strict=True):
        margin = max(ra, rb) + pixel_mm
        low, high = np.minimum(a, b) - margin, np.maximum(a, b) + margin
        found = local(lines, _triple(low), _triple(high))
        if found is None:
            continue
        cut, points = found
        distance, part = rod(points, a, b)
        radius = np.float32(ra) + part * np.float32(rb - ra)
        cover = np.clip((radius - distance) / np.float32(pixel_mm) + 0.5, 0, 1)
        mixed = hu[cut] + cover * (np.float32(_VESSEL_HU) - hu[cut])
        hu[cut] = np.maximum(hu[cut], mixed)


def _triple(vector: NDArray[np.float64]) -> Triple:
    return (float(vector[0]), float(vector[1]), float(vector[2]))
