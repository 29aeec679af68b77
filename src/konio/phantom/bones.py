"""Rib rings, clavicles, shoulder blades, upper arms, spine and sternum, as mm of cortical bone.

References:
    Dossier section 2.3 ("Ribs", "Clavicle", "Spine").
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.ndimage as ndi
from PIL import Image as Pictures
from PIL import ImageDraw

from konio.phantom.anatomy import Chest
from konio.phantom.frame import Frame
from konio.phantom.smooth import Floats
from konio.phantom.strokes import Near, along, near

_RIB_Z: Final = (118, 98, 77, 55, 32, 9, -15, -39, -64, -89, -115, -142)
_RIB_END: Final = (138, 148, 152, 153, 152, 150, 146, 140, 132, 120, 90, 60)
_SHELL_AT: Final = (0, 0.07, 0.13, 0.45, 0.6, 0.9, 1)
_SHELL: Final = (2, 4.5, 7, 6, 4.4, 3.6, 2.4)
_POINTS: Final = 64


def draw_bones(rng: np.random.Generator, chest: Chest, frame: Frame) -> Floats:
    """All bones of the chest, ``(N, N)`` float32, mm of cortical bone along the beam."""
    bone = np.zeros((frame.size, frame.size), np.float32)
    for side in (-1, 1):
        for number in range(12):
            _add_rib(bone, rng, chest, frame, side, number)
        _add_clavicle(bone, rng, chest, frame, side)
        _add_scapula(bone, rng, chest, frame, side)
        _add_humerus(bone, chest, frame, side)
    _add_spine(bone, rng, chest, frame)
    _add_sternum(bone, chest, frame)
    _add_cartilage(bone, rng, chest, frame)
    loss = 1 - 0.005 * max(chest.subject.age - 50, 0)
    return np.asarray(bone * np.float32(loss), np.float32)


def draw_ribs(rng: np.random.Generator, chest: Chest, frame: Frame) -> Floats:
    """The ribs of `draw_bones` alone, from a generator in the same state: ``(N, N)`` float32, mm of bone."""
    ribs, others = (np.zeros((frame.size, frame.size), np.float32) for _ in range(2))
    for side in (-1, 1):
        for number in range(12):
            _add_rib(ribs, rng, chest, frame, side, number)
        _add_clavicle(others, rng, chest, frame, side)  # drawn for its random numbers
        _add_scapula(others, rng, chest, frame, side)
    return ribs


def rib_course(
    chest: Chest, side: int, number: int, lift: float = 0.0
) -> tuple[Floats, Floats, Floats, Floats]:
    """The axis of rib ``number`` (0 is the first): x, d, z in mm and the fraction of its length."""
    s = chest.subject
    angle = np.radians(np.linspace(3, _RIB_END[number], _POINTS))
    slope = s.rib_slope * (0.75 if number == 0 else 0.9 if number == 1 else 1.0)
    start = _RIB_Z[number] * s.scale[1] + lift
    z = np.full(_POINTS, start)
    x = d = np.zeros(_POINTS)
    wide = (62 * s.scale[0], 92 * s.scale[0])[number] if number < 2 else np.inf
    deep_cap = 46 * s.scale[2] if number == 0 else np.inf
    for _ in range(3):
        lateral = np.minimum(chest.lateral(z), wide)
        deep = np.minimum(chest.half_depth(z), deep_cap) + 4
        x = (lateral + 2.5) * np.sin(angle) ** 0.92 + 9 * np.exp(-np.degrees(angle) / 12)
        turn = np.cos(angle)
        d = chest.centre(z) - deep * np.sign(turn) * np.abs(turn) ** 0.92
        z = start - slope * (d - d[0]) - 3 * np.sin(angle)
    length = np.concatenate([[0], np.cumsum(np.sqrt(np.diff(x) ** 2 + np.diff(d) ** 2))])
    part = (length / length[-1]).astype(np.float32)
    return (side * x).astype(np.float32), d.astype(np.float32), z.astype(np.float32), part


def _tube_profile(line: Near, radius: Floats) -> Floats:
    """Cortical edges and 28 % marrow: 1 is the shell's full thickness."""
    r = np.minimum(line.distance / radius, 1)
    inner = np.minimum(r / 0.8, 1)
    return np.asarray(np.sqrt(1 - r * r) - 0.72 * 0.8 * np.sqrt(1 - inner * inner), np.float32)


def _foreshortening(x: Floats, d: Floats, z: Floats, least: float) -> Floats:
    """Sine of the angle between a curve and the beam, not below ``least``."""
    dx, dd, dz = np.gradient(x), np.gradient(d), np.gradient(z)
    sine = np.sqrt(dx**2 + dz**2) / np.maximum(np.sqrt(dx**2 + dd**2 + dz**2), 1e-6)
    return np.asarray(np.maximum(sine, least), np.float32)


def _add_rib(
    bone: Floats, rng: np.random.Generator, chest: Chest, frame: Frame, side: int, number: int
) -> None:
    x, d, z, part = rib_course(chest, side, number, float(rng.normal(0, 1.2)))
    rows, cols = frame.to_pixels(x, d, z)
    half = np.interp(part, (0, 0.2, 0.5, 0.8, 1), (4.4, 5.4, 5.6, 6.2, 6.6)) * rng.normal(1, 0.04)
    half = (half * 1.09 / frame.spacing).astype(np.float32)
    shell = np.interp(part, _SHELL_AT, _SHELL) * np.where(d < 0, 1.25, 1.0)
    shell = (shell / _foreshortening(x, d, z, 0.62)).astype(np.float32)
    split = int(np.argmax(np.abs(cols - cols[0])))
    split = min(max(split, 3), _POINTS - 4)
    reach = float(half.max()) + 1
    parts = [
        near(rows[cut], cols[cut], reach, frame.size)
        for cut in (slice(0, split + 1), slice(split, None))
    ]
    planes = []
    for line, cut in zip(parts, (slice(0, split + 1), slice(split, None)), strict=True):
        if line.empty:
            planes.append(np.zeros((0, 0), np.float32))
            continue
        planes.append(along(line, shell[cut]) * _tube_profile(line, along(line, half[cut])))
    _merge(bone, parts, planes, (float(rows[split]), float(cols[split])), float(half[split]))


def _merge(
    bone: Floats, lines: list[Near], planes: list[Floats], split: tuple[float, float], half: float
) -> None:
    """Adds both halves of a rib; near their meeting point only the stronger counts."""
    for line, plane in zip(lines, planes, strict=True):
        bone[line.box] += plane
    if lines[0].empty or lines[1].empty:
        return
    (r0, c0), (r1, c1) = lines[0].box, lines[1].box
    box = (
        slice(max(r0.start, r1.start), min(r0.stop, r1.stop)),
        slice(max(c0.start, c1.start), min(c0.stop, c1.stop)),
    )
    if box[0].start >= box[0].stop or box[1].start >= box[1].stop:
        return
    cuts = [
        plane[
            box[0].start - line.box[0].start : box[0].stop - line.box[0].start,
            box[1].start - line.box[1].start : box[1].stop - line.box[1].start,
        ]
        for line, plane in zip(lines, planes, strict=True)
    ]
    away = np.hypot(
        np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None] - split[0],
        np.arange(box[1].start, box[1].stop, dtype=np.float32)[None, :] - split[1],
    )
    both = np.clip((away / half - 1) / 2.5, 0, 1)
    bone[box] -= (1 - both) * np.minimum(cuts[0], cuts[1])


def _stroke(
    bone: Floats, frame: Frame, points: Floats, half_mm: Floats, thickness: Floats, core: float
) -> None:
    """A bone given by its axis ``(K, 3)`` (x, d, z), half-width and thickness at every point."""
    rows, cols = frame.to_pixels(points[:, 0], points[:, 1], points[:, 2])
    half = (half_mm * 1.08 / frame.spacing).astype(np.float32)
    line = near(rows, cols, float(half.max()) + 1, frame.size)
    if line.empty:
        return
    r = np.minimum(line.distance / along(line, half), 1)
    inner = np.minimum(r / 0.78, 1)
    profile = np.sqrt(1 - r * r) - core * 0.78 * np.sqrt(1 - inner * inner)
    bone[line.box] += along(line, thickness.astype(np.float32)) * profile


def _curve(knots: tuple[tuple[float, float, float], ...], count: int = 40) -> Floats:
    """A smooth curve through points ``(x, d, z)``."""
    given = np.asarray(knots, np.float64)
    place = np.linspace(0, 1, len(given))
    fine = np.linspace(0, 1, count)
    if len(given) < 4:
        return np.stack([np.interp(fine, place, axis) for axis in given.T], 1).astype(np.float32)
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(place, given)(fine), np.float32)


def _add_clavicle(
    bone: Floats, rng: np.random.Generator, chest: Chest, frame: Frame, side: int
) -> None:
    s = chest.subject
    t = np.linspace(0, 1, 44)
    raised = 70 + 0.4 * s.shoulder + rng.normal(0, 3)
    z = (raised + (30 + 0.7 * s.shoulder) * t**1.1 + 6 * np.sin(2 * np.pi * t)) * s.scale[1]
    d = np.interp(t, (0, 1 / 3, 2 / 3, 1), (72, 78, 40, 5)) * s.scale[2]
    d = ndi.gaussian_filter1d(d, 4, mode="nearest")
    points = np.stack([side * (13 + 140 * t) * s.scale[0], d, z], 1).astype(np.float32)
    half = np.interp(t, (0, 0.1, 0.5, 1), (9, 7, 5.5, 7.5))
    _stroke(bone, frame, points, half, np.interp(t, (0, 0.1, 0.5, 0.9, 1), (5, 8, 9, 7, 3)), 0.66)


def _add_scapula(
    bone: Floats, rng: np.random.Generator, chest: Chest, frame: Frame, side: int
) -> None:
    s = chest.subject
    kx, kz = s.scale[0], s.scale[1]
    m, up = s.scapula - 138, s.shoulder + 16 + float(rng.normal(0, 3))

    def place(x: float, z: float) -> tuple[float, float, float]:
        return (side * (x * kx + m), -70.0, z * kz + up)

    medial = [place(128, 84), place(132, 58), place(139, 20), place(148, -18), place(157, -42)]
    lateral = [place(157, -42), place(165, -28), place(171, 10), place(178, 44)]
    upper = [place(178, 44), place(180, 62), place(168, 78), place(146, 86), place(128, 84)]
    spine = [place(134, 62), place(156, 78), place(178, 90), place(196, 88)]
    outline = np.concatenate([_curve(tuple(edge), 16) for edge in (medial, lateral, upper)])
    _blade(bone, frame, outline)
    for edge, half, thick in ((medial, 1.8, 1.6), (lateral, 4.0, 3.4), (upper, 1.8, 1.6)):
        points = _curve(tuple(edge), 24)
        _stroke(bone, frame, points, np.full(24, half), np.full(24, thick), 0.5)
    points = _curve(tuple(spine), 24)
    _stroke(bone, frame, points, np.linspace(3, 6, 24), np.linspace(3, 6, 24), 0.6)


def _blade(bone: Floats, frame: Frame, outline: Floats) -> None:
    rows, cols = frame.to_pixels(outline[:, 0], outline[:, 1], outline[:, 2])
    pad = int(4 / frame.spacing)
    r0, c0 = int(rows.min()) - pad, int(cols.min()) - pad
    picture = Pictures.new("L", (int(cols.max()) + pad - c0, int(rows.max()) + pad - r0))
    corners = [(float(c - c0), float(r - r0)) for r, c in zip(rows, cols, strict=True)]
    ImageDraw.Draw(picture).polygon(corners, fill=255)
    blade = ndi.gaussian_filter(
        np.asarray(picture, np.float32) * np.float32(1.7 / 255), 1.2 / frame.spacing
    )
    box = (
        slice(max(r0, 0), min(r0 + blade.shape[0], frame.size)),
        slice(max(c0, 0), min(c0 + blade.shape[1], frame.size)),
    )
    if box[0].start < box[0].stop and box[1].start < box[1].stop:
        inner = tuple(slice(b.start - o, b.stop - o) for b, o in zip(box, (r0, c0), strict=True))
        bone[box] += blade[inner[0], inner[1]]


def _add_humerus(bone: Floats, chest: Chest, frame: Frame, side: int) -> None:
    s = chest.subject
    x, z = 195 * s.scale[0] + 0.3 * (s.scapula - 138), 74 * s.scale[1] + s.shoulder
    head = np.array([[side * x, -30, z], [side * (x + 0.5), -30, z - 1]], np.float32)
    _stroke(bone, frame, head, np.full(2, 23.0), np.full(2, 9.0), 0.45)
    shaft = _curve(((side * (x + 14), -30, z - 14), (side * (x + 130), -25, z - 130)), 20)
    thick = np.concatenate([[0, 2, 5], np.full(17, 9.0)])
    _stroke(bone, frame, shaft, np.linspace(18, 11.5, 20), thick, 0.75)


def _add_spine(bone: Floats, rng: np.random.Generator, chest: Chest, frame: Frame) -> None:
    s = chest.subject
    levels = np.array(
        [*(118 + 17.0 * np.arange(5, 0, -1)), *_RIB_Z, -171, -201, -232, -264], np.float32
    )
    for index in range(1, len(levels) - 1):
        upper, lower = (
            (levels[index - 1] + levels[index]) / 2, (levels[index] + levels[index + 1]) / 2
        )  # fmt: skip
        wide = float(np.interp(levels[index], (-200, 118, 200), (22, 14, 12.5))) * s.scale[0]
        shake = rng.normal(0, 0.5, 2)
        _add_vertebra(bone, frame, (upper * s.scale[1], lower * s.scale[1]), wide, shake)


def _add_vertebra(
    bone: Floats, frame: Frame, ends: tuple[float, float], half: float, shake: Floats
) -> None:
    """One vertebra: waisted body with end plates, pedicles, spinous and transverse processes."""
    upper, lower = ends
    centre, tall = (upper + lower) / 2, (upper - lower)
    middle = frame.to_pixels(0.0, -55.0, centre)
    reach = 2.2 * half * 1.2 / frame.spacing
    r0, r1 = (int(np.clip(middle[0] + k * reach, 0, frame.size)) for k in (-1, 1))
    c0, c1 = (int(np.clip(middle[1] + k * reach, 0, frame.size)) for k in (-1, 1))
    if r0 >= r1 or c0 >= c1:
        return
    grid = np.ogrid[r0:r1, c0:c1]
    across, up = frame.pixels_to_detector(grid[0], grid[1])
    m = 1800 / (1800 - 205)
    x = across / m - frame.sway(centre) - frame.lean(-55.0) - shake[0]
    z = (up / m - centre) / (tall / 2)
    body = 0.82
    waist = half * (0.90 + 0.10 * np.clip(np.abs(z) / body, 0, 1) ** 2)
    off = np.clip((waist - np.abs(x)) / 1.2 + 0.5, 0, 1) * np.clip(
        (body - np.abs(z)) * 9 + 0.5, 0, 1
    )
    plates = np.exp(-(((np.abs(z) - body + 0.06) / 0.07) ** 2))
    walls = np.exp(-(((np.abs(x) - waist + 1.5) / 1.3) ** 2))
    column = np.clip((0.9 * waist - np.abs(x)) / 2.5 + 0.5, 0, 1) * (np.abs(z) <= 1)
    out = off * (4.4 + 2.0 * plates + 2.4 * walls) + (1 - off) * 2.6 * column
    for side in (-1, 1):
        ring = np.hypot((x - side * half * 0.62) / 3.4, (z - 0.28) / 0.36)
        out = out + 3.4 * np.exp(-(((ring - 0.85) / 0.3) ** 2))
        wing = (side * x - half * 0.7) / (half * 0.95)
        low = (z - 0.30 - 0.25 * wing) / 0.24
        out = out + 2.2 * np.clip(1 - low**2, 0, 1) * ((wing > 0) & (wing < 1))
    process = np.hypot((x - shake[1]) / 2.6, (z + 0.55) / 0.5)
    out = out + 6.0 * np.clip(1.2 - process, 0, 0.5) + 2.4 * np.exp(-(((process - 0.9) / 0.2) ** 2))
    amount = np.interp(centre, (-160, -40, 95, 135), (1.7, 1.35, 1.0, 0.5))
    bone[r0:r1, c0:c1] += (amount * out).astype(np.float32)


def _add_sternum(bone: Floats, chest: Chest, frame: Frame) -> None:
    s = chest.subject
    outline = np.array(
        [[-26, 92, 50], [-14, 92, 56], [0, 92, 52], [14, 92, 56], [26, 92, 50], [18, 98, 24],
         [14, 100, 6], [17, 104, -60], [0, 106, -72], [-17, 104, -60], [-14, 100, 6], [-18, 98, 24]],
        np.float32,
    )  # fmt: skip
    outline *= np.asarray(s.scale, np.float32)[[0, 2, 1]]
    _blade(bone, frame, outline)


def _add_cartilage(bone: Floats, rng: np.random.Generator, chest: Chest, frame: Frame) -> None:
    """Calcified rims of the costal cartilages after the age of 42."""
    age = chest.subject.age
    for side in (-1, 1):
        for number in range(8):
            amount = max(0.0, 0.02 * (age - 42)) * rng.uniform(0.2, 1.2)
            x, d, z, _ = rib_course(chest, side, number)
            goal = (side * 16.0, 96.0 * chest.subject.scale[2], float(z[-1]) + 4.0 * number - 6)
            last = (float(x[-1]), float(d[-1]), float(z[-1]))
            if amount < 0.12:
                continue
            part = float(rng.uniform(0.25, 0.7 if number else 1.0))
            points = _curve((last, goal), 20)[: max(4, int(20 * part))]
            speck = np.clip(rng.normal(1, 0.6, len(points)), 0, 2) * 4.0 * amount
            _stroke(bone, frame, points, np.full(len(points), 6.0), speck, 0.95)
