"""Maps as pictures for a study: the film with its map and boxes, and the maps of single channels.

References:
    Paper B, figure 3.3 (channel maps), figures 3.5 and 3.6 (maps on films with boxes, networks side by side).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import UsageError
from konio.explain.regions import enlarge

Picture = NDArray[np.uint8]

# From nothing to the strongest evidence: value, red, green, blue. No red-green contrast, so that everybody sees it.
_WARM: Final = np.array(
    [(0, 60, 10, 90), (0.35, 160, 35, 85), (0.65, 245, 120, 30), (1, 255, 235, 130)]
)
_BOX: Final = (120, 230, 240)
# Negative, zero, positive.
_SIGNED: Final = np.array([(-1, 40, 90, 200), (0, 12, 12, 16), (1, 255, 170, 60)])


def overlay(
    image: Tensor,
    heat: Tensor,
    boxes: Sequence[tuple[float, float, float, float]] = (),
    opacity: float = 0.6,
) -> Picture:
    """A film with its map on it; the stronger the map, the less of the film shines through.

    Args:
        image: ``(1, S, S)`` in -1..1.
        heat: ``(h, w)`` over the same square, not negative; scaled to its maximum.
        boxes: top, left, bottom, right in pixels of the image.
        opacity: of the strongest evidence, 0..1.

    Returns:
        ``(S, S, 3)`` uint8.
    """
    side = image.shape[-1]
    film = np.clip((image[0].float().numpy(force=True) + 1) / 2, 0, 1)[..., None] * 255.0
    fine = enlarge(heat, side)
    peak = float(fine.max())
    share = (fine / peak if peak > 0 else fine)[..., None]
    mixed = film * (1 - opacity * share) + _colours(share[..., 0], _WARM) * (opacity * share)
    out = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    for box in boxes:
        _frame(out, box)
    return out


def channel_sheet(maps: Tensor, count: int = 16, side: int = 96, columns: int = 8) -> Picture:
    """The strongest channels of weighted maps side by side, orange for the answer and blue against it.

    Args:
        maps: ``(C, h, w)`` of one film, from `konio.explain.discriminative_maps`.
        count: how many channels, those with the largest sum of absolute values first.
        side: of one map, pixels.
        columns: maps in a row.

    Returns:
        ``(rows * side, columns * side, 3)`` uint8; all maps share one scale.
    """
    if maps.ndim != 3 or count < 1 or columns < 1:
        raise UsageError(
            f"a sheet shows one or more channels of one film (C, h, w), got {tuple(maps.shape)} and {count}"
        )
    order = torch.argsort(maps.abs().sum(dim=(1, 2)), descending=True, stable=True)[:count]
    fine = enlarge(maps[order], side - 2)
    peak = float(np.abs(fine).max())
    rows = -(-len(fine) // columns)
    out = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for place, one in enumerate(fine):
        row, column = divmod(place, columns)
        part = _colours(one / peak if peak > 0 else one, _SIGNED)
        out[row * side + 1 : (row + 1) * side - 1, column * side + 1 : (column + 1) * side - 1] = (
            part
        )
    return out


def _colours(values: NDArray[np.float32], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.interp(values, scale[:, 0], scale[:, k]) for k in (1, 2, 3)], axis=-1)


def _frame(picture: Picture, box: tuple[float, float, float, float]) -> None:
    """Draws a frame of two pixels in place."""
    last = picture.shape[0] - 1
    top, left, bottom, right = (int(np.clip(round(edge), 0, last)) for edge in box)
    for near, far, first, end, down in (
        (top, bottom, left, right, True),
        (left, right, top, bottom, False),
    ):
        for line in (near, max(near, far - 1)):
            band = slice(max(line - 1, 0), line + 1)
            picture[(band, slice(first, end)) if down else (slice(first, end), band)] = _BOX
