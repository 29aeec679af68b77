"""Outlines of the lungs for the eye: along the cells of their grid, without the grid's stairs.

A mask's border runs along the edges of cells, and a film has several pixels for each cell, so that it looks like stairs.
The stairs are the grid's and not the lung's. Each border is therefore taken as a closed curve and freed of everything
that changes within a few cells (a low-pass filter of its Fourier descriptors, which keeps what it encloses); no point
moves by more than one cell, so that the outline never says another thing than the mask.

References:
    Zahn and Roskies, Fourier descriptors for plane closed curves, IEEE Trans. Computers C-21 (1972), 269-281.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.records import Lungs
from konio.tasks import ZONES

#: Points of a curve, ``(n, 2)``.
Points = NDArray[np.float64]

#: Steps along the border below which a change of direction is the grid's; a tenth of a zone's width.
_WAVELENGTH: Final = 24.0
#: A small border keeps this many harmonics, so that it does not shrink to a point.
_HARMONICS: Final = 6.0
#: No corner moves farther, in cells, before it is averaged with its two neighbours; together less than one cell, since
#: neighbours lie one step away and a border bends by a right angle at most: 0.64 + sqrt(2) / 4.
_FARTHEST: Final = 0.64
#: A point is left out where the curve without it runs nearer than this, in cells.
_TOLERANCE: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Closed curves in film pixels, ``(x, y)`` point by point; the last joins the first.

    Args:
        lungs: of both lungs.
        zones: zone name to its curves; a zone without area has none.
    """

    lungs: tuple[Points, ...]
    zones: Mapping[str, tuple[Points, ...]]


def lung_outlines(lungs: Lungs) -> Outlines:
    """Smooth outlines of lungs and zones.

    Zones end where their lung ends, point for point, and meet each other in straight lines.

    Args:
        lungs: mask and zones on their own grid.
    """
    zones = np.asarray(lungs.zones)
    sides = (zones >= 1) & (zones <= len(ZONES) // 2), zones > len(ZONES) // 2
    whole, parts = [], {}
    for side, names in zip(sides, (ZONES[:3], ZONES[3:]), strict=True):
        loops = [(loop, smoothed(loop)) for loop in stepped(side)]
        whole += [_on_film(curve, lungs) for _, curve in loops]
        moved = {
            corner: place
            for loop, curve in loops
            for corner, place in zip(map(tuple, loop.tolist()), curve, strict=True)
        }
        for name in names:
            found = (_fitted(loop, moved) for loop in stepped(lungs.zone(name)))
            parts[name] = tuple(_on_film(curve, lungs) for curve in found)
    return Outlines(tuple(whole), parts)


def smoothed(loop: Points) -> Points:
    """The border of a mask as the curve it stands for.

    Args:
        loop: ``(n, 2)``, every corner of cells along the border, as `stepped` gives them.

    Returns:
        ``(n, 2)``: where each corner goes, at most one cell away.
    """
    border = loop[:, 0] + 1j * loop[:, 1]
    shortest = min(_WAVELENGTH, len(border) / _HARMONICS)
    kept = 1 / (1 + (np.fft.fftfreq(len(border)) * shortest) ** 4)
    way = np.fft.ifft(np.fft.fft(border) * kept) - border
    held = border + way / np.maximum(1.0, np.abs(way) / _FARTHEST)
    curve = (np.roll(held, 1) + 2 * held + np.roll(held, -1)) / 4
    return np.stack([curve.real, curve.imag], axis=1)


def stepped(mask: NDArray[np.bool_]) -> Iterator[Points]:
    """Closed borders of a mask along the edges of its cells, corner by corner.

    Every edge is walked with the mask on its right hand, so each border closes.

    Args:
        mask: ``(h, w)``.

    Yields:
        ``(n, 2)`` float64, ``(row, column)`` of corners on the lattice 0..h, 0..w, one step apart; the last joins the
        first.
    """
    following = _boundary_edges(mask)
    while following:
        start = next(iter(following))
        loop, point = [], start
        while True:
            loop.append(point)
            choices = following[point]
            to = choices.pop()
            if not choices:
                del following[point]
            point = to
            if point == start:
                break
        yield np.array(loop, np.float64)


def _boundary_edges(mask: NDArray[np.bool_]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (0, 1)),
        (padded[1:-1, 2:], (0, 1), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (1, 0)),
        (padded[1:-1, :-2], (1, 0), (0, 0)),
    )
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for neighbour, tail, head in sides:
        for row, column in np.argwhere(inside & ~neighbour).tolist():
            start = (row + tail[0], column + tail[1])
            edges.setdefault(start, []).append((row + head[0], column + head[1]))
    return edges


def _fitted(loop: Points, moved: Mapping[tuple[float, ...], Points]) -> Points:
    """The border of a zone: on the lung's outline as that goes, elsewhere straight from bend to bend."""
    before, after = np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0)
    bends = (loop - before != after - loop).any(axis=1)
    corners = zip(map(tuple, loop.tolist()), bends.tolist(), strict=True)
    return np.array(
        [moved.get(corner, corner) for corner, bend in corners if bend or corner in moved]
    )


def _on_film(curve: Points, lungs: Lungs) -> Points:
    """A curve on the grid as ``(x, y)`` on the film, without points that add nothing."""
    return np.asarray((_thinned(curve) * lungs.scale)[:, ::-1])


def _thinned(curve: Points) -> Points:
    """Leaves out points that lie on the way between others (Ramer, Douglas and Peucker)."""
    closed = np.concatenate([curve, curve[:1]])
    far = int(np.argmax(np.hypot(*(curve - curve[0]).T)))
    kept, spans = {0, far}, [(0, far), (far, len(curve))]
    while spans:
        first, last = spans.pop()
        inner = closed[first + 1 : last]
        chord = closed[last] - closed[first]
        if len(inner) == 0:
            continue
        away = inner - closed[first]
        length = np.hypot(*chord)
        across = np.abs(away[:, 0] * chord[1] - away[:, 1] * chord[0]) / max(length, 1e-9)
        distance = across if length > 0 else np.hypot(*away.T)
        if distance.max() > _TOLERANCE:
            middle = first + 1 + int(np.argmax(distance))
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return curve[sorted(kept)]
