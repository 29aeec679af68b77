"""Deletion and insertion: how a probability falls when the warmest pixels go first, and rises when they come first.

A good map has a small area under its deletion curve and a large one under its insertion curve. Both need no truth and
work on any film. What is taken away becomes the blurred film, which leaves no new edges; both curves lie between the same
two pictures.

References:
    Petsiuk et al., RISE, BMVC 2018, section 4.3 (insertion from a blurred picture).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from konio.errors import UsageError
from konio.explain.contract import Network, undisturbed

Floats = NDArray[np.float64]

#: Parts of the film that have changed at each point of a curve.
STEPS: Final = 16
#: Standard deviation of the blur, as a share of the film's side.
_BLUR: Final = 0.04
#: Variants that are answered at once.
_AT_ONCE: Final = 17


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probability of one class while a film changes.

    Args:
        parts: ``(n,)`` part of the pixels that has changed, 0..1.
        deletion: ``(n,)`` from the film to the blurred film.
        insertion: ``(n,)`` from the blurred film to the film.
    """

    parts: Floats
    deletion: Floats
    insertion: Floats

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, 0..1; small is good."""
        return float(np.trapezoid(self.deletion, self.parts))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, 0..1; large is good."""
        return float(np.trapezoid(self.insertion, self.parts))


@torch.no_grad()
def deletion_insertion(
    network: Network,
    image: Tensor,
    heat: Tensor,
    chosen: int,
    *,
    steps: int = STEPS,
    features: Callable[[Tensor], Tensor] | None = None,
) -> Curves:
    """Both curves of one film.

    Args:
        network: whose probability is followed; left as it was found.
        image: ``(1, H, W)`` in -1..1.
        heat: ``(h, w)`` on any grid over the same square; equally warm pixels go in reading order.
        chosen: position of the class.
        steps: in how many equal parts the film changes.
        features: the way to the map in its fastest form; the network's own where ``None``.

    Raises:
        UsageError: if this is no single film with its map, or there are no steps.
    """
    if image.ndim != 3 or heat.ndim != 2 or steps < 1:
        raise UsageError(
            f"curves are of one image (1, H, W) with its map (h, w) in one or more steps, got {tuple(image.shape)}, "
            f"{tuple(heat.shape)} and {steps}; correct them"
        )
    rank = _rank(heat, image.shape[-2:])
    blurred = _blur(image)
    ends = torch.linspace(0, rank.numel(), steps + 1).round()
    gone = rank[None] < ends[:, None, None].to(rank.device)  # (n, H, W)
    variants = torch.cat(
        (torch.where(gone[:, None], blurred, image), torch.where(gone[:, None], image, blurred))
    )
    way = features or network.features
    with undisturbed(network):
        parts = [
            torch.softmax(network.answer(way(some)).float(), dim=1)[:, chosen]
            for some in torch.split(variants, _AT_ONCE)
        ]
    values = torch.cat(parts).double().numpy(force=True)
    return Curves(np.linspace(0, 1, steps + 1), values[: steps + 1], values[steps + 1 :])


def _rank(heat: Tensor, size: torch.Size) -> Tensor:
    """For every pixel how many are warmer, ``(H, W)``."""
    fine = functional.interpolate(
        heat[None, None].float(), size=size, mode="bilinear", align_corners=False
    )
    order = fine.flatten().argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    return rank.reshape(size)


def _blur(image: Tensor) -> Tensor:
    """A Gaussian blur, edges continued."""
    deviation = _BLUR * max(image.shape[-2:])
    reach = min(int(3 * deviation), min(image.shape[-2:]) - 1)
    ticks = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (ticks / deviation) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    padded = functional.pad(image[None], (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel[:, :, None])
    return functional.conv2d(rows, kernel[:, :, :, None])[0]
