"""Blobs with a rough outline, chords of spheres, strands: the pieces findings are built from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from konio.phantom.canvas import Box, Canvas
from konio.phantom.smooth import Floats
from konio.phantom.strokes import add_tubes


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A rough ellipse on the film.

    Args:
        half_long: half of the long axis before roughening, mm on the film.
        half_short: half of the short axis, mm on the film.
        waves: ``(K, 3)`` mode, amplitude and phase of the boundary's ripples.
    """

    half_long: float
    half_short: float
    waves: Floats

    def ripple(self, angle: Floats) -> Floats:
        """Factor of the radius at an angle from the long axis."""
        out = np.ones_like(angle)
        for mode, height, phase in self.waves:
            out += np.float32(height) * np.cos(np.float32(mode) * angle + np.float32(phase))
        return out

    def diameters(self) -> tuple[float, float]:
        """Longest diameter, and the longest one at a right angle to it, mm on the film."""
        angle = np.linspace(0, 2 * np.pi, 180, endpoint=False).astype(np.float32)
        r = self.ripple(angle)
        points = np.stack(
            [self.half_long * r * np.cos(angle), self.half_short * r * np.sin(angle)], 1
        )
        gap = points[:, None, :] - points[None, :, :]
        squares = (gap**2).sum(2)
        i, j = np.unravel_index(int(squares.argmax()), squares.shape)
        long = float(np.sqrt(squares[i, j]))
        across = points @ np.array([-gap[i, j, 1], gap[i, j, 0]]) / long
        return long, float(across.max() - across.min())


def draw_outline(
    rng: np.random.Generator, half_long: float, half_short: float, rough: float = 0.11
) -> Outline:
    """An ellipse with ripples of modes 2 to 7, amplitude ``rough / n**0.8``."""
    modes = np.arange(2, 8)
    heights = rng.normal(0, 0.6, 6) * rough / modes**0.8 * 1.6
    phases = rng.uniform(0, 2 * np.pi, 6)
    return Outline(half_long, half_short, np.stack([modes, heights, phases], 1).astype(np.float32))


def fill(
    canvas: Canvas, outline: Outline, row: float, col: float, angle: float
) -> tuple[Box, Floats]:
    """Normalised radius of every pixel near an outline: below 1 inside.

    Args:
        canvas: the film.
        outline: the shape.
        row: of its centre.
        col: of its centre.
        angle: of the long axis against the vertical, radians, clockwise as seen on the film.
    """
    reach = 1.6 * max(outline.half_long, outline.half_short) / canvas.spacing
    box = canvas.box(row, col, reach)
    up = (np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None] - row) * canvas.spacing
    side = (np.arange(box[1].start, box[1].stop, dtype=np.float32)[None, :] - col) * canvas.spacing
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    a = (up * cos - side * sin) / np.float32(outline.half_long)
    b = (up * sin + side * cos) / np.float32(outline.half_short)
    radius = np.sqrt(a * a + b * b)
    return box, np.asarray(radius / outline.ripple(np.arctan2(b, a)), np.float32)


def lens(radius: Floats, softness: float = 0.15) -> Floats:
    """Chord of a unit ball over its normalised radius, with a soft rim; 1 in the centre."""
    inside = np.sqrt(np.clip(1 - radius * radius, 0, 1))
    if softness <= 0:
        return np.asarray(inside, np.float32)
    edge = np.clip((1 - radius) / np.float32(softness), 0, 1)
    return np.asarray(inside * edge * (2 - edge), np.float32)


def strands(
    canvas: Canvas,
    start: Floats,
    end: Floats,
    radius_mm: Floats,
    bend: Floats,
    density: float,
) -> Floats:
    """Curved fibrous strands in mm of soft tissue, drawn on a new plane.

    Args:
        canvas: the film.
        start: ``(K, 2)`` row and column.
        end: ``(K, 2)`` row and column.
        radius_mm: ``(K,)`` radius in the patient, mm.
        bend: ``(K,)`` sideways bow as a part of the length.
        density: over that of aerated lung, g/cm3.
    """
    plane = np.zeros_like(canvas.soft)
    way = end - start
    normal = np.stack([-way[:, 1], way[:, 0]], 1)
    control = (start + end) / 2 + normal * bend[:, None]
    steps = np.linspace(0, 1, 6)
    curve = [(1 - t) ** 2 * start + 2 * t * (1 - t) * control + t * t * end for t in steps]
    radius = (radius_mm * canvas.pixels(1.0)).astype(np.float32)
    gain = np.full(len(radius), density, np.float32)
    for a, b in pairwise(curve):
        add_tubes(plane, a.astype(np.float32), b.astype(np.float32), radius, gain)
    return plane * np.float32(canvas.spacing)


def pick_points(rng: np.random.Generator, weights: Floats, count: int) -> tuple[Floats, Floats]:
    """Random positions with the given density, at any place inside the chosen pixels.

    Args:
        rng: generator.
        weights: ``(H, W)`` not negative.
        count: how many.

    Returns:
        Rows and columns, ``(count,)``; empty where all weights are zero.
    """
    flat = np.flatnonzero(weights)
    if count <= 0 or not flat.size:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    heap = np.cumsum(weights.reshape(-1)[flat], dtype=np.float64)
    chosen = flat[np.searchsorted(heap, rng.random(count) * heap[-1], side="right")]
    rows, cols = np.divmod(chosen, weights.shape[1])
    shift = rng.random((2, count)) - 0.5
    return (rows + shift[0]).astype(np.float32), (cols + shift[1]).astype(np.float32)


def disc_pixels(size: int, rows: Floats, cols: Floats, radius: Floats) -> NDArray[np.bool_]:
    """Union of discs, at least the pixel of each centre, ``(size, size)`` bool."""
    mask = np.zeros((size, size), bool)
    reach = np.ceil(radius).astype(np.int64)
    for r in np.unique(reach):
        k = np.flatnonzero(reach == r)
        step = np.arange(-r, r + 1)
        r0, c0 = np.round(rows[k]).astype(np.int64), np.round(cols[k]).astype(np.int64)
        rr, cc = r0[:, None] + step, c0[:, None] + step
        d2 = ((rr - rows[k, None]) ** 2)[:, :, None] + ((cc - cols[k, None]) ** 2)[:, None, :]
        hit = d2 <= np.maximum(radius[k], 0.72)[:, None, None] ** 2
        hit &= ((rr >= 0) & (rr < size))[:, :, None] & ((cc >= 0) & (cc < size))[:, None, :]
        index = (rr * size)[:, :, None] + cc[:, None, :]
        mask.reshape(-1)[index[hit]] = True
    return mask
