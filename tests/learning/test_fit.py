"""The state of a run is its weights and its step: killed and resumed, it ends in the same bits."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from konio.learning.checkpoint import SafetensorsIO
from konio.learning.module import TrainingModule
from konio.learning.views import view
from konio.tasks import MISSING

from . import synthetic_run

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)
PROGRAM = Path(synthetic_run.__file__)
STEPS = 10


def start(out):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(PROGRAM), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def stop_at(out, step, number):
    """Send a signal while a step is computed; returns the exit status and what was said."""
    with start(out) as program:
        for _ in range(step):
            assert program.stdout.readline() == "step\n"
        program.send_signal(number)
        rest = program.stdout.read()
    return program.returncode, rest


def finish(out):
    with start(out) as program:
        said = program.stdout.read().split("\n")
    assert said[-2] == f"done {STEPS} True"
    return SafetensorsIO().load_checkpoint(out / "state.safetensors"), said.count("step")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    state, steps = finish(tmp_path_factory.mktemp("whole"))
    assert steps == STEPS
    return state


def assert_same_bits(one, other):
    assert one["konio"] == other["konio"]
    assert one["state_dict"].keys() == other["state_dict"].keys()
    for name, value in one["state_dict"].items():
        assert torch.equal(value, other["state_dict"][name]), name
    moments, others = (s["optimizer_states"][0]["state"] for s in (one, other))
    for number, state in moments.items():
        for name, value in state.items():
            assert torch.equal(value, others[number][name]), (number, name)


@pytest.mark.timeout(600)
def test_a_run_says_its_own_progress_and_nothing_else(tmp_path):
    command = [sys.executable, str(PROGRAM), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""


@pytest.mark.timeout(600)
def test_killed_and_resumed_ends_in_the_same_bits(tmp_path, uninterrupted):
    step = 2 + secrets.randbelow(STEPS - 2)
    status, _ = stop_at(tmp_path, step, signal.SIGKILL)
    assert status == -signal.SIGKILL
    state, again = finish(tmp_path)
    assert_same_bits(uninterrupted, state)
    assert again < STEPS or step <= 4  # a state is saved every three steps and after every epoch


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_a_polite_stop_saves_the_step_and_ends_cleanly(tmp_path, uninterrupted, number):
    status, said = stop_at(tmp_path, 6, number)
    assert status == 0
    done = int(said.split("done ")[1].split()[0])
    assert 5 <= done < STEPS
    assert said.strip().endswith("False")
    state, again = finish(tmp_path)
    assert again == STEPS - done
    assert_same_bits(uninterrupted, state)


def test_a_finished_run_trains_no_further(tmp_path):
    first = synthetic_run.train(tmp_path)
    again = synthetic_run.train(tmp_path)
    assert first.finished
    assert again.finished
    assert again.step == STEPS
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name])


def test_logs_and_held_out_scores_are_there(tmp_path):
    fitted = synthetic_run.train(tmp_path)
    (log,) = (tmp_path / "logs").glob("*/csv/metrics.csv")
    header = log.read_text().splitlines()[0].split(",")
    assert {"train/loss", "train/stage", "train/lesions", "validation/stage/kappa"} <= set(header)
    assert list((tmp_path / "logs").glob("*/tensorboard/events*"))
    assert fitted.scores["differential/accuracy"] >= 0


def test_a_batch_without_a_single_stage_leaves_that_head_alone():
    recipe = synthetic_run.recipe(
        network={"backbone": "densenet-mini", "tasks": ["differential", "stage"], "hidden": 8},
        loss={"weighting": "paper"},
        phases=[{"size": 64, "batch": 4}],
    )
    run, network = synthetic_run.make_run(recipe)
    batch = run.train.batch(np.arange(4), 64)
    batch["labels"] = batch["labels"][:, :2].clone()
    batch["labels"][:, 1] = MISSING
    cost = run.objective.cost(
        network, view(batch, 64), batch["labels"], batch["has_lesions"], windowed=False
    )
    cost.total.backward()
    assert set(cost.parts) == {"differential"}
    assert all(p.grad is None for p in network.heads["stage"].parameters())
    assert all(p.grad is not None for p in network.heads["differential"].parameters())
    assert all(torch.isfinite(p.grad).all() for p in network.backbone.parameters())


def test_plateau_lowers_the_rate_and_survives_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_run.Telling, "judge", lambda *_: {"loss": 1.0})
    schedule = {"kind": "plateau", "patience": 0, "factor": 0.5}
    phases = [{"size": 32, "film": 64, "epochs": 4, "batch": 5}]
    recipe = synthetic_run.recipe(schedule=schedule, phases=phases)
    synthetic_run.train(tmp_path, recipe)
    state = SafetensorsIO().load_checkpoint(tmp_path / "state.safetensors")
    run, network = synthetic_run.make_run(recipe)
    module = TrainingModule(run, network)
    module.take_up(state)
    assert module.plateau.scale == state["konio"]["plateau"]["scale"] == 0.5**3
    (group,) = state["optimizer_states"][0]["param_groups"]
    assert group["lr"] == pytest.approx(1e-3 * 0.5**2)
