"""The whole run laid out before it starts: which epoch, which films and which learning rate at every step.

Everything here is a function of the recipe and the step number. That is why a run that was killed can go on
in the middle of an epoch and still end in the same weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konio.learning.recipe import Phase, Recipe, ScheduleTable


@dataclass(frozen=True, slots=True)
class Leg:
    """One epoch, or the begun last one, of a phase.

    Args:
        number: epoch over the whole run, from 0; with the seed it decides order and augmentation.
        phase: the phase it belongs to.
        first: step over the whole run at which it begins.
        steps: how many steps it has.
        phase_steps: first step of its phase and first step behind it.
    """

    number: int
    phase: Phase
    first: int
    steps: int
    phase_steps: tuple[int, int]

    @property
    def end(self) -> int:
        """Step at which the next leg begins."""
        return self.first + self.steps

    @property
    def pixels(self) -> int:
        """Pixels the network sees in one step; forward and back count thrice the way forward alone."""
        passes = 1 if self.phase.heads else 3
        return self.phase.batch * self.phase.size**2 * passes


@dataclass(frozen=True, slots=True)
class Timetable:
    """All legs of a run.

    Args:
        legs: in order, without gaps.
        schedule: how the learning rate moves.
        seed: of the recipe.
        films: number of training films.
    """

    legs: tuple[Leg, ...]
    schedule: ScheduleTable
    seed: int
    films: int

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.legs[-1].end

    def leg_at(self, step: int) -> Leg:
        """The leg that holds a step."""
        return next(leg for leg in self.legs if step < leg.end)

    def remaining(self, step: int) -> tuple[Leg, ...]:
        """Legs that are not finished at a step."""
        return tuple(leg for leg in self.legs if leg.end > step)

    def pixels_left(self, step: int) -> int:
        """Pixels still to be seen: what the time left is proportional to."""
        return sum((leg.end - max(leg.first, step)) * leg.pixels for leg in self.remaining(step))

    def rate(self, step: int) -> float:
        """Learning rate at a step as a share of the optimiser's (a plateau's factor comes on top)."""
        leg = self.leg_at(step)
        if self.schedule.kind == "step":
            return leg.phase.lr * self.schedule.factor ** (leg.number // self.schedule.every)
        if self.schedule.kind not in ("one-cycle", "cycle-per-phase"):
            return leg.phase.lr
        first, end = (0, self.steps) if self.schedule.kind == "one-cycle" else leg.phase_steps
        done = (step - first) / (end - first)
        return leg.phase.lr * _one_cycle(done, self.schedule.warmup, self.schedule.final)

    def films_of(self, step: int) -> NDArray[np.int64]:
        """Which training films the step sees, ``(batch,)`` positions 0..films-1.

        Each epoch has an order of its own, drawn from seed and epoch; a last batch that would be smaller
        than the others is left out unless it is the only one.
        """
        leg = self.leg_at(step)
        order = np.random.default_rng([self.seed, leg.number, 0]).permutation(self.films)
        start = (step - leg.first) * leg.phase.batch
        return order[start : start + leg.phase.batch]


def lay_out(recipe: Recipe, films: int) -> Timetable:
    """The timetable of a recipe on so many training films.

    Examples:
        >>> from konio.learning.recipe import parse_recipe
        >>> table = lay_out(parse_recipe({"name": "t", "phases": [{"size": 64, "epochs": 1.5}]}), films=64)
        >>> [(leg.first, leg.steps) for leg in table.legs]
        [(0, 4), (4, 2)]
    """
    legs: list[Leg] = []
    step = 0
    for phase in recipe.phases:
        whole = max(1, films // phase.batch)
        left = max(1, round(phase.epochs * whole))
        span = (step, step + left)
        while left:
            steps = min(whole, left)
            legs.append(Leg(len(legs), phase, step, steps, span))
            step += steps
            left -= steps
    return Timetable(tuple(legs), recipe.schedule, recipe.seed, films)


def _one_cycle(done: float, warmup: float, final: float) -> float:
    """Up on a cosine from 1/25 to 1, then down on a cosine to ``final`` (Smith and Topin, 2019)."""
    if done < warmup:
        return _cosine(1 / 25, 1.0, done / warmup)
    return _cosine(1.0, final, (done - warmup) / (1 - warmup))


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


@dataclass(slots=True)
class Plateau:
    """Learning-rate factor that falls when the validation loss stops falling (paper A, P8).

    Args:
        factor: by which it falls.
        patience: looks without a better loss before it falls.
        best: lowest loss so far.
        waited: looks since then.
        scale: the factor now.

    Examples:
        >>> plateau = Plateau(factor=0.1, patience=1)
        >>> [plateau.look(loss) for loss in (1.0, 1.1, 1.2)]
        [1.0, 1.0, 0.1]
    """

    factor: float
    patience: int
    best: float = math.inf
    waited: int = 0
    scale: float = 1.0

    def look(self, loss: float) -> float:
        """Take one validation loss; the factor from now on."""
        if loss < self.best * (1 - 1e-4):
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.scale *= self.factor
            self.waited = 0
        return self.scale
