"""Which square of the film the network sees, and the way back to the film's own pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from konio.errors import RecordError
from konio.records import Box


@dataclass(frozen=True, slots=True)
class Frame:
    """A square of the film and the size it is brought to.

    Coordinates are edges, not centres: network row ``u`` in 0..size is film row ``top + u * side / size``.

    Args:
        top: first film row of the square; may be negative (then black is added).
        left: first film column.
        side: height and width of the square in film pixels.
        size: height and width of the network's input.
        shape: ``(H, W)`` of the film.

    Raises:
        RecordError: if a length is not positive or the square misses the film.
    """

    top: int
    left: int
    side: int
    size: int
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        if min(self.side, self.size, *self.shape) < 1:
            raise RecordError(f"a frame needs positive lengths, got {self}; check the film's shape")
        rows, columns = self.inside
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            raise RecordError(f"the square of {self} lies outside the film; check the lung box")

    @property
    def scale(self) -> float:
        """Film pixels per network pixel."""
        return self.side / self.size

    @property
    def inside(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of the film that the square covers, each ``(first, end)``."""
        height, width = self.shape
        return (
            (max(self.top, 0), min(self.top + self.side, height)),
            (max(self.left, 0), min(self.left + self.side, width)),
        )

    def crop(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The square at the network's size, free of aliasing.

        Whole blocks of pixels are averaged first, which touches every film pixel once; the rest of the
        reduction, two- to fourfold, is left to a triangle filter, which lets less aliasing through.

        Args:
            pixels: the film, ``(H, W)`` float32.

        Returns:
            ``(size, size)`` float32; black (0) where the square leaves the film.
        """
        if pixels.shape != self.shape:
            raise RecordError(
                f"the frame is for a film of {self.shape}, got {pixels.shape}; make a frame for it"
            )
        (top, bottom), (left, right) = self.inside
        square = pixels[top:bottom, left:right]
        if square.shape != (self.side, self.side):
            before = (top - self.top, left - self.left)
            behind = (self.top + self.side - bottom, self.left + self.side - right)
            square = np.pad(square, tuple(zip(before, behind, strict=True)))
        return _resize(_block_means(square, _block(self.side, self.size)), self.size)

    def crop_labels(self, labels: NDArray[Any], size: int | None = None) -> NDArray[Any]:
        """A label map of the same square, by nearest neighbour.

        Args:
            labels: ``(h, w)`` on any grid that covers the whole film (the film's own or a coarser one).
            size: height and width of the result; the network's where ``None``.

        Returns:
            ``(size, size)`` of the same type; 0 outside the film.
        """
        size = size or self.size
        steps = (np.arange(size) + 0.5) * (self.side / size)
        index, known = [], []
        for start, film, grid in zip((self.top, self.left), self.shape, labels.shape, strict=True):
            cell = np.floor((start + steps) * (grid / film)).astype(np.intp)
            known.append((cell >= 0) & (cell < grid))
            index.append(np.clip(cell, 0, grid - 1))
        out = labels[np.ix_(*index)]
        out[~np.logical_and.outer(*known)] = 0
        return out

    def to_film(self, box: Sequence[float]) -> Box:
        """A box in network pixels as the smallest film box that holds it, cut at the film's border.

        Args:
            box: top, left, bottom, right in network pixels (edges).

        Returns:
            The same in whole film pixels, bottom and right exclusive.
        """
        top, left, bottom, right = box
        height, width = self.shape
        rows = [self.top + edge * self.scale for edge in (top, bottom)]
        columns = [self.left + edge * self.scale for edge in (left, right)]
        return (
            _cut(math.floor(rows[0]), height),
            _cut(math.floor(columns[0]), width),
            _cut(math.ceil(rows[1]), height),
            _cut(math.ceil(columns[1]), width),
        )

    def to_network(self, box: Box) -> tuple[float, float, float, float]:
        """A box in film pixels as edges in network pixels."""
        top, left, bottom, right = box
        rows = [(edge - self.top) / self.scale for edge in (top, bottom)]
        columns = [(edge - self.left) / self.scale for edge in (left, right)]
        return (rows[0], columns[0], rows[1], columns[1])


def frame_around(box: Box, shape: tuple[int, int], size: int = 512, margin: float = 0.05) -> Frame:
    """The square around a box, the same scale in both directions.

    A margin is put around the box, the shorter side grows to the longer, and the square moves into the film
    where it fits; where it is larger than the film, black is added.

    Args:
        box: the lungs in film pixels.
        shape: ``(H, W)`` of the film.
        size: height and width of the network's input.
        margin: added on every side, as a share of the box's height and width.

    References:
        Dossier 4.1 gap 6.
    """
    top, left, bottom, right = box
    height, width = (bottom - top) * (1 + 2 * margin), (right - left) * (1 + 2 * margin)
    side = max(1, math.ceil(max(height, width)))
    block = _block(side, size)
    side = math.ceil(side / block) * block  # whole blocks of pixels to average
    return Frame(
        _start((top + bottom) / 2, side, shape[0]),
        _start((left + right) / 2, side, shape[1]),
        side,
        size,
        shape,
    )


def frame_of_film(shape: tuple[int, int], size: int = 512) -> Frame:
    """The square that holds the whole film."""
    return frame_around((0, 0, *shape), shape, size, margin=0.0)


def _block(side: int, size: int) -> int:
    """Pixels averaged at once in each direction."""
    return max(1, side // (2 * size))


def _start(centre: float, side: int, length: int) -> int:
    start = round(centre - side / 2)
    if side <= length:
        return min(max(start, 0), length - side)
    return -((side - length) // 2)


def _cut(edge: int, length: int) -> int:
    return min(max(edge, 0), length)


def _block_means(square: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Means of ``block x block`` pixels: first rows are added up, which runs along memory, then columns."""
    if block == 1:
        return np.array(square, dtype=np.float32, order="C")
    whole = (square.shape[0] // block) * block
    rows = square[0:whole:block, :whole].copy()
    for shift in range(1, block):
        rows += square[shift:whole:block, :whole]
    means = rows[:, 0::block].copy()
    for shift in range(1, block):
        means += rows[:, shift::block]
    means *= np.float32(1 / block**2)
    return means


def _resize(square: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    if square.shape == (size, size):
        return square
    resized = functional.interpolate(
        torch.from_numpy(square)[None, None], size=(size, size), mode="bilinear", antialias=True
    )
    return np.asarray(resized[0, 0].numpy(), dtype=np.float32)
