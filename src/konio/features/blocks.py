"""What a trained multi-task network sees in a film, as one row of numbers for a linear model.

The network's heads answer the questions it was taught; its maps know more. Of the output of every dense block from the second on
(the last one as the heads see it), each channel gives its mean in each of the six lung zones and its greatest value inside
the lungs. A linear model on these numbers learns a question the network was never asked from a few hundred films.

References:
    docs/decisions/0042.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import zone_means

#: The first block whose output is described; the one before it sees little more than edges.
_FIRST = 2


@torch.no_grad()
def described_channels(network: MultiTaskNetwork) -> tuple[int, ...]:
    """Channels of each map that `block_features` describes, in its order."""
    seen = torch.zeros((1, network.plan.in_channels, 64, 64))
    maps, inner = network.backbone.with_blocks(seen)
    return (*(own.shape[1] for n, own in inner.items() if _FIRST <= n < len(inner)), maps.shape[1])


@torch.no_grad()
def block_features(network: MultiTaskNetwork, image: Tensor, zones: Tensor) -> Tensor:
    """Features of some prepared films.

    Args:
        network: in evaluation mode.
        image: ``(B, 1, S, S)`` in -1..1, S a multiple of 32.
        zones: ``(B, 6, S / 32, S / 32)`` share of each cell in each lung zone.

    Returns:
        ``(B, 7 C)`` float32, C the channels of all described maps together: for one map after the other the means in the six
        zones, then the greatest value in cells that lie mostly in the lungs; zero where there are none.
    """
    maps, inner = network.backbone.with_blocks(image.expand(-1, network.plan.in_channels, -1, -1))
    described = [own.relu() for number, own in inner.items() if _FIRST <= number < len(inner)]
    return torch.cat([_described(own.float(), zones) for own in (*described, maps)], dim=1)


def _described(maps: Tensor, zones: Tensor) -> Tensor:
    """``(B, 7 C)`` of one map ``(B, C, h, w)``, not negative."""
    own = functional.interpolate(zones, maps.shape[-2:], mode="nearest")
    lungs = own.sum(dim=1, keepdim=True) > 1 / 2
    greatest = (maps * lungs).amax(dim=(2, 3))
    return torch.cat((zone_means(maps, own).flatten(1), greatest), dim=1)
