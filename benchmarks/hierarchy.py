"""What ten crops cost against one, and a training step of the two-level recipe.

    python benchmarks/hierarchy.py crops [--rounds N]     one film: ten crops against one, both levels
    python benchmarks/hierarchy.py step [--steps N]       steps of recipes/hierarchy.toml on random films

Both compare within one run, in turns, and print the least of the rounds, on the clock and as time of the processors: on a
machine that others work on too, only the second says what the work costs.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from konio.hierarchy import StagingPlan, build_staging
from konio.learning.recipe import Phase, read_recipe
from konio.networks.classifier import ClassifierPlan, build_classifier
from konio.prepare.crops import CropPlan

RECIPE = Path(__file__).parents[1] / "recipes" / "hierarchy.toml"


def machine() -> str:
    return (
        f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}"
    )


class Spent(NamedTuple):
    """Seconds on the clock and of the processors."""

    clock: float
    processors: float


def timed(work: Callable[[], object]) -> Spent:
    clock, processors = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - clock, time.process_time() - processors)


def least(rounds: list[Spent]) -> Spent:
    return Spent(min(r.clock for r in rounds), min(r.processors for r in rounds))


def crops(rounds: int) -> None:
    size = read_recipe(RECIPE).phases[-1].size
    levels = tuple(ClassifierPlan(classes, "densenet121") for classes in (2, 3))
    film = torch.rand(1, 1, 512, 512, generator=torch.Generator().manual_seed(0)) * 2 - 1
    forms = {
        ten: build_staging(
            StagingPlan(levels, CropPlan(0.8, ten=ten, size=size)), torch.Generator().manual_seed(1)
        ).eval()
        for ten in (False, True)
    }
    fast = [forms[False].level(number).fastest(size) for number in (1, 2)]

    def ask(ten: bool) -> None:
        for number, features in enumerate(fast, start=1):
            forms[ten].probabilities(number, film, features)

    for ten in (False, True):
        ask(ten)
    times: dict[bool, list[Spent]] = {False: [], True: []}
    for _ in range(rounds):
        for ten in (False, True):
            times[ten].append(timed(lambda ten=ten: ask(ten)))
    one, many = least(times[False]), least(times[True])
    print(f"both levels, crops of {size}, {rounds} rounds in turns:")
    for name in Spent._fields:
        a, b = getattr(one, name), getattr(many, name)
        print(f"  {name}: one {a:.3f} s, ten {b:.3f} s, ratio {b / a:.2f}")


def training_step(phase: Phase, backbone: str) -> Callable[[], None]:
    """One step of a phase, on films that are always the same."""
    network = build_classifier(ClassifierPlan(2, backbone)).train()
    network = network.to(memory_format=torch.channels_last)
    network.backbone.requires_grad_(not phase.heads)
    network.backbone.train(not phase.heads)
    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, fused=True)
    film = torch.rand(phase.batch, 1, phase.size, phase.size) * 2 - 1
    truth = torch.arange(phase.batch) % 2

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            cost = torch.nn.functional.cross_entropy(network(film), truth)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()

    return work


def step(steps: int) -> None:
    recipe = read_recipe(RECIPE)
    for phase in recipe.phases:
        work = training_step(phase, recipe.network.backbone)
        work()
        times = [timed(work) for _ in range(steps)]
        what = "heads alone" if phase.heads else "everything"
        spent = least(times)
        print(
            f"{what}, {phase.batch} films of {phase.size}: {spent.clock:.2f} s on the clock, "
            f"{spent.processors:.2f} s of the processors"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("crops", "step"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    crops(given.rounds) if given.what == "crops" else step(given.steps)


if __name__ == "__main__":
    main()
