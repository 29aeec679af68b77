"""How long an answer about a nodule and a training step take, and how much memory a scan costs.

Run from the repository root::

    OMP_NUM_THREADS=2 python benchmarks/nodules.py            the shipped network's shape
    OMP_NUM_THREADS=2 python benchmarks/nodules.py --base     ViT-B/32 with 49 slices as well

Times are milliseconds, least, median and largest of several runs after one that does not count: wall time, and processor
time of this process, which a busy machine disturbs less. Weights are random; they change no time. The scan is 300 slices of
512 x 512, written to a temporary folder and opened as a user would.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from _machine import machine
from konio.assess.nodules import NoduleAssessor, Place
from konio.io import Grid, open_ct, write_mhd
from konio.networks import BundleFacts
from konio.networks.balancing import BalancePlan, build_balance
from konio.networks.bundle import tasks_json
from konio.networks.nodule import NoduleNetwork, NodulePlan, build_nodule_network
from konio.networks.nodule_bundle import NODULE
from konio.networks.rated import RatedLoss, rated_losses
from konio.prepare.nodule import NodulePreparation
from konio.records import ModelStamp

GRID = Grid((300, 512, 512), (-180.0, -180.0, -300.0), (0.7, 0.7, 1.0))
AT = (0.0, 0.0, -150.0)


def timed(what: str, run: Callable[[], object], rounds: int) -> None:
    walls, cores = [], []
    for number in range(rounds + 1):
        wall, core = time.perf_counter(), time.process_time()
        run()
        if number:
            walls.append((time.perf_counter() - wall) * 1e3)
            cores.append((time.process_time() - core) * 1e3)
    for kind, values in (("wall", walls), ("processor", cores)):
        numbers = f"{min(values):9.0f}{statistics.median(values):9.0f}{max(values):9.0f}"
        print(f"  {what:52}{kind:10}{numbers}", flush=True)


def assessor(plan: NodulePlan, side: tuple[float, float, float], curve: bool) -> NoduleAssessor:
    network = build_nodule_network(plan, torch.Generator().manual_seed(1)).eval()
    preparation = NodulePreparation(plan.shape, side)
    facts = BundleFacts(
        "benchmark", NODULE, plan.to_json(), "Apache-2.0", "Timing.", tasks_json(plan.task_set)
    )
    stamp = ModelStamp("benchmark", "0" * 64, "", "float32 on cpu")
    return NoduleAssessor(facts, network.requires_grad_(False), preparation, "cpu", stamp, curve)


def step(network: NoduleNetwork, batch: int) -> Callable[[], object]:
    cubes = torch.randn(batch, *network.plan.shape)
    votes = {t.name: torch.full((batch, len(t)), 1 / len(t)) for t in network.tasks}
    labels = {t.name: torch.zeros(batch, dtype=torch.int64) for t in network.tasks}
    balance = build_balance(network.tasks.names, BalancePlan())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def run() -> None:
        losses, counts = rated_losses(
            network(cubes), votes, labels, network.tasks, RatedLoss("votes")
        )
        optimizer.zero_grad()
        balance.total(losses, counts).backward()
        optimizer.step()

    return run


def main(rounds: int, base: bool) -> None:
    print(machine("transformers"))
    small = NodulePlan(encoder="vit-small-stem", grid=4, patch=32)
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.mhd"
        write_mhd(scan, np.full(GRID.shape, -850, np.int16), GRID)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        volume = open_ct(scan)
        source = volume.source()
        for name, curve in (
            ("answer, attention, deletion curve", True),
            ("answer and attention", False),
        ):
            asked = assessor(small, (32.0, 32.0, 32.0), curve)
            timed(
                f"small network: {name}",
                lambda a=asked: a.examine_place(volume, Place(AT), source),
                rounds,
            )  # type: ignore[misc]
        if base:
            asked = assessor(NodulePlan(), (49.0, 32.0, 32.0), False)
            cube = torch.zeros(1, 49, 32, 32)
            with torch.no_grad():
                timed("ViT-B/32: forward pass alone", lambda: asked.network(cube), rounds)
            timed(
                "ViT-B/32: answer and attention",
                lambda: asked.examine_place(volume, Place(AT), source),
                rounds,
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"  peak memory {peak / 2**20:.2f} GiB, {before / 2**20:.2f} GiB before the scan was opened"
        )
    network = build_nodule_network(small, torch.Generator().manual_seed(1))
    timed("small network: training step of 32 cubes", step(network, 32), rounds)
    slices = NodulePlan(encoder="cnn-small", grid=6, patch=8, single=True)
    network = build_nodule_network(slices, torch.Generator().manual_seed(1))
    timed("one slice (cnn-small, 48 x 48): training step of 32", step(network, 32), rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--base", action="store_true", help="also measure ViT-B/32")
    given = parser.parse_args()
    main(given.rounds, given.base)
