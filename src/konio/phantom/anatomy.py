"""The chest as volumes: lung envelopes, diaphragm, heart and mediastinum, summed along the beam.

References:
    Dossier section 2.3 ("Lung envelope", "Diaphragm", "Removed from lung", "Body", "Accumulate").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.ndimage as ndi

from konio.phantom.frame import (
    COARSE_CELLS,
    COARSE_FIELD,
    Frame,
    coarse_axes,
    magnification,
)
from konio.phantom.smooth import Floats, resample
from konio.phantom.subject import Subject

_U: Final = (0, 4, 10, 20, 35, 55, 80, 110, 150, 190, 230, 270, 400)
_LATERAL: Final = (50, 63, 74, 87, 99, 110, 119, 126, 133, 138, 141, 143, 143)
_MEDIAL: Final = (44, 32, 24, 15, 6, -4, -8, -10, -10, -10, -10, -10, -10)
_HALF_DEPTH: Final = (3, 16, 26, 39, 53, 66, 77, 85, 91, 95, 97, 97, 97)
_CENTRE: Final = (-12, -11, -10, -7, -4, 0, 2, 4, 5, 5, 5, 5, 5)
_BODY_U: Final = (-130, -95, -66, -46, -34, -22, -8, 6, 30, 60, 95, 130, 170, 220, 400)
_BODY_HALF: Final = (60, 60, 64, 80, 108, 146, 176, 190, 194, 192, 186, 176, 166, 160, 160)
_BODY_DEPTH: Final = (56, 56, 58, 60, 61, 63, 66, 72, 84, 99, 110, 115, 118, 118, 118)
_BORDER_Z: Final = (-220, -180, -140, -100, -60, -20, 20, 50, 80, 110, 140)
_BORDER: Final = (25, 24, 22, 21, 20, 21, 23, 24, 25, 27, 32)
_SLICES: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Chest:
    """A subject's chest with its random outline of the mediastinum.

    Args:
        subject: who it is.
        border: ``(2, 11)`` half-width of the mediastinum, right then left, from bottom to top, mm.
    """

    subject: Subject
    border: Floats

    def lateral(self, z: Any) -> Any:
        """Distance of the lateral lung border from the midline, mm."""
        s = self.subject
        return np.interp(120 - np.asarray(z) / s.scale[1], _U, _LATERAL) * s.scale[0]

    def medial(self, z: Any) -> Any:
        """Distance of the medial lung border from the midline, mm."""
        s = self.subject
        return np.interp(120 - np.asarray(z) / s.scale[1], _U, _MEDIAL) * s.scale[0]

    def half_depth(self, z: Any) -> Any:
        """Half of the lung's depth, mm."""
        s = self.subject
        wide = s.scale[2] * (1 + 0.10 * s.hyperinflation)
        return np.interp(120 - np.asarray(z) / s.scale[1], _U, _HALF_DEPTH) * wide

    def centre(self, z: Any) -> Any:
        """Depth of the lung's centre, mm."""
        s = self.subject
        return np.interp(120 - np.asarray(z) / s.scale[1], _U, _CENTRE) * s.scale[2]

    def dome_top(self, side: int) -> float:
        """Height of the dome's top; ``side`` -1 is the patient's right."""
        s = self.subject
        return (-108 if side < 0 else -121) * s.scale[1] - s.inspiration - 14 * s.hyperinflation

    def dome(self, side: int, x: Any, d: Any) -> Any:
        """Height of the diaphragm over a point, mm."""
        s = self.subject
        flat = 1 - 0.55 * min(s.hyperinflation, 1.2)
        lateral = np.asarray(side * x - 68 * s.scale[0], np.float32)
        a = np.abs(lateral) / np.float32(72 * s.scale[0])
        fall = np.where(lateral > 0, np.float32(56 * flat), np.float32(10 * flat))
        e = (np.asarray(d, np.float32) - 18) / np.float32(92 * s.scale[2])
        back = np.where(e < 0, np.float32(62 * flat), np.float32(18 * flat))
        return self.dome_top(side) - fall * a * a * (0.7 + 0.3 * a) - back * e * e

    def heart_parts(self) -> tuple[tuple[float, ...], ...]:
        """Ellipsoids ``(x, z, d, rx, rz, rd, tilt in degrees)`` of heart and great vessels."""
        s = self.subject
        z = self.dome_top(-1) + 26 + 6 * s.hyperinflation
        u, k = s.unfolding, s.heart * (1 - 0.1 * min(s.hyperinflation, 1.3))
        return (
            (31 * k, z - 2, 34, 67 * k, 48 * k, 50 * k, -36),
            (-12 * k, z + 16, 22, 36 * k, 52 * k, 42 * k, 8),
            (17 * k, z + 60, 28, 29 * k, 36 * k, 32 * k, -12),
            (-15, z + 78, 20, 22 + 4 * u, 50, 20, 0),
            (19 + 5 * u, 34, -6, 21 + 3 * u, 18 + 3 * u, 30, 0),
        )

    def inside(self, side: int, x: Any, d: Any, z: Any) -> Any:
        """Whether points lie in a lung's envelope above the dome and clear of the mediastinum."""
        lat, med = self.lateral(z), self.medial(z)
        a, c = (lat - med) / 2, (lat + med) / 2
        b, dc = self.half_depth(z), self.centre(z)
        q = (np.abs(side * x - c) / a) ** 2.5 + (np.abs(d - dc) / b) ** 2.5
        clear = (q < 0.97) & (z > self.dome(side, x, d)) & (side * x > 24 * _recess(d))
        for ex, ez, ed, rx, rz, rd, _ in self.heart_parts():
            clear &= ((x - ex) / rx) ** 2 + ((z - ez) / rz) ** 2 + ((d - ed) / rd) ** 2 > 1
        return clear


def _recess(d: Any) -> Any:
    """Narrowing of the mediastinum along depth (the azygo-oesophageal recess)."""
    return np.interp(
        d, (-60, -38, -16, 0, 35, 55, 75, 95), (0.40, 0.42, 0.62, 1, 0.95, 0.62, 0.22, 0.40)
    )


def draw_chest(rng: np.random.Generator, subject: Subject) -> Chest:
    """Draws the outline of the mediastinum."""
    border = np.asarray(_BORDER) + rng.normal(0, 2, (2, 1)) + rng.normal(0, 1.8, (2, len(_BORDER)))
    return Chest(subject, border.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """Lengths along the beam, mm, each ``(N, N)`` float32 on the film's grid.

    Args:
        lung: aerated lung.
        thorax: lung envelope before heart, mediastinum and diaphragm are taken out.
        heart: heart and great vessels.
        body: everything inside the skin.
    """

    lung: Floats
    thorax: Floats
    heart: Floats
    body: Floats


def sum_volumes(chest: Chest, frame: Frame) -> Volumes:
    """Sums the chest along the beam on the coarse grid and brings it to the film's pixels."""
    planes = {
        name: np.zeros((COARSE_CELLS, COARSE_CELLS), np.float32)
        for name in ("lung", "thorax", "heart")
    }
    edge = 118 * chest.subject.scale[2]
    depths = np.linspace(-edge, edge * 0.95, _SLICES)
    for d in depths:
        _add_slice(chest, frame, planes, float(d), float(depths[1] - depths[0]))
    films = {name: to_film(plane, frame) for name, plane in planes.items()}
    return Volumes(body=_body(chest, frame), **films)


def to_film(plane: Floats, frame: Frame) -> Floats:
    """Turns, shifts and resamples a coarse plane to the film's pixels."""
    cells = min(256, frame.size) if frame.size <= 512 else 320
    small = Frame(cells, frame.subject)
    corner = np.array([[0, 0], [0, 1], [1, 0]], np.float32)
    across, up = small.pixels_to_detector(corner[:, 0], corner[:, 1])
    step = COARSE_FIELD / COARSE_CELLS
    top = coarse_axes()[0][0]
    row, col = (top - up) / step, (across + COARSE_FIELD / 2) / step - 0.5
    matrix = np.array([[row[2] - row[0], row[1] - row[0]], [col[2] - col[0], col[1] - col[0]]])
    turned = ndi.affine_transform(
        plane, matrix, offset=(row[0], col[0]), order=3, output=np.float32,
        output_shape=(cells, cells), mode="nearest",
    )  # fmt: skip
    return np.maximum(resample(turned, frame.size), 0)


def _soft(distance: Any, width: float) -> Any:
    """Linear edge: 0 outside, 1 inside, one half at distance 0."""
    return np.clip(distance * np.float32(1 / width) + np.float32(0.5), 0, 1)


def _add_slice(
    chest: Chest, frame: Frame, planes: dict[str, Floats], d: float, step: float
) -> None:
    height, across = coarse_axes()
    m = magnification(d)
    z = (height / m).astype(np.float32)
    rows = np.flatnonzero((z < 124 * chest.subject.scale[1]) & (z > -250))
    z = z[rows]
    cols = (across / m - frame.lean(d)).astype(np.float32)
    x = cols[None, :] - np.asarray(frame.sway(z), np.float32)[:, None]
    heart = _heart(chest, x, z, d)
    planes["heart"][rows] += heart * np.float32(step)
    removed = np.maximum(heart, _mediastinum(chest, x, z, d))
    middle = COARSE_CELLS // 2
    reach = 24
    for side, part in ((-1, slice(0, middle + reach)), (1, slice(middle - reach, None))):
        envelope = _envelope(chest, side, x[:, part], z, d)
        above = _soft(z[:, None] - chest.dome(side, cols[part], d)[None, :], 4.5)
        block = planes["thorax"][rows, part]
        planes["thorax"][rows, part] = block + envelope * np.float32(step)
        lung = envelope * above * (1 - removed[:, part])
        planes["lung"][rows, part] += lung * np.float32(step)


def _envelope(chest: Chest, side: int, x: Floats, z: Floats, d: float) -> Floats:
    lat, med = chest.lateral(z), chest.medial(z)
    a, c = ((lat - med) / 2).astype(np.float32), ((lat + med) / 2).astype(np.float32)
    deep = (np.abs(d - chest.centre(z)) / chest.half_depth(z)).astype(np.float32)
    across = np.abs(side * x - c[:, None]) / a[:, None]
    q = across * across * np.sqrt(across) + (deep * deep * np.sqrt(deep))[:, None]
    return np.asarray(_soft((1 - q) * (a / 2.5)[:, None], 3.0), np.float32)


def _mediastinum(chest: Chest, x: Floats, z: Floats, d: float) -> Floats:
    s = chest.subject
    wide = np.float32(_recess(d))
    right = np.interp(z, _BORDER_Z, chest.border[0]).astype(np.float32)[:, None] * wide
    left = np.interp(z, _BORDER_Z, chest.border[1]).astype(np.float32)[:, None] * wide
    gone = _soft(np.where(x < 0, right + x, left - x), 7.0)
    if d < -22:
        ring = 400 - (0.72 * (d + 66)) ** 2
        if ring > 0:
            gone = np.maximum(gone, _soft(np.float32(np.sqrt(ring)) - np.abs(x), 8.0))
    radius = 13 + 2 * s.unfolding
    chord = radius**2 - (d + 34) ** 2
    if chord > 0:
        axis = (18 + 5 * s.unfolding * np.sin((z + 60) / 60)).astype(np.float32)
        reach = (np.sqrt(chord) * np.clip((40 - z) / 12, 0, 1)).astype(np.float32)
        gone = np.maximum(gone, _soft(reach[:, None] - np.abs(x - axis[:, None]), 4.5))
    return np.asarray(gone, np.float32)


def _heart(chest: Chest, x: Floats, z: Floats, d: float) -> Floats:
    out = np.zeros_like(x)
    for ex, ez, ed, rx, rz, rd, tilt in chest.heart_parts():
        rest = 1 - ((d - ed) / rd) ** 2
        reach = max(rx, rz) + 5
        rows = np.flatnonzero(np.abs(z - ez) < reach)
        cols = np.flatnonzero(np.abs(x[0] - ex) < reach + 12)
        if rest <= 0 or not rows.size or not cols.size:
            continue
        box = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
        dx, dz = x[box] - np.float32(ex), (z[box[0]] - np.float32(ez))[:, None]
        cos, sin = np.float32(np.cos(np.radians(tilt))), np.float32(np.sin(np.radians(tilt)))
        q = ((cos * dx + sin * dz) / np.float32(rx)) ** 2
        q += ((cos * dz - sin * dx) / np.float32(rz)) ** 2
        inside = _soft((np.float32(rest) - q) * np.float32(min(rx, rz) / 2), 6.5)
        out[box] = np.maximum(out[box], inside)
    return out


def _body(chest: Chest, frame: Frame) -> Floats:
    """Trunk, neck and upper arms, breasts or pectoral muscles, mm along the beam on the film's grid."""
    s = chest.subject
    grid = np.ogrid[0 : frame.size, 0 : frame.size]
    across, up = frame.pixels_to_detector(grid[0], grid[1])
    x, z = across / magnification(0.0), up / magnification(0.0)
    extra = s.wall - 30
    level = 120 - np.linspace(-300, 240, 541) / s.scale[1]
    half = np.interp(level, _BODY_U, _BODY_HALF) * s.scale[0] + extra
    half += 0.6 * s.shoulder * np.exp(-(((level + 12) / 20) ** 2))
    half = ndi.gaussian_filter1d(half, 5, mode="nearest")
    deep = np.interp(level, _BODY_U, _BODY_DEPTH) * s.scale[2] + 0.6 * extra
    row = np.clip(z + 300, 0, 540).astype(np.float32)
    off = np.abs(x - np.float32(0.5) * frame.sway(z).astype(np.float32)) / _at(half, row)
    trunk = _at(2 * deep, row) * _dome(np.minimum(off, 1))
    for side in (-1, 1):
        trunk = _join(trunk, _arm(s, side, x, z))
    return np.asarray(trunk + _chest_wall(s, across, up), np.float32)


def _at(table: Floats, row: Floats) -> Floats:
    """Linear look-up of a table at fractional positions."""
    table = table.astype(np.float32)
    low = np.minimum(row.astype(np.int32), len(table) - 2)
    part = row - low
    return np.asarray(table[low] * (1 - part) + table[low + 1] * part, np.float32)


def _dome(off: Floats) -> Floats:
    """Relative depth of a superellipse of exponent 2.5."""
    q = np.maximum(1 - off * off * np.sqrt(off), 0)
    return np.asarray(q ** np.float32(0.4), np.float32)


def _join(first: Floats, second: Floats) -> Floats:
    """Union of two thicknesses with a rounded seam."""
    top, low = np.maximum(first, second), np.minimum(first, second)
    return np.asarray(top + np.float32(0.25) * low * low / np.maximum(top, 1), np.float32)


def _chest_wall(s: Subject, across: Floats, up: Floats) -> Floats:
    """Breasts of women, pectoral muscles of men, mm."""
    m = magnification(100.0)
    x, z = across / m, up / m
    out = np.zeros(np.broadcast_shapes(x.shape, z.shape), np.float32)
    for side in (-1, 1):
        if s.sex == "F":
            radius = (58 + 8 * s.fat) * s.scale[0]
            dx, dz = side * x - 86 * s.scale[0], z + 74
            r = np.sqrt(dx**2 + np.where(dz < 0, dz / 0.8, dz) ** 2) / radius
            peak = 36 * np.sqrt(s.fat)
            out += peak * np.maximum(1 - np.minimum(r, 1) ** 2.4, 0) ** 0.62
        else:
            dx, dz = (side * x - 100) / 66, (z - 16) / 58
            bulge = np.clip(1 - (dx + 0.25 * dz) ** 2 - dz**2, 0, 1)
            out += 11 * bulge ** np.float32(0.8)
    return out


def _arm(s: Subject, side: int, x: Floats, z: Floats) -> Floats:
    """The upper arm, held away from the trunk, mm."""
    px, pz = side * x - 176.0 * s.scale[0], z - (74.0 + s.shoulder)
    turn = np.radians(48.0)
    way = (np.float32(np.sin(turn)), -np.float32(np.cos(turn)))
    t = px * way[0] + pz * way[1]
    off = np.abs(px * way[1] - pz * way[0])
    radius = 42.0 + 8 * s.fat - 0.06 * np.maximum(t, 0)
    off = np.where(t < 0, np.hypot(off, t), off)
    return np.asarray(2 * radius * _dome(np.minimum(off / radius, 1)) * 0.9, np.float32)
