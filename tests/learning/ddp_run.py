"""A training run on noise in one process or in several, as a program of its own: Lightning starts it again for each further one.

Run as ``python ddp_run.py OUT PROCESSES KIND``. Each process leaves ``OUT/process-N.safetensors``; the first one says ``step``
before each step.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import synthetic_run
import torch
from lightning.pytorch.utilities import rank_zero_only
from safetensors.torch import save_file

from konio.learning.fit import fit
from konio.learning.look import look
from konio.learning.recipe import Recipe


def recipe(processes: int, kind: str) -> Recipe:
    """``real``: all that training does. ``comparable``: nothing that depends on who else is in a process's part of a batch.

    Those are dropout, statistics of the batch, and labels of which one part has more than the other.
    """
    document: dict[str, Any] = synthetic_run.recipe().to_json()
    document["trainer"] |= {"devices": processes}
    phases: list[dict[str, Any]] = [
        {"size": 32, "film": 64, "epochs": 2, "batch": 4},
        {"size": 64, "epochs": 0.4, "batch": 4},
    ]
    if kind == "comparable":
        document["network"] |= {"dropout": 0.0, "auxiliary": False}
        document["optimizer"] |= {"name": "sgd", "lr": 1e-2}
        phases = [{"size": 64, "epochs": 2, "batch": 4, "statistics": "running"}]
    return synthetic_run.recipe(**{**document, "phases": phases})


def main(out: Path, processes: int, kind: str) -> None:
    torch.set_num_threads(1)
    run, network = synthetic_run.make_run(recipe(processes, kind))
    if kind == "comparable":
        known = np.maximum(run.train.labels, 0)
        run = dataclasses.replace(run, train=dataclasses.replace(run.train, labels=known))
    if rank_zero_only.rank == 0:
        synthetic_run.Telling.tell = staticmethod(lambda _: say("step"))
    fitted = fit(run, network, out)
    weights = {name: value.contiguous() for name, value in run_weights(network).items()}
    save_file(weights, out / f"process-{rank_zero_only.rank}.safetensors")
    if rank_zero_only.rank == 0:
        # What training told of the held-out films, and what the network that came of it says of them.
        side = run.timetable.legs[-1].phase.side
        answers = look(fitted.network, run.held_out, side, run.objective).numpy()
        found = run.objective.judge(answers, run.held_out.labels)
        (out / "scores.json").write_text(json.dumps({"told": fitted.scores, "found": found}))
        say(f"done {fitted.step} {fitted.finished}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What was trained; the statistics of the batches are each process's own."""
    return {name: value.detach().cpu() for name, value in network.named_parameters()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
