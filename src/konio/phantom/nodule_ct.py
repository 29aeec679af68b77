"""A made-up CT of a nodule: the outline is filled, set into lung, sliced and made noisy as a scanner does.

References:
    Dossier section 2.5 (texture, margin, calcification, point spread and noise).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.nodule_frame import Floats, Frame, Triple, draw_frame, local, rod
from konio.phantom.nodule_lung import LUNG_HU, Lines, add_feeder, add_vessels, add_wall, lung
from konio.phantom.nodule_shape import Outlined, Shape, Spicules, lobed, spicules
from konio.phantom.nodule_truth import ABSENT, NoduleTruth, draw_truth, read_by

#: Version of the recipe; another one makes other bytes.
NODULE_RECIPE: Final = "nodule-2"
#: Side of the made-up cube, mm.
FIELD_MM: Final = 64.0

_GRADES: Final = np.arange(1.0, 6.0)
_MARGIN_MM: Final = (3.2, 2.2, 1.4, 0.8, 0.35)
#: HU of the nodule's body, and the part of its radius that a solid core takes, by texture 1..5.
_BODY_HU: Final = (-640.0, -520.0, -420.0, -120.0, 30.0)
_CORE: Final = (0.0, 0.35, 0.55, 0.80, 1.0)
_CORE_HU: Final = 30.0
_INTERNAL_HU: Final = (0.0, 8.0, -80.0, -900.0)
_BLUR_MM: Final = 0.45
_NOISE: Final = (15.0, 40.0)
_NOISE_PIXELS: Final = 0.8
_LUNG_TEXTURE: Final = 18.0
_LUNG_TEXTURE_MM: Final = 1.5
_CLIP: Final = (-1024, 1500)


@dataclass(frozen=True, slots=True, eq=False)
class PhantomNodule:
    """A made-up scan of one nodule.

    Args:
        pixels: ``(D, H, W)`` int16 HU.
        spacing_mm: ``(z, y, x)``.
        centre_voxel: fractional index of the nodule's centre.
        mask: ``(D, H, W)`` bool, the nodule without its strands.
        truth: what it is.
        ratings: characteristic to one grade for each of three or four readers.
    """

    pixels: NDArray[np.int16]
    spacing_mm: Triple
    centre_voxel: Triple
    mask: NDArray[np.bool_]
    truth: NoduleTruth
    ratings: Mapping[str, tuple[int, ...]]


def nodule(
    rng: np.random.Generator,
    truth: NoduleTruth | None = None,
    *,
    shape: Outlined | None = None,
    field_mm: float = FIELD_MM,
    spacing_mm: Triple | None = None,
    balanced: bool = False,
    readers: int | None = None,
) -> PhantomNodule:
    """Make one nodule with its surroundings.

    Args:
        rng: everything that is drawn comes from it.
        truth: what to make; drawn as such nodules occur if ``None``.
        shape: a real outline to fill instead of a made-up one; it brings its own strands and bumps.
        field_mm: side of the cube.
        spacing_mm: ``(z, y, x)``; drawn as in LUNA16 if ``None``.
        balanced: where ``truth`` is drawn, draw rare looks often (for training).
        readers: number of made-up readers; 3 or 4 if ``None``.
    """
    if truth is None:
        truth = draw_truth(rng, balanced=balanced)
    frame = draw_frame(rng, field_mm, spacing_mm)
    outline: Shape = lobed(rng, truth) if shape is None else shape
    strands = spicules(rng, truth, outline) if shape is None else None
    hu, mask = _draw(rng, frame, truth, outline, strands)
    noise = float(rng.uniform(*_NOISE))
    pixels = _scan(rng, hu, frame, noise)
    truth = truth.seen(_subtlety(truth, pixels, mask, noise))
    return PhantomNodule(
        pixels, frame.spacing_mm, frame.centre, mask, truth, read_by(rng, truth, readers)
    )


def _draw(
    rng: np.random.Generator,
    frame: Frame,
    truth: NoduleTruth,
    outline: Shape,
    strands: Spicules | None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """HU without noise on the frame's slices, and the nodule's mask."""
    lines = frame.lines()
    pixel = frame.spacing_mm[1]
    hu = lung(rng, lines)
    reach = outline.reach_mm
    add_vessels(rng, hu, lines, reach, pixel)
    if truth.vascular:
        add_feeder(rng, hu, lines, reach, pixel)
    if strands is not None:
        _add_strands(hu, lines, strands)
    inside = _fill(rng, hu, lines, truth, outline)
    if truth.pleural:
        inside &= ~add_wall(rng, hu, lines, truth, pixel)
    mask = frame.average(inside.astype(np.float32)) >= 0.5
    if not mask.any():
        middle = np.clip(np.rint(frame.centre), 0, np.array(frame.shape) - 1).astype(int)
        mask[tuple(middle)] = True
    return frame.average(hu), mask


def _fill(
    rng: np.random.Generator, hu: Floats, lines: Lines, truth: NoduleTruth, outline: Shape
) -> NDArray[np.bool_]:
    """Set the nodule's tissue into the volume; returns where it lies."""
    inside = np.zeros(hu.shape, bool)
    width = float(np.interp(truth.margin, _GRADES, _MARGIN_MM))
    soft = np.float32(width * min(1.0, truth.diameter_mm / 10 + 0.35) / 2.5)
    far = outline.reach_mm + 4 * float(soft) + 1
    found = local(lines, (-far, -far, -far), (far, far, far))
    if found is None:
        return inside
    cut, points = found
    depth = outline.depth(points)
    cover = 1 / (1 + np.exp(-np.clip(depth / soft, -20, 20)))
    tissue = _tissue(rng, truth, outline, points, lines)
    mixed = hu[cut] + cover * (tissue - hu[cut])
    solid = tissue > -50
    hu[cut] = np.where(solid, mixed, np.maximum(mixed, np.where(hu[cut] > -300, hu[cut], mixed)))
    inside[cut] = depth > 0
    return inside


def _tissue(
    rng: np.random.Generator, truth: NoduleTruth, outline: Shape, points: Floats, lines: Lines
) -> Floats:
    """HU of the nodule's own tissue at each point."""
    from scipy.ndimage import gaussian_filter

    body = float(np.interp(truth.texture, _GRADES, _BODY_HU)) + float(
        np.clip(rng.normal(0, 25), -50, 50)
    )
    grain = rng.standard_normal(points.shape[:3], dtype=np.float32)
    tissue = np.float32(body) + 60 * np.asarray(gaussian_filter(grain, 1.5), np.float32)
    radius = truth.diameter_mm / 2
    core = float(np.interp(truth.texture, _GRADES, _CORE))
    if 0 < core < 1:
        away = rng.standard_normal(3)
        away *= rng.uniform(0, 1 - core) * radius * 0.7 / np.linalg.norm(away)
        moved = outline.relative(points - away.astype(np.float32))
        share = np.clip((core - moved) * np.float32(radius / 0.8) + 0.5, 0, 1)
        tissue += share * (np.float32(_CORE_HU) - tissue)
    if truth.internal_structure > 1:
        hollow = outline.relative(points) < (0.45 if truth.internal_structure == 4 else 0.7)
        tissue[hollow] = _INTERNAL_HU[truth.internal_structure - 1]
    if truth.calcification != ABSENT:
        _calcify(rng, tissue, truth, outline, points)
    return tissue


def _calcify(
    rng: np.random.Generator, tissue: Floats, truth: NoduleTruth, outline: Shape, points: Floats
) -> None:
    """Paint calcium: central, solid, laminated, non-central or popcorn."""
    relative = outline.relative(points)
    radius = truth.diameter_mm / 2
    level = rng.uniform(500, 900) if truth.calcification == 3 else rng.uniform(350, 700)
    if truth.calcification == 5:
        where = relative < 0.42
    elif truth.calcification == 3:
        where = relative < 0.92
    elif truth.calcification == 2:
        where = (np.abs(relative - 0.35) < 0.09) | (np.abs(relative - 0.75) < 0.09)
    elif truth.calcification == 4:
        where = _blob(rng, points, 0.56 * radius, 0.28 * radius)
    else:
        where = np.zeros(relative.shape, bool)
        for _ in range(6):
            where |= _blob(
                rng, points, rng.uniform(0.1, 0.65) * radius, rng.uniform(0.14, 0.3) * radius
            )
    tissue[where] = level


def _blob(
    rng: np.random.Generator, points: Floats, away: float, radius: float
) -> NDArray[np.bool_]:
    """A ball at some distance from the centre, in a random direction."""
    direction = rng.standard_normal(3)
    direction *= away / np.linalg.norm(direction)
    distance = np.linalg.norm(points - direction.astype(np.float32), axis=-1)
    return np.asarray(distance < max(radius, 0.6))


def _add_strands(hu: Floats, lines: Lines, strands: Spicules) -> None:
    """Strands thin out from 1.25 to 0.5 mm and from 0.9 to 0.4 of soft tissue's density."""
    for direction, start, length in zip(
        strands.directions, strands.starts, strands.lengths, strict=True
    ):
        a, b = direction * start * 0.8, direction * (start + length)
        low, high = np.minimum(a, b) - 1.6, np.maximum(a, b) + 1.6
        found = local(lines, (low[0], low[1], low[2]), (high[0], high[1], high[2]))
        if found is None:
            continue
        cut, points = found
        distance, part = rod(points, a, b)
        thick = np.float32(1.25) - np.float32(0.75) * part
        cover = np.exp(-((distance / thick) ** 2) * np.float32(1.4)) * (0.9 * (1 - 0.55 * part))
        mixed = hu[cut] + np.asarray(cover, np.float32) * (np.float32(_CORE_HU) - hu[cut])
        hu[cut] = np.maximum(hu[cut], mixed)


def _scan(rng: np.random.Generator, hu: Floats, frame: Frame, noise: float) -> NDArray[np.int16]:
    """Point spread, lung texture, quantum noise."""
    from scipy.ndimage import gaussian_filter

    z, y, x = frame.spacing_mm
    texture = rng.standard_normal(hu.shape, dtype=np.float32)
    texture = gaussian_filter(texture, [_LUNG_TEXTURE_MM / s for s in (z, y, x)])
    lungs = np.clip((-500 - hu) / 300, 0, 1)
    seen = hu + lungs * texture * np.float32(_LUNG_TEXTURE / max(float(texture.std()), 1e-6))
    blurred = gaussian_filter(seen, (0.2 / z, _BLUR_MM / y, _BLUR_MM / x))
    grain = gaussian_filter(
        rng.standard_normal(hu.shape, dtype=np.float32), (0.3, _NOISE_PIXELS, _NOISE_PIXELS)
    )
    blurred += grain * np.float32(noise / max(float(grain.std()), 1e-6))
    return np.asarray(np.clip(np.rint(blurred), *_CLIP), np.int16)


def _subtlety(
    truth: NoduleTruth, pixels: NDArray[np.int16], mask: NDArray[np.bool_], noise: float
) -> float:
    """How easily it is seen, 1..5: it rises with size and contrast and falls with noise and with what it touches."""
    contrast = (float(pixels[mask].mean()) - LUNG_HU) / 1000 * (27 / noise) ** 0.25
    score = (
        0.55
        + 1.1 * np.log(truth.diameter_mm / 6)
        + 2.2 * (contrast - 0.5)
        - 0.5 * truth.pleural
        - 0.3 * truth.vascular
    )
    return float(1 + 4 / (1 + np.exp(-score)))
