"""What ten crops cost against one, how sharing their first layers moves the answers, and a training step of the recipe.

    python benchmarks/hierarchy.py crops [--rounds N]     one film: ten crops against one, both levels
    python benchmarks/hierarchy.py agreement COHORT       a finished model with and without shared first layers
    python benchmarks/hierarchy.py step [--steps N]       steps of recipes/hierarchy.toml on random films

Times are compared within one run, in turns; the least of the rounds is printed, on the clock and as time of the processors: on a
machine that others work on too, only the second says what the work costs.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import konio
from _machine import machine
from konio.cohort import read_cohort
from konio.hierarchy import StagingPlan, build_staging, read_staging
from konio.hierarchy.network import FastLevel
from konio.io import read
from konio.learning.recipe import Phase, read_recipe
from konio.networks import find_bundle, read_bundle
from konio.networks.classifier import ClassifierPlan, build_classifier
from konio.prepare import Preparation, prepare_film
from konio.prepare.crops import CropPlan

RECIPE = Path(__file__).parents[1] / "recipes" / "hierarchy.toml"


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
    plans = {
        "one crop": CropPlan(0.8, ten=False, size=size),
        "ten crops": CropPlan(0.8, size=size),
        "ten crops, first layers shared": CropPlan(0.8, size=size, shared=True),
    }
    forms = {
        name: build_staging(StagingPlan(levels, plan), torch.Generator().manual_seed(1)).eval()
        for name, plan in plans.items()
    }
    fast = [forms["one crop"].level(number).fastest(size) for number in (1, 2)]

    def ask(name: str) -> None:
        for number, features in enumerate(fast, start=1):
            forms[name].probabilities(number, film, features)

    for name in plans:
        ask(name)
    times: dict[str, list[Spent]] = {name: [] for name in plans}
    for _ in range(rounds):
        for name in plans:
            times[name].append(timed(lambda name=name: ask(name)))
    best = {name: least(spent) for name, spent in times.items()}
    one = best["one crop"]
    print(f"both levels, crops of {size}, {rounds} rounds in turns, the least of each:")
    for name, spent in best.items():
        ratios = ", ".join(
            f"{part} {getattr(spent, part):.3f} s, {getattr(spent, part) / getattr(one, part):.2f} times one crop"
            for part in Spent._fields
        )
        print(f"  {name}: {ratios}")


def agreement(model: str, cohort: Path, count: int) -> None:
    bundle = read_bundle(find_bundle(model))
    network = read_staging(bundle).network
    preparation = Preparation.from_json(bundle.facts.preprocessing)
    assessor = konio.load(model)
    plans = [dataclasses.replace(network.plan.crops, shared=shared) for shared in (False, True)]
    side = plans[0].crops(preparation.size)[0].side
    levels = [FastLevel.of(network.level(n), side) for n in range(1, len(network.levels) + 1)]
    moved, same = list[float](), 0
    cases = list(read_cohort(cohort))[:count]
    for case in cases:
        film = read(case.path)
        lungs = assessor.modality.locate(film, assessor.locator)
        image = prepare_film(film, lungs, preparation).image[None]
        with torch.no_grad():
            said = [[plan.merge(level.over(image, plan))[0] for level in levels] for plan in plans]
        pairs = list(zip(*said, strict=True))
        moved.append(max(float((own - shared).abs().max()) for own, shared in pairs))
        same += all(bool(own.argmax() == shared.argmax()) for own, shared in pairs)
    print(
        f"{model} {bundle.weights_sha256[:12]}, {len(cases)} films: the largest change of a probability is "
        f"{np.median(moved):.4f} (median), {max(moved):.4f} (most); every level names the same class in {same}"
    )


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
    parser.add_argument("what", choices=("crops", "step", "agreement"))
    parser.add_argument("cohort", type=Path, nargs="?")
    parser.add_argument("--model", default="konio-hierarchy")
    parser.add_argument("--films", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    if given.what == "agreement":
        if given.cohort is None:
            parser.error("agreement needs a cohort.csv")
        agreement(given.model, given.cohort, given.films)
    elif given.what == "crops":
        crops(given.rounds)
    else:
        step(given.steps)


if __name__ == "__main__":
    main()
