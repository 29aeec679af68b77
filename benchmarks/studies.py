"""The runner of studies: does time grow with the trials, does memory stay flat, what does Ray cost?

``python benchmarks/studies.py scale``   twice the trials, twice the time
``python benchmarks/studies.py memory``  a hundred trials in one process after the other
``python benchmarks/studies.py ray``     two Ray workers against two local ones

The trials train the tiny network of the smoke preset on noise, for real: steps, looks, predictions on disk.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from _machine import machine
from konio.cohort import Cohort
from konio.engine import Engine, LocalEngine, RayEngine
from konio.learning.store import READY, read_store
from konio.records import Case
from konio.studies.multitask.design import Laid, cross_validation
from konio.studies.multitask.parts import divide, write_parts
from konio.studies.multitask.presets import PAPER_GROUPS, PRESETS, Preset
from konio.studies.multitask.trial import PREPARED
from konio.studies.runner import Study, run_study

FILMS = 240
SIDE = 64
WAYS = (("healthy", None), ("tuberculosis", None), *(("dust", s) for s in ("0", "I", "II", "III")))


def laid_down(out: Path, epochs: float) -> Laid:
    """A study of noise: the smoke preset's network, longer."""
    smoke = PRESETS["smoke"]
    phases = [{"size": SIDE, "epochs": epochs, "batch": 16}]
    chosen: Preset = dataclasses.replace(
        smoke, groups=PAPER_GROUPS[:1], folds=2, recipe={**smoke.recipe, "phases": phases}
    )
    cases = tuple(
        Case(str(out / f"{n}.dcm"), f"P{n}", dict(zip(("differential", "stage"), WAYS[n % 6], strict=True)))
        for n in range(FILMS)
    )  # fmt: skip
    rng = np.random.default_rng(0)
    points = SIDE // 4
    (out / PREPARED).mkdir(parents=True)
    tables = {
        f"images-{SIDE}": rng.integers(0, 256, (FILMS, SIDE, SIDE), dtype=np.uint8),
        "zones": rng.integers(0, 7, (FILMS, points, points), dtype=np.uint8),
        "lesions": np.zeros((FILMS, 3, points, points), np.uint8),
        "status": np.array([[READY, 0]] * FILMS, np.uint8),
    }
    for name, table in tables.items():
        np.save(out / PREPARED / f"{name}.npy", table, allow_pickle=False)
    parts = divide(Cohort(cases, out), FILMS, read_store(out / PREPARED, [SIDE]), chosen)
    write_parts(out, parts)
    return Laid(chosen, parts, "benchmark", None)


def trials(laid: Laid, count: int) -> Study:
    """So many trials of the same work, each with a seed of its own."""
    study = cross_validation(laid)
    model = next(trial for trial in study.trials if trial.settings["recipe"] is not None)
    made = (
        dataclasses.replace(model, name=f"t-{n:03d}", settings={**model.settings, "seed": n + 1})
        for n in range(count)
    )
    return dataclasses.replace(study, trials=tuple(made))


def timed(engine: Engine, count: int, epochs: float) -> float:
    """Wall-clock seconds of a fresh study."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        laid = laid_down(out, epochs)
        begun = time.perf_counter()
        done = run_study(trials(laid, count), out, engine)
        took = time.perf_counter() - begun
        assert len(done) == count
    return took


def scale(given: argparse.Namespace) -> None:
    """The start of the workers is the same for both, so that it is told apart."""
    ratios = []
    for turn in range(given.rounds):
        one = timed(LocalEngine(given.workers), given.trials, given.epochs)
        two = timed(LocalEngine(given.workers), 2 * given.trials, given.epochs)
        start = timed(LocalEngine(given.workers), given.workers, 0.01)
        ratios.append((two - start) / (one - start))
        print(
            f"  round {turn + 1}: {given.trials} trials {one:.1f} s, {2 * given.trials} trials {two:.1f} s, "
            f"start alone {start:.1f} s: {two / one:.3f} times, without the start {ratios[-1]:.3f} times"
        )
    print(f"  median without the start {statistics.median(ratios):.3f} (wanted: 1.8 to 2.2)")


def memory(given: argparse.Namespace) -> None:
    """Resident memory of this process and its workers, after every tenth trial."""
    engine = LocalEngine(1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        laid = laid_down(out, 1)
        seen: list[tuple[int, float, float]] = []

        def look(now: object) -> None:
            done = getattr(now, "done", 0)
            own = psutil.Process()
            children = sum(child.memory_info().rss for child in own.children(recursive=True))
            seen.append((done, own.memory_info().rss / 2**20, children / 2**20))
            if done and done % 10 == 0:
                _, mine, theirs = seen[-1]
                print(
                    f"  {done:4d} trials: runner {mine:6.0f} MiB, worker {theirs:6.0f} MiB",
                    flush=True,
                )

        run_study(trials(laid, given.trials), out, engine, look)
    settled = [children for done, _, children in seen if done >= 10]
    growth = (settled[-1] - settled[0]) / settled[0]
    print(f"  from the 10th to the last: worker {growth:+.1%}")


def ray(given: argparse.Namespace) -> None:
    """Both engines in turn; Ray's own start is not counted, its workers' is."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray")
    os.environ["RAY_TMPDIR"] = folder
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=1)
    engine = RayEngine(cluster.address)
    losses = []
    for turn in range(given.rounds):
        local = timed(LocalEngine(2), given.trials, given.epochs)
        spread = timed(engine, given.trials, given.epochs)
        losses.append(spread / local - 1)
        print(
            f"  round {turn + 1}: local {local:.1f} s, Ray {spread:.1f} s, loss {losses[-1]:+.1%}"
        )
    print(f"  median loss {statistics.median(losses):+.1%} (wanted: at most +15 %)")
    engine.close()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("scale", "memory", "ray"))
    parser.add_argument("--trials", type=int, default=0, help="20; memory: 100")
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    given.trials = given.trials or {"memory": 100}.get(given.what, 20)
    print(machine(*(["ray"] if given.what == "ray" else []), network=True))
    {"scale": scale, "memory": memory, "ray": ray}[given.what](given)


if __name__ == "__main__":
    main()
