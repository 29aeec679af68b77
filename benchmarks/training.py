"""How much of a training step is spent on anything but the network.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/training.py

The same step (forward, losses, backward, clipped AdamW) is timed twice: on batches from prepared films on disk, moved,
toned and cut as in training, and on one batch of random tensors that is already where the network wants it. The two take
turns, so that a busy machine disturbs both alike. The figure is the second time divided by the first; 1 means that films
cost nothing. The films are noise: preparing and moving them takes as long as for any others.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from _machine import machine
from konio.learning.batches import Batch, Films, LegLoader
from konio.learning.objective import Questions
from konio.learning.recipe import Recipe, parse_recipe, read_recipe
from konio.learning.store import Store
from konio.learning.timetable import lay_out
from konio.learning.views import View, view
from konio.networks import build_network, fastest_dtype

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "konio-radiograph.toml"
FILMS = 64


def noise_store(folder: Path, side: int) -> Store:
    """Prepared films of noise on disk, mapped as in training."""
    rng = np.random.default_rng(0)
    points = side // 4
    tables = {
        "images": rng.integers(0, 256, (FILMS, side, side), dtype=np.uint8),
        "zones": rng.integers(0, 7, (FILMS, points, points), dtype=np.uint8),
        "lesions": rng.integers(0, 256, (FILMS, 3, points, points), dtype=np.uint8),
    }
    for name, table in tables.items():
        np.save(folder / f"{name}.npy", table)
    mapped = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in tables}
    return Store(
        folder, {side: mapped["images"]}, mapped["zones"], mapped["lesions"],
        np.ones(FILMS, bool), np.ones(FILMS, bool), {},
    )  # fmt: skip


def batches(recipe: Recipe, store: Store) -> Iterator[Batch]:
    rng = np.random.default_rng(1)
    labels = np.stack([rng.integers(0, 2, FILMS) for _ in recipe.network.tasks], axis=1)
    films = Films(store, np.arange(FILMS), labels)
    table = lay_out(recipe, FILMS)
    while True:
        yield from LegLoader(films, table, table.legs[0], 0, recipe.augment)


def stepper(recipe: Recipe) -> Callable[[View, Batch], None]:
    network = build_network(recipe.network.plan()).to(memory_format=torch.channels_last)
    objective = Questions(network.tasks, recipe.loss.plan())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    half = fastest_dtype() == torch.bfloat16

    def step(seen: View, batch: Batch) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            cost = objective.cost(
                network, seen, batch["labels"], batch["has_lesions"], windowed=False
            )
        cost.total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def channels_last(seen: View) -> View:
    image = seen.image.contiguous(memory_format=torch.channels_last)
    return View(image, seen.zones, seen.lesions, seen.seen)


def measure(recipe: Recipe, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a step on films, and of the same step on random tensors."""
    size = recipe.phases[0].size
    with tempfile.TemporaryDirectory() as folder:
        films = batches(recipe, noise_store(Path(folder), recipe.phases[0].side))
        step = stepper(recipe)
        ready = next(films)
        like = channels_last(view(ready, size))
        random = View(torch.rand_like(like.image) * 2 - 1, like.zones, like.lesions, like.seen)
        on_films, on_random = [], []
        for number in range(rounds + 1):
            start = time.perf_counter()
            batch = next(films)
            step(channels_last(view(batch, size)), batch)
            middle = time.perf_counter()
            step(random, ready)
            if number:  # the first warms up
                on_films.append(middle - start)
                on_random.append(time.perf_counter() - middle)
    return on_films, on_random


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=16)
    given = parser.parse_args()
    print(machine())
    base = read_recipe(RECIPE).to_json()
    for size, film in ((256, 512), (512, 512)):
        phase = {"size": size, "film": film, "batch": given.batch}
        on_films, on_random = measure(parse_recipe({**base, "phases": [phase]}), given.rounds)
        share = [r / f for f, r in zip(on_films, on_random, strict=True)]
        print(
            f"{size} of {film}, batch {given.batch}: step on films {statistics.median(on_films):.3f} s "
            f"({min(on_films):.3f} to {max(on_films):.3f}), on random tensors "
            f"{statistics.median(on_random):.3f} s ({min(on_random):.3f} to {max(on_random):.3f}); "
            f"speed kept {min(on_random) / min(on_films):.1%} by the least times, "
            f"{statistics.median(share):.1%} by the median of pairs"
        )


if __name__ == "__main__":
    main()
