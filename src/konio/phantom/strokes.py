"""Drawing primitives: lines with a width, tubes, blurred points. All work on boxes, never on the whole film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konio.phantom.smooth import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Distance from a line, inside one box of the film.

    Args:
        box: rows and columns of the film.
        distance: ``(h, w)`` distance to the line in pixels, infinite out of reach.
        place: ``(h, w)`` position along the line as a fractional index of its points.
        side: ``(h, w)`` +1 on the left of the direction of travel, -1 on the right.
    """

    box: tuple[slice, slice]
    distance: Floats
    place: Floats
    side: Floats

    @property
    def empty(self) -> bool:
        """Whether no part of it falls on the film."""
        return self.distance.size == 0


def near(rows: Floats, cols: Floats, reach: float, size: int) -> Near:
    """Distance of the film's pixels to a polyline.

    Args:
        rows: ``(K,)`` rows of its points.
        cols: ``(K,)`` columns.
        reach: how far from the line distances matter, pixels.
        size: edge length of the film.
    """
    top, left = int(np.floor(rows.min() - reach)) - 2, int(np.floor(cols.min() - reach)) - 2
    ab_r, ab_c = np.diff(rows), np.diff(cols)
    length = np.sqrt(ab_r**2 + ab_c**2)
    patch = int(np.ceil(float(length.max()) + 2 * reach)) + 3
    height = int(np.ceil(float(rows.max()) + reach)) + patch + 3 - top
    width = int(np.ceil(float(cols.max()) + reach)) + patch + 3 - left
    start_r = np.floor((rows[:-1] + rows[1:]) / 2 - patch / 2).astype(np.int64)
    start_c = np.floor((cols[:-1] + cols[1:]) / 2 - patch / 2).astype(np.int64)
    top, left = min(top, int(start_r.min())), min(left, int(start_c.min()))
    height = max(height, int(start_r.max()) + patch - top + 1)
    width = max(width, int(start_c.max()) + patch - left + 1)
    step = np.arange(patch, dtype=np.float32)
    pr = (start_r - rows[:-1]).astype(np.float32)[:, None, None] + step[None, :, None]
    pc = (start_c - cols[:-1]).astype(np.float32)[:, None, None] + step[None, None, :]
    a, b = ab_r[:, None, None], ab_c[:, None, None]
    square = np.maximum(length**2, 1e-6)[:, None, None]
    t = np.clip((pr * a + pc * b) / square, 0, 1)
    gap_r, gap_c = pr - t * a, pc - t * b
    d2 = gap_r * gap_r + gap_c * gap_c
    index = (
        ((start_r - top)[:, None, None] + np.arange(patch)[None, :, None]) * width
        + (start_c - left)[:, None, None]
        + np.arange(patch)[None, None, :]
    )
    close = d2 <= np.float32(reach * reach)
    index, flat_d = index[close], d2[close]
    along = (t + np.arange(len(length), dtype=np.float32)[:, None, None])[close]
    turn = np.sign(gap_r * b - gap_c * a)[close]
    best = np.full(height * width, np.inf, np.float32)
    np.minimum.at(best, index, flat_d)
    mine = flat_d <= best[index]
    place = np.zeros(height * width, np.float32)
    side = np.zeros(height * width, np.float32)
    place[index[mine]] = along[mine]
    side[index[mine]] = turn[mine]
    return _clip(top, left, height, width, size, np.sqrt(best), place, side)


def _clip(top: int, left: int, height: int, width: int, size: int, *planes: Floats) -> Near:
    r0, r1 = max(top, 0), min(top + height, size)
    c0, c1 = max(left, 0), min(left + width, size)
    if r1 <= r0 or c1 <= c0:
        nothing = np.zeros((0, 0), np.float32)
        return Near((slice(0, 0), slice(0, 0)), nothing, nothing, nothing)
    inner = (slice(r0 - top, r1 - top), slice(c0 - left, c1 - left))
    cut = [plane.reshape(height, width)[inner] for plane in planes]
    return Near((slice(r0, r1), slice(c0, c1)), cut[0], cut[1], cut[2])


def along(line: Near, values: Floats) -> Floats:
    """A value given at each point of the line, at every pixel near it."""
    return np.interp(line.place, np.arange(len(values)), values).astype(np.float32)


def add_points(picture: Floats, rows: Floats, cols: Floats, sigma: Floats, mass: Floats) -> None:
    """Adds Gaussian spots, each with the given sum over the pixels (mass is conserved).

    Args:
        picture: ``(N, N)`` float32, changed in place.
        rows: ``(K,)`` rows of the centres.
        cols: ``(K,)`` columns.
        sigma: ``(K,)`` standard deviation, pixels.
        mass: ``(K,)`` sum of each spot.
    """
    size = picture.shape[0]
    reach = np.ceil(3.3 * sigma).astype(np.int64)
    for radius in np.unique(reach):
        chosen = np.flatnonzero(reach == radius)
        r0, c0 = np.round(rows[chosen]).astype(np.int64), np.round(cols[chosen]).astype(np.int64)
        step = np.arange(-radius, radius + 1)
        s = sigma[chosen, None]
        wr = np.exp(-0.5 * ((r0[:, None] + step - rows[chosen, None]) / s) ** 2)
        wc = np.exp(-0.5 * ((c0[:, None] + step - cols[chosen, None]) / s) ** 2)
        wr *= (mass[chosen] / (wr.sum(1) * wc.sum(1)))[:, None]
        _scatter(
            picture, size, r0[:, None] + step, c0[:, None] + step, wr[:, :, None] * wc[:, None, :]
        )


def _scatter(
    picture: Floats, size: int, rows: NDArray[np.int64], cols: NDArray[np.int64], values: Floats
) -> None:
    inside = ((rows >= 0) & (rows < size))[:, :, None] & ((cols >= 0) & (cols < size))[:, None, :]
    index = rows[:, :, None] * size + cols[:, None, :]
    np.add.at(picture.reshape(-1), index[inside], values[inside].astype(np.float32))


def add_tubes(
    picture: Floats, start: Floats, end: Floats, radius: Floats, gain: Floats, thinnest: float = 0.8
) -> None:
    """Adds the chord of straight round tubes, in pixels of length times ``gain``.

    Tubes thinner than ``thinnest`` are widened to it with their mass kept.

    Args:
        picture: ``(N, N)`` float32, changed in place.
        start: ``(K, 2)`` row and column where each begins.
        end: ``(K, 2)`` where it ends.
        radius: ``(K,)`` pixels.
        gain: ``(K,)`` factor of the chord.
        thinnest: smallest drawn radius, pixels.
    """
    drawn = np.maximum(radius, np.float32(thinnest))
    gain = gain * (radius / drawn) ** 2
    span = np.sqrt(((end - start) ** 2).sum(1))
    patch = (np.ceil((span + 2 * drawn + 3) / 4) * 4).astype(np.int64)
    for width in np.unique(patch):
        k = np.flatnonzero(patch == width)
        _tube_batch(picture, start[k], end[k], drawn[k], gain[k], int(width))


def _tube_batch(
    picture: Floats, start: Floats, end: Floats, radius: Floats, gain: Floats, width: int
) -> None:
    corner = np.floor((start + end) / 2 - width / 2 + 0.5).astype(np.int64)
    step = np.arange(width, dtype=np.float32)
    offset = (corner - start).astype(np.float32)
    pr = offset[:, 0, None, None] + step[None, :, None]
    pc = offset[:, 1, None, None] + step[None, None, :]
    direction = end - start
    length = np.maximum(np.sqrt((direction**2).sum(1)), np.float32(1e-3))
    ur, uc = (direction / length[:, None]).T
    t = pr * ur[:, None, None] + pc * uc[:, None, None]
    across = pr * uc[:, None, None] - pc * ur[:, None, None]
    chord = 2 * np.sqrt(np.maximum(radius[:, None, None] ** 2 - across**2, 0))
    ends = np.clip(t + 0.5, 0, 1) * np.clip(length[:, None, None] - t + 0.5, 0, 1)
    values = chord * ends * gain[:, None, None]
    keep = values > 0
    size = picture.shape[0]
    rows = np.broadcast_to(corner[:, 0, None, None] + np.arange(width)[None, :, None], keep.shape)
    cols = np.broadcast_to(corner[:, 1, None, None] + np.arange(width)[None, None, :], keep.shape)
    keep &= (rows >= 0) & (rows < size) & (cols >= 0) & (cols < size)
    np.add.at(picture.reshape(-1), (rows * size + cols)[keep], values[keep].astype(np.float32))
