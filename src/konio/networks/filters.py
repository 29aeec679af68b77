"""First filters that already see spots, strands and edges, for a network that learns from nothing.

A network whose first layer begins at random spends its first thousands of films on finding filters that
have been known for decades: round ones for spots, long ones for vessels and rib edges, smooth ones for density.
Beginning with them changes nothing about the network; every filter goes on learning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import UsageError
from konio.networks.densenet import DenseNet

#: Radii of the round filters, in pixels of the input.
_SPOTS: Final = (0.6, 0.8, 1.0, 1.3, 1.7, 2.2)
#: Wavelengths of the long filters, in pixels, and how many directions each has.
_WAVES: Final = (2.5, 3.5, 5.0, 7.0)
_DIRECTIONS: Final = 6
#: Radii of the smooth filters, in pixels.
_SMOOTH: Final = (1.0, 2.5)

Filter = NDArray[np.float64]


def spot_filters(count: int = 64, side: int = 7) -> Tensor:
    r"""Laplacians of Gaussians of both signs, Gabor pairs in six directions, and smooth filters.

    Each has the energy of a Kaiming-normal filter, :math:`\sum f^2 = 2`; all but the smooth ones sum to zero.

    Args:
        count: how many; a network with more channels gets the bank again from its start.
        side: height and width, odd.

    Returns:
        ``(count, 1, side, side)`` float32.

    References:
        Marr and Hildreth, Proc R Soc Lond B 1980;207:187 (Laplacian of Gaussian);
        Daugman, J Opt Soc Am A 1985;2:1160 (Gabor filters in two dimensions).

    Examples:
        >>> spot_filters().shape
        torch.Size([64, 1, 7, 7])
    """
    bank = [kernel * math.sqrt(2 / (kernel**2).sum()) for kernel in _bank(side)]
    chosen = [bank[k % len(bank)] for k in range(count)]
    return torch.from_numpy(np.stack(chosen)[:, None]).float()


def begin_with_spots(backbone: DenseNet) -> None:
    """Put `spot_filters` into the first layer of a network with one input channel.

    Raises:
        UsageError: if the network has three input channels.
    """
    first = backbone.get_parameter("features.conv0.weight")
    if first.shape[1] != 1:
        raise UsageError(
            f"first filters are made for one grey channel, the network has {first.shape[1]}; "
            "use in_channels = 1 or first_filters = 'random'"
        )
    with torch.no_grad():
        first.copy_(spot_filters(first.shape[0], first.shape[2]))


def _bank(side: int) -> Iterator[Filter]:
    line = np.arange(side, dtype=np.float64) - side // 2
    y, x = np.meshgrid(line, line, indexing="ij")
    for sigma in _SPOTS:
        r = (x * x + y * y) / (2 * sigma * sigma)
        spot = _balanced((1 - r) * np.exp(-r))
        yield from (spot, -spot)
    for wave in _WAVES:
        for k in range(_DIRECTIONS):
            angle = np.pi * k / _DIRECTIONS
            across = x * np.cos(angle) + y * np.sin(angle)
            along = y * np.cos(angle) - x * np.sin(angle)
            window = np.exp(-(across**2 + along**2 / 4) / (2 * (0.45 * wave) ** 2))
            for carrier in (np.cos, np.sin):
                yield _balanced(window * carrier(2 * np.pi * across / wave))
    for sigma in _SMOOTH:
        smooth = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
        yield from (smooth, -smooth)


def _balanced(kernel: Filter) -> Filter:
    return np.asarray(kernel - kernel.mean())
