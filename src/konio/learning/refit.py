"""Heads that begin anew on what a finished backbone sees: its pooled features are computed once and kept.

A film costs the whole network more than a thousand times what it costs a head, so heads that learn beside the backbone get
a few hundred steps where they could have thousands. Here they get them (docs/decisions/0038). Each head learns alone, by
the loss that the recipe gives it; nothing of the backbone changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from konio.errors import RecipeError
from konio.learning.batches import Examples
from konio.learning.look import LOOK_BATCH
from konio.learning.recipe import HeadsTable, Recipe
from konio.networks.classifier import Classifier
from konio.networks.heads import TaskHead, work_in
from konio.networks.losses import masked_cross_entropy
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import Pooled
from konio.networks.published_heads import LinearHead
from konio.tasks import MISSING, Task

if TYPE_CHECKING:
    from konio.learning.level_objective import LevelObjective
    from konio.learning.views import View

#: Parts of a seed, so that moves and first weights do not depend on one another.
_MOVES: Final = 6
_HEADS: Final = 7
#: Share of the steps over which the learning rate rises.
_WARMUP: Final = 0.1
#: Added to the variance, as in `konio.networks.heads.Standardise`.
_LEAST_VARIANCE: Final = 1e-4

#: Told how many views are done and how many there are.
Told = Callable[[int, int], None]


def kept_features(
    features: Callable[[View], Tensor], films: Examples, recipe: Recipe, told: Told | None = None
) -> Tensor:
    """What the heads will learn from.

    Args:
        features: from a batch as the network sees it to what is kept of it, ``(B, ...)``.
        films: to learn from.
        recipe: says at which size, how often and how far moved.
        told: how far it is.

    Returns:
        ``(views * n, ...)`` float32, view after view, each in the order of the films.
    """
    phase, count = recipe.phases[-1], len(films)
    kept: list[Tensor] = []
    for number in range(recipe.heads.views):
        for start in range(0, count, LOOK_BATCH):
            which = np.arange(start, min(start + LOOK_BATCH, count))
            batch = films.batch(which, phase.side)
            if number or recipe.augment.crop:
                seed = [recipe.seed, number, start, _MOVES]
                batch |= films.moves(seed, len(which), recipe.augment, phase)
            with torch.no_grad():
                kept.append(features(films.view(batch, phase.size)).float().cpu())
            if told is not None:
                told(number * count + int(which[-1]) + 1, recipe.heads.views * count)
    return torch.cat(kept)


def refit(
    network: MultiTaskNetwork, films: Examples, recipe: Recipe, told: Told | None = None
) -> MultiTaskNetwork:
    """All heads of a multi-task network anew.

    Args:
        network: trained, plain (`MultiTaskNetwork.plain`), in evaluation mode.
        films: to learn from.
        recipe: its ``[heads]``, ``[loss]`` and last phase.
        told: how far it is.

    Returns:
        The network with its new heads.
    """
    backbone = network.folded(size=recipe.final_side)
    kept = kept_features(
        lambda view: Pooled(backbone(view.image), view.zones).kept, films, recipe, told
    )
    pooled = Pooled.of(kept)
    labels = torch.from_numpy(np.tile(films.labels, (recipe.heads.views, 1)))
    spread = recipe.loss.ordinal_spread
    for place, name in enumerate(network.heads):
        tasks = [task for task in network.tasks if network.plan.head_of(task) == name]
        columns = [network.tasks.names.index(task.name) for task in tasks]
        generator = torch.Generator().manual_seed(_seed(recipe, place))
        head = _new_head(network, tasks[0], generator)
        learn(
            head,
            head.fc1,
            torch.cat([network.pool(pooled, task) for task in tasks]),
            torch.cat([labels[:, column] for column in columns]),
            _cross_entropy(spread if tasks[0].ordered else 0.0),
            recipe.heads,
            generator,
        )
        network.heads[name] = head
    return network.eval()


def refit_level(
    network: Classifier,
    films: Examples,
    recipe: Recipe,
    objective: LevelObjective,
    told: Told | None = None,
) -> Classifier:
    """The head of one level anew.

    Args:
        network: trained.
        films: to learn from, as the level's sampling draws them.
        recipe: its ``[heads]`` and last phase.
        objective: the level's loss.
        told: how far it is.

    Raises:
        RecipeError: if the network's head looks at more than the mean of the map.
    """
    if not isinstance(network.head, LinearHead):
        raise RecipeError(
            f"recipe {recipe.name!r}: the head of {network.plan.architecture} sees more than the mean of the map, which is "
            "all that is kept; leave the table [heads] out"
        )
    fastest = network.eval().fastest(recipe.phases[-1].size)
    kept = kept_features(lambda view: fastest(view.image).mean(dim=(2, 3)), films, recipe, told)
    labels = torch.from_numpy(np.tile(films.labels[:, 0], recipe.heads.views))
    generator = torch.Generator().manual_seed(_seed(recipe, network.plan.classes))
    head = LinearHead(network.channels, network.plan.classes, network.plan.dropout, generator)
    layers = nn.Sequential(head.dropout, head.layers)
    learn(layers, head.layers, kept, labels, objective.loss, recipe.heads, generator)
    network.head = head
    return network.eval()


def learn(
    head: nn.Module,
    first: nn.Linear,
    vectors: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    table: HeadsTable,
    generator: torch.Generator,
) -> None:
    """Train a head on kept vectors; what it learned about standardised ones is worked into its first layer.

    Args:
        head: from ``(B, features)`` to logits; trained in place and left in evaluation mode.
        first: its first layer.
        vectors: ``(n, features)``.
        labels: ``(n,)`` class positions; `konio.tasks.MISSING` are left out.
        loss: of logits and labels, none missing.
        table: how.
        generator: draws order and dropout.
    """
    known = labels != MISSING
    if not bool(known.any()):
        return
    vectors, labels = vectors[known], labels[known]
    mean, scale = vectors.mean(dim=0), (vectors.var(dim=0, correction=0) + _LEAST_VARIANCE).rsqrt()
    vectors = (vectors - mean) * scale
    steps = table.epochs * math.ceil(len(labels) / table.batch)
    optimizer = torch.optim.AdamW(head.parameters(), lr=table.lr, weight_decay=table.weight_decay)
    head.train()
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        step = 0
        for _ in range(table.epochs):
            for which in torch.randperm(len(labels)).split(table.batch):  # type: ignore[no-untyped-call]
                optimizer.param_groups[0]["lr"] = table.lr * _rate(step / steps)
                optimizer.zero_grad()
                loss(head(vectors[which]), labels[which]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                step += 1
    work_in(first, mean, scale)
    head.eval()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Layers this small lose more by waiting for a second thread than they win by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _new_head(network: MultiTaskNetwork, task: Task, generator: torch.Generator) -> TaskHead:
    old = network.head(task)
    hidden, features = old.fc1.weight.shape
    return TaskHead(features, hidden, len(task), old.dropout.p, generator)


def _cross_entropy(spread: float) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        found = masked_cross_entropy(logits, labels, spread)
        return logits.sum() * 0 if found is None else found

    return loss


def _rate(done: float) -> float:
    """Up on a straight line, then down to nothing on a cosine."""
    if done < _WARMUP:
        return done / _WARMUP
    return (1 + math.cos(math.pi * (done - _WARMUP) / (1 - _WARMUP))) / 2


def _seed(recipe: Recipe, place: int) -> int:
    key = np.random.SeedSequence([recipe.seed, place, _HEADS])
    return int(key.generate_state(1, np.uint64)[0] >> np.uint64(1))
