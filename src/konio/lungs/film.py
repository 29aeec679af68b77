"""A film as the lung network sees it: shrunk with its aspect kept, centred in a square, windowed.

Training and assessment prepare films by the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

#: Black and white of the window, percentiles of the film's own pixels.
WINDOW_PERCENTILES = (1.0, 99.0)

#: The film is thinned to at most about this many times the square's side before it is averaged down.
_OVERSAMPLING = 3


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a film of any shape lies inside the square.

    Args:
        top, left: first row and column of the film in the square.
        rows, columns: size of the film in the square.
        side: height and width of the square.
    """

    top: int
    left: int
    rows: int
    columns: int
    side: int

    @classmethod
    def of(cls, shape: tuple[int, int], side: int) -> Letterbox:
        """The largest centred place for a film of ``shape`` (rows, columns) in a square of ``side``."""
        longest = max(shape)
        rows, columns = (max(1, round(extent * side / longest)) for extent in shape)
        return cls((side - rows) // 2, (side - columns) // 2, rows, columns, side)

    def cut(self, square: NDArray[Any]) -> NDArray[Any]:
        """The film's part of an array ``(..., side, side)``."""
        return square[..., self.top : self.top + self.rows, self.left : self.left + self.columns]

    def place(self, film: NDArray[Any]) -> NDArray[Any]:
        """The square around a film ``(rows, columns)``, zero outside."""
        square = np.zeros((self.side, self.side), film.dtype)
        square[self.top : self.top + self.rows, self.left : self.left + self.columns] = film
        return square


def shrink(pixels: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Resize by antialiased bilinear weights; a large film is thinned first, which costs a tenth of the time.

    Args:
        pixels: ``(H, W)`` float32.
        rows: wanted height.
        columns: wanted width.

    Returns:
        ``(rows, columns)`` float32.
    """
    step = max(1, min(pixels.shape[0] // rows, pixels.shape[1] // columns) // _OVERSAMPLING)
    thinned = torch.from_numpy(pixels[::step, ::step].copy())[None, None]
    small = torch.nn.functional.interpolate(
        thinned, size=(rows, columns), mode="bilinear", antialias=True, align_corners=False
    )
    return np.asarray(small[0, 0].numpy(), np.float32)


def window(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch the film between two of its percentiles to 0..1, clipped; a film without contrast becomes black."""
    low, high = np.percentile(small, WINDOW_PERCENTILES)
    if high - low < 1e-6:
        return np.zeros_like(small)
    return np.asarray(np.clip((small - low) / (high - low), 0, 1), np.float32)


def to_square(pixels: NDArray[np.float32], side: int) -> tuple[NDArray[np.float32], Letterbox]:
    """A film as the network sees it, still 0..1.

    Args:
        pixels: ``(H, W)`` float32, bright bone.
        side: the network's side.

    Returns:
        The square ``(side, side)`` float32 in 0..1, and where the film lies in it.
    """
    box = Letterbox.of((pixels.shape[0], pixels.shape[1]), side)
    return box.place(window(shrink(pixels, box.rows, box.columns))), box
