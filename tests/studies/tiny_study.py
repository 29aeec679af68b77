"""The smallest multi-task study on noise: no film is read, networks train for a second.

Run as ``python tiny_study.py OUT`` it lays the study down, carries it out in one process of the local engine and
writes its page, so that a test can kill it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from konio.cohort import Cohort, write_cohort
from konio.engine import LocalEngine
from konio.engine.contract import attempt, outcome
from konio.features.texture import texture_names
from konio.learning.store import READY, Store, read_store
from konio.records import Case
from konio.studies.multitask import record
from konio.studies.multitask.cohorts import Films
from konio.studies.multitask.design import Laid
from konio.studies.multitask.experiment import Ask, carry_out
from konio.studies.multitask.parts import divide, write_parts
from konio.studies.multitask.presets import Preset
from konio.studies.multitask.pretraining import Pretraining
from konio.studies.multitask.trial import PREPARED, TEXTURE

SIDE = 32
FILMS = 60
WAYS = (("healthy", None), ("tuberculosis", None), *(("dust", s) for s in ("0", "I", "II", "III")))

TINY = Preset(
    name="tiny",
    about="Noise.",
    about_zh="噪声。",
    recipe={
        "network": {"backbone": "densenet-mini", "hidden": 8},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "trainer": {"accelerator": "cpu", "precision": "float32", "checkpoint_steps": 2},
        "phases": [{"size": SIDE, "epochs": 1, "batch": 8}],
    },
    folds=2,
    dropouts=(0.25, 0.5),
    seeds=1,
    test_fraction=0.2,
    inner=0.25,
)


class Here:
    """An engine in this very process, one item after the other on one thread, as `main` gives its worker one."""

    workers = 1

    def run(self, function: str, items: Any) -> Any:
        for position, item in enumerate(items):
            with one_thread():
                said = outcome(attempt(function, item))
            yield position, said


@contextmanager
def one_thread() -> Iterator[None]:
    """Another number of threads adds in another order, and the last digits differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def cohort(root: Path, films: int = FILMS, person: Callable[[int], str] = str) -> Cohort:
    """So many cases, the six ways in turn, nobody's files there."""
    cases = (
        Case(
            path=str(root / f"film-{n}.dcm"),
            patient_id=f"P{person(n)}",
            labels={"differential": WAYS[n % 6][0], "stage": WAYS[n % 6][1]},
            covariates={"sex": "male" if n % 3 else "female"},
        )
        for n in range(films)
    )
    return Cohort(tuple(cases), root)


def noise(films: int = FILMS, seed: int = 0) -> NDArray[np.uint8]:
    """Different pixels for every film."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (films, SIDE, SIDE), dtype=np.uint8)


def write_store(folder: Path, images: NDArray[np.uint8]) -> Store:
    """Prepared films without films."""
    folder.mkdir(parents=True, exist_ok=True)
    films, points = len(images), SIDE // 4
    zones = np.random.default_rng(1).integers(0, 7, (films, points, points), dtype=np.uint8)
    status = np.zeros((films, 2), np.uint8)
    status[:, 0] = READY
    tables = {
        f"images-{SIDE}": images,
        "zones": zones,
        "lesions": np.zeros((films, 3, points, points), np.uint8),
        "status": status,
    }
    for name, table in tables.items():
        np.save(folder / f"{name}.npy", table, allow_pickle=False)
    return read_store(folder, [SIDE])


SKIPPED = Pretraining("skipped", "random", None, comparable=False)


def lay(
    out: Path,
    images: NDArray[np.uint8] | None = None,
    preset: Preset = TINY,
    pretraining: Pretraining = SKIPPED,
) -> Laid:
    """What `konio.studies.multitask.experiment.lay_down` lays down, without films."""
    out.mkdir(parents=True, exist_ok=True)
    own = cohort(out)
    store = write_store(out / PREPARED, noise() if images is None else images)
    parts = divide(own, len(own), store, preset)
    write_parts(out, parts)
    write_cohort(own, out / "cohort.csv")
    films = Films(own, len(own), "noise", made_up=True)
    record.write_cases(out, films, store, parts)
    table = np.random.default_rng(2).normal(size=(FILMS, len(texture_names())))
    table[:, 0] += store.images[SIDE].mean(axis=(1, 2))
    np.save(out / TEXTURE, table, allow_pickle=False)
    record.begin(out, films, store, parts, pretraining, preset, "tiny")
    return Laid(preset, parts, "tiny", pretraining.weights)


def main() -> None:
    out = Path(sys.argv[1])
    # One thread, as the test itself has: another number of threads adds in another order.
    carry_out(out, lay(out), Ask(TINY), LocalEngine(1, cores=1))


if __name__ == "__main__":
    main()
