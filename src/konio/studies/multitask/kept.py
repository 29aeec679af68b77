"""Networks on the kept features of a finished backbone: one shared layer, and the paper's two heads above it.

On two processor cores a network that learns films from nothing in an hour knows less than zone textures do, and an interval around
such networks is not worth reading. The backbone of a finished model is a start as the paper's own is (pre-trained on other films),
and what it sees of each film is computed once. Above it stands what the paper is about: a representation that both questions share and
move by the weighted sum of their losses, and for each question two fully connected layers with dropout between, moved by its own loss.

References:
    Paper A, sections 1.3 and 1.4; docs/decisions/0045.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio.learning.recipe import Recipe
from konio.learning.timetable import Timetable
from konio.networks.heads import TaskHead
from konio.networks.losses import multi_task_loss, scale_gradient, task_weights
from konio.studies.kept import Standard, descend, maps_of
from konio.tasks import RADIOGRAPH_TASKS, TaskSet

#: Numbers of the shared representation.
WIDTH: Final = 128


def summary(table: NDArray[np.float16], channels: Sequence[int]) -> NDArray[np.float32]:
    """What the networks see of each film: of every channel of some maps its mean over the lungs and its greatest value there.

    Args:
        table: rows of `konio.features.blocks.block_features`, the last map's numbers at the end.
        channels: of the maps that are seen, the last one at the end; those before them are left out.

    Returns:
        ``(N, 2 C)``, C the channels of these maps together.
    """
    seen = []
    for zones, greatest in maps_of(table, channels):
        seen += [zones.astype(np.float32).mean(axis=1), greatest.astype(np.float32)]
    return np.concatenate(seen, axis=1)


class KeptNetwork(nn.Module):
    """A shared layer and one head for each question.

    Args:
        features: length of a film's vector.
        recipe: its questions, width and dropout of the heads, and seed.

    Attributes:
        tasks: the questions, in order.
    """

    def __init__(self, features: int, recipe: Recipe) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(recipe.seed)
        self.tasks: TaskSet = RADIOGRAPH_TASKS.subset(*recipe.network.tasks)
        self.standard = Standard(features)
        self.shared = nn.Linear(features, WIDTH)
        nn.init.kaiming_uniform_(self.shared.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(self.shared.bias)
        hidden, dropout = recipe.network.hidden, recipe.network.dropout
        self.heads = nn.ModuleDict(
            {
                task.name: TaskHead(WIDTH, hidden, len(task), dropout, generator)
                for task in self.tasks
            }
        )

    def forward(
        self, vectors: Tensor, weights: Mapping[str, float] | None = None
    ) -> dict[str, Tensor]:
        """Logits of every question.

        Args:
            vectors: ``(B, features)``.
            weights: how strongly each question moves the shared layer; 1 where ``None``.
        """
        seen = self.shared(self.standard(vectors)).relu()
        return {
            name: head(seen if weights is None else scale_gradient(seen, weights[name]))
            for name, head in self.heads.items()
        }


def learn(
    network: KeptNetwork,
    vectors: Tensor,
    labels: Tensor,
    recipe: Recipe,
    timetable: Timetable,
) -> None:
    """Train by a recipe: its losses, optimiser, rate and order of the films; left in evaluation mode.

    Args:
        network: changed in place.
        vectors: ``(n, features)`` of the films to learn from.
        labels: ``(n, T)`` class positions in the order of the network's questions, `konio.tasks.MISSING` where unknown.
        recipe: of the kind ``radiograph`` with the optimiser ``adamw``.
        timetable: of the recipe on these films.
    """
    plan = recipe.loss.plan()
    network.standard.take(vectors)

    def cost(films: NDArray[np.int64]) -> Tensor:
        rows = torch.from_numpy(films)
        columns = {name: labels[rows, column] for column, name in enumerate(network.tasks.names)}
        answers = network(vectors[rows], task_weights(columns, plan))
        return multi_task_loss(answers, columns, network.tasks, plan).total

    descend(network, recipe, timetable, cost)


@torch.no_grad()
def answer(network: KeptNetwork, vectors: Tensor) -> NDArray[np.float32]:
    """Logits of all questions side by side, ``(n, classes of all)``."""
    answers = network(vectors)
    logits: NDArray[np.float32] = torch.cat(
        [answers[name] for name in network.tasks.names], dim=1
    ).numpy()
    return logits
