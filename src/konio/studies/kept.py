"""Learning from kept features: what a finished backbone saw of every film, and networks that are trained above it.

A study looks at its films once (`konio.studies.seen`); what stands above the backbone then learns in seconds, so that folds, rates
and seeds cost little. Which network that is, is the study's own matter.

References:
    docs/decisions/0045 and 0046.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from konio.learning.recipe import Recipe
    from konio.learning.timetable import Timetable

#: Zones of the lungs, as `konio.features.blocks` describes them.
ZONES: Final = 6
#: Added to the variance of a feature, as in `konio.networks.heads.Standardise`.
_LEAST_VARIANCE: Final = 1e-4


def maps_of(
    table: NDArray[Any], channels: Sequence[int]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """What is kept of each film, one map after the other.

    Args:
        table: ``(N, d)`` rows of `konio.features.blocks.block_features`, the last map's numbers at the end.
        channels: of the maps that are seen, the last one at the end; those before them are left out.

    Yields:
        ``(N, 6, C)`` means over the zones and ``(N, C)`` greatest values in the lungs, views of the table.
    """
    first = table.shape[1] - (ZONES + 1) * sum(channels)
    for count in channels:
        own = table[:, first : first + (ZONES + 1) * count]
        yield own[:, : ZONES * count].reshape(len(own), ZONES, count), own[:, ZONES * count :]
        first += (ZONES + 1) * count


class Standard(nn.Module):
    """Features less their mean, over their standard deviation, as the films to learn from have them.

    Args:
        features: length of a vector.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def take(self, vectors: Tensor) -> None:
        """Take mean and spread of ``(n, features)``."""
        self.mean.copy_(vectors.mean(dim=0))
        self.scale.copy_((vectors.var(dim=0, correction=0) + _LEAST_VARIANCE).rsqrt())

    def forward(self, vectors: Tensor) -> Tensor:
        """``(..., features)`` to the same."""
        return (vectors - self.mean) * self.scale


def descend(
    network: nn.Module,
    recipe: Recipe,
    timetable: Timetable,
    cost: Callable[[NDArray[Any]], Tensor],
) -> None:
    """Train by a recipe's rate, order of the films and seed; left in evaluation mode.

    Args:
        network: changed in place.
        recipe: with the optimiser ``adamw``.
        timetable: of the recipe on the films to learn from.
        cost: loss of a step; takes ``(batch,)`` positions among these films.
    """
    table = recipe.optimizer
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=table.lr, weight_decay=table.weight_decay, fused=True
    )
    network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        for step in range(timetable.steps):
            loss = cost(timetable.films_of(step))
            optimizer.param_groups[0]["lr"] = table.lr * timetable.rate(step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    network.eval()
