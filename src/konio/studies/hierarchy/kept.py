"""A level on the kept features of a finished backbone: it sees each zone of the lungs apart, and does not move the backbone.

A stage is given by how dense the opacities are and in how many zones, so that a mean over the lungs is not enough. One small layer
reads every zone alike, another one the greatest values in the lungs; the six zones side by side, their mean, their greatest and the
second layer's answer go to the two fully connected layers that name a class.

References:
    GBZ 70-2015 (stages by profusion and number of zones); docs/decisions/0046.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio.learning.batches import Films
from konio.learning.level_objective import LevelObjective
from konio.learning.module import Run
from konio.networks.heads import TaskHead
from konio.studies.kept import ZONES, Standard, descend, maps_of

#: Numbers that a zone, and that the greatest values, become.
WIDTH: Final = 64
#: Between the two last layers.
HIDDEN: Final = 128
#: Films that are answered together.
_AT_ONCE: Final = 256


class Seen(NamedTuple):
    """What is kept of some films.

    Args:
        zones: ``(N, 6, C)`` means of every channel over each zone.
        greatest: ``(N, C)`` greatest value of every channel in the lungs.
    """

    zones: Tensor
    greatest: Tensor

    @classmethod
    def of(cls, table: NDArray[np.float16], channels: Sequence[int]) -> Seen:
        """From the rows of `konio.features.blocks.block_features`.

        Args:
            table: ``(N, d)``.
            channels: of the maps that are seen, the last one at the end.
        """
        zones, greatest = zip(*maps_of(table, channels), strict=True)
        return cls(
            torch.from_numpy(np.concatenate(zones, axis=2)),
            torch.from_numpy(np.concatenate(greatest, axis=1)),
        )

    def rows(self, which: NDArray[Any]) -> Seen:
        """Some films, in float32."""
        own = torch.from_numpy(which)
        return Seen(self.zones[own].float(), self.greatest[own].float())


class KeptLevel(nn.Module):
    """One level, or four classes at once.

    Args:
        channels: of all maps that are seen together.
        classes: how many answers.
        dropout: part of what every layer is given that is dropped in training.
        generator: source of the first weights.
    """

    def __init__(
        self, channels: int, classes: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.standard_zones, self.standard_greatest = Standard(channels), Standard(channels)
        self.zone, self.greatest = nn.Linear(channels, WIDTH), nn.Linear(channels, WIDTH)
        for layer in (self.zone, self.greatest):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
        self.dropout = nn.Dropout(dropout)
        self.head = TaskHead((ZONES + 3) * WIDTH, HIDDEN, classes, dropout, generator)

    def standardise(self, seen: Seen) -> None:
        """Take means and spreads from the films that are learned from; those of zones over all zones together."""
        self.standard_zones.take(seen.zones.flatten(0, 1))
        self.standard_greatest.take(seen.greatest)

    def forward(self, seen: Seen) -> Tensor:
        """Logits ``(B, classes)``."""
        # (B, 6, C) -> (B, 6, WIDTH); the layer is the same for all zones
        zones = self.zone(self.dropout(self.standard_zones(seen.zones))).relu()
        greatest = self.greatest(self.dropout(self.standard_greatest(seen.greatest))).relu()
        whole = (zones.flatten(1), zones.mean(dim=1), zones.amax(dim=1), greatest)
        logits: Tensor = self.head(torch.cat(whole, dim=1))  # (B, 9 WIDTH)
        return logits


def learn(run: Run, seen: Seen, number: int) -> KeptLevel:
    """Train one level on kept features, by the recipe, losses and drawn films that a network on films would have.

    Args:
        run: from `konio.learning.levels.level_run`; its optimiser is ``adamw``.
        seen: of every film of the store.
        number: level 1 or 2.

    Returns:
        The level, in evaluation mode.
    """
    recipe, objective, train = run.recipe, run.objective, run.train
    assert isinstance(objective, LevelObjective)  # noqa: S101 - what level_run made
    assert isinstance(train, Films)  # noqa: S101 - as above
    # First weights as `konio.learning.levels.first_level` seeds them.
    generator = torch.Generator().manual_seed(recipe.seed * 2 + number)
    channels, dropout = seen.greatest.shape[1], recipe.network.dropout
    network = KeptLevel(channels, objective.classes, dropout, generator)
    positions, labels = train.positions, torch.from_numpy(train.labels[:, 0])
    network.standardise(seen.rows(np.unique(positions)))

    def cost(films: NDArray[Any]) -> Tensor:
        return objective.loss(network(seen.rows(positions[films])), labels[torch.from_numpy(films)])

    descend(network, recipe, run.timetable, cost)
    return network


@torch.no_grad()
def answer(network: KeptLevel, seen: Seen, positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities of some films, ``(n, classes)``.

    Args:
        network: in evaluation mode.
        seen: of every film of the store.
        positions: ``(n,)`` which films; may be none.
    """
    first = range(0, len(positions), _AT_ONCE)
    said = [network(seen.rows(positions[k : k + _AT_ONCE])).double().softmax(dim=1) for k in first]
    if not said:
        return np.zeros((0, network.head.fc2.out_features))
    return np.asarray(torch.cat(said).numpy())
