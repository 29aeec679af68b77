"""A training run on noise, as a program of its own so that a test can kill it.

Run as ``python synthetic_run.py OUT``; it says ``step N`` on standard output before each step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from konio.learning.batches import Films
from konio.learning.fit import Fitted, fit
from konio.learning.module import Run
from konio.learning.objective import Cost, Questions
from konio.learning.recipe import Recipe, parse_recipe
from konio.learning.store import Store
from konio.learning.timetable import lay_out
from konio.networks import build_network

FILMS, HELD_OUT = 20, 6
TASKS = ["differential", "stage", "zone_ru", "zone_ll"]


def recipe(**changes: Any) -> Recipe:
    """Ten steps: two epochs of windows, then one of whole films."""
    document: dict[str, Any] = {
        "name": "synthetic",
        "network": {
            "backbone": "densenet-mini",
            "tasks": TASKS,
            "hidden": 8,
            "dropout": 0.5,
            "pooling": "global+zones",
            "auxiliary": True,
        },
        "loss": {"weighting": "plain_sum", "ordinal_spread": 0.7},
        "optimizer": {"name": "adamw", "lr": 1e-3, "clip": 1.0},
        "schedule": {"kind": "one-cycle"},
        "trainer": {
            "accelerator": "cpu",
            "precision": "float32",
            "ema": 0.9,
            "checkpoint_steps": 3,
        },
        "phases": [
            {"size": 32, "film": 64, "epochs": 2, "batch": 5},
            {"size": 64, "epochs": 0.5, "batch": 5},
        ],
    }
    return parse_recipe(document | changes)


def store(films: int = FILMS + HELD_OUT, side: int = 64) -> Store:
    """Noise with zones and lesions, the same every time."""
    rng = np.random.default_rng(0)
    points = side // 4
    return Store(
        folder=Path(),
        images={side: rng.integers(0, 256, (films, side, side), dtype=np.uint8)},
        zones=rng.integers(0, 7, (films, points, points), dtype=np.uint8),
        lesions=rng.integers(0, 256, (films, 3, points, points), dtype=np.uint8),
        has_lesions=rng.random(films) < 0.7,
        ready=np.ones(films, bool),
        refusals={},
    )


def labels(films: int) -> np.ndarray[Any, Any]:
    """Some labels are missing, as in life."""
    rng = np.random.default_rng(1)
    return np.stack(
        [rng.integers(low, high, films) for low, high in ((0, 3), (-1, 4), (-1, 12), (-1, 12))], 1
    )


class Telling(Questions):
    """Says the step before it is done."""

    tell: Callable[[int], None] = staticmethod(lambda step: None)

    def cost(self, *arguments: Any, **options: Any) -> Cost:
        Telling.tell(0)
        return super().cost(*arguments, **options)


def make_run(done: Recipe) -> tuple[Run, torch.nn.Module]:
    films = store()
    known = labels(FILMS + HELD_OUT)
    train = Films(films, np.arange(FILMS), known[:FILMS])
    held_out = Films(films, np.arange(FILMS, FILMS + HELD_OUT), known[FILMS:])
    plan = done.network.plan()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(plan, torch.Generator().manual_seed(0))
    objective = Telling(plan.task_set, done.loss.plan())
    return Run(done, lay_out(done, FILMS), train, held_out, objective), network


def train(out: Path, done: Recipe | None = None) -> Fitted:
    """Train in this process."""
    torch.set_num_threads(1)
    run, network = make_run(done or recipe())
    return fit(run, network, out)


def main() -> None:
    def tell(_: int) -> None:
        sys.stdout.write("step\n")
        sys.stdout.flush()

    Telling.tell = staticmethod(tell)
    fitted = train(Path(sys.argv[1]))
    sys.stdout.write(f"done {fitted.step} {fitted.finished}\n")


if __name__ == "__main__":
    main()
