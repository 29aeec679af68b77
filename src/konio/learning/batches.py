"""From the store to the batch of a step: bytes, labels and how each film is to be moved.

Which films, and how each is moved, is drawn from seed and step; nothing depends on what was drawn before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.learning.recipe import AugmentTable, Phase
from konio.learning.store import Store
from konio.learning.timetable import Leg, Timetable
from konio.prepare import draw

if TYPE_CHECKING:
    from konio.learning.views import View

Batch = dict[str, Tensor]


class Examples(Protocol):
    """What a run learns from or is judged on: any kind of image with its labels."""

    @property
    def labels(self) -> NDArray[Any]:
        """``(n, ...)`` what is known about each, as the objective takes it."""

    def __len__(self) -> int: ...

    def batch(self, which: NDArray[np.int64], side: int) -> Batch:
        """Some examples as they are stored; ``image``, ``labels`` and ``has_lesions`` are always among it."""

    def moves(self, seed: list[int], count: int, augment: AugmentTable, phase: Phase) -> Batch:
        """How the examples of one step are moved and toned."""

    def view(self, batch: Batch, size: int) -> View:
        """What the network sees of a batch, computed where the batch is."""


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """Part of a store with its labels.

    Args:
        store: the prepared films.
        positions: ``(n,)`` rows of the store.
        labels: ``(n, T)`` int64, one column per question; `konio.tasks.MISSING` where unknown.
    """

    store: Store
    positions: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def moves(self, seed: list[int], count: int, augment: AugmentTable, phase: Phase) -> Batch:
        """How the films of one step are moved, toned and cut; see `draw_moves`."""
        return draw_moves(seed, count, augment, phase)

    def view(self, batch: Batch, size: int) -> View:
        """What the network sees of a batch; see `konio.learning.views`."""
        from konio.learning.views import view

        return view(batch, size)

    def batch(self, which: NDArray[np.int64], side: int) -> Batch:
        """Some films as they are stored.

        Args:
            which: ``(B,)`` places in ``positions``.
            side: which of the store's sizes.

        Returns:
            ``image`` (B, side, side) uint8, ``zones`` (B, M, M) uint8, ``lesions`` (B, 3, M, M) uint8,
            ``has_lesions`` (B,) bool, ``labels`` (B, T) int64.
        """
        rows = self.positions[which]
        tables = {
            "image": self.store.images[side][rows],
            "zones": self.store.zones[rows],
            "lesions": self.store.lesions[rows],
            "has_lesions": self.store.has_lesions[rows],
            "labels": self.labels[which],
        }
        return {name: torch.from_numpy(np.ascontiguousarray(t)) for name, t in tables.items()}


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of every batch one device takes; they share it evenly."""

    rank: int = 0
    world: int = 1

    def of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every ``world``-th item from ``rank`` on."""
        return items[self.rank :: self.world]


@dataclass(frozen=True, slots=True, eq=False)
class LegLoader:
    """The batches of a leg from a step on, for Lightning.

    Args:
        films: to learn from.
        timetable: of the run.
        leg: which epoch.
        start: step over the whole run to begin with.
        augment: how far films may be moved.
        shard: this device's part.
    """

    films: Examples
    timetable: Timetable
    leg: Leg
    start: int
    augment: AugmentTable
    shard: Shard = Shard()

    def __len__(self) -> int:
        return self.leg.end - max(self.start, self.leg.first)

    def __iter__(self) -> Iterator[Batch]:
        phase = self.leg.phase
        for step in range(max(self.start, self.leg.first), self.leg.end):
            films = self.timetable.films_of(step)
            mine = self.shard.of(np.arange(len(films)))
            batch = self.films.batch(films[mine], phase.side)
            seed = [self.timetable.seed, step, 1]
            drawn = self.films.moves(seed, len(films), self.augment, phase)
            yield batch | {name: values[torch.from_numpy(mine)] for name, values in drawn.items()}


def draw_moves(seed: list[int], films: int, augment: AugmentTable, phase: Phase) -> Batch:
    """How the films of one step are moved, toned and, in a windowed phase, cut.

    Args:
        seed: of the step.
        films: how many.
        augment: the limits.
        phase: its ``size`` and ``side`` say how large a window is.

    Returns:
        ``places`` (B, 2, 3) from the network's to the film's coordinates (both -1..1), ``gamma`` (B,),
        ``contrast`` (B,).

    References:
        Paper A, section 1.2 (dossier 4.1 P5); crop and flips: paper B, section 2.4.2.
    """
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(key >> np.uint64(1)))
    drawing = draw(films, augment.limits(), generator)
    share = augment.crop or phase.size / phase.side
    corner = (torch.rand((films, 2), generator=generator) * 2 - 1) * (1 - share)
    linear, shift = drawing.places[:, :, :2], drawing.places[:, :, 2]
    places = torch.cat((linear * share, (linear @ corner[:, :, None]) + shift[:, :, None]), 2)
    for axis, wanted in enumerate((augment.flip_horizontal, augment.flip_vertical)):
        if wanted:  # a run without flips draws nothing more than it ever did
            places[:, :, axis] *= torch.randint(2, (films, 1), generator=generator) * 2 - 1
    return {"places": places, "gamma": drawing.gamma, "contrast": drawing.contrast}


def in_order(films: Examples, side: int, size: int, shard: Shard = Shard()) -> Iterator[Batch]:
    """All films once, unmoved, in batches.

    Args:
        films: to look at.
        side: which of the store's sizes.
        size: films per batch.
        shard: this device's part.

    Yields:
        batches of `Films.batch` with ``place`` (B,), the films' places.
    """
    places = shard.of(np.arange(len(films)))
    for start in range(0, len(places), size):
        which = places[start : start + size]
        yield {**films.batch(which, side), "place": torch.from_numpy(which)}
