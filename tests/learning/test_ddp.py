"""Several devices share each batch: two processes on the CPU end in the same weights, and where nothing depends on the sharing,
in those of one process.

What depends on it: dropout is drawn for each device; a batch's statistics are those of a device's part; losses with missing
labels are means over the labels of a part. Without these, the mean of the parts' gradients is the batch's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from konio.learning.checkpoint import SafetensorsIO
from konio.learning.fit import _several
from konio.learning.recipe_run import TrainerTable

PROGRAM = Path(__file__).with_name("ddp_run.py")
STEPS = 12

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def start(out: Path, processes: int, kind: str) -> subprocess.Popen[str]:
    """The run's first process, which starts the other one."""
    words = [str(PROGRAM), str(out), str(processes), kind]
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(out: Path, processes: int, kind: str) -> list[str]:
    with start(out, processes, kind) as program:
        assert program.stdout is not None
        said = program.stdout.read().split("\n")
    assert program.returncode == 0, said
    return said


def weights(out: Path, process: int = 0) -> dict[str, torch.Tensor]:
    return load_file(out / f"process-{process}.safetensors")


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes from its first step to its last."""
    out = tmp_path_factory.mktemp("whole")
    said = run(out, 2, "real")
    assert said.count("step") == STEPS
    assert said[-2] == f"done {STEPS} True"
    return out


def test_both_processes_have_the_same_weights(whole: Path) -> None:
    assert_equal(weights(whole, 0), weights(whole, 1))


def test_both_look_at_the_held_out_films_with_the_network_that_is_kept(whole: Path) -> None:
    """Statistics of batches are each process's own; only the first one's are kept."""
    scores = json.loads((whole / "scores.json").read_text())
    assert scores["told"] == pytest.approx(scores["found"], rel=1e-5)


def test_stopped_and_resumed_it_ends_in_the_same_bits(tmp_path: Path, whole: Path) -> None:
    with start(tmp_path, 2, "real") as program:
        assert program.stdout is not None
        for _ in range(7):
            assert program.stdout.readline() == "step\n"
        program.send_signal(
            signal.SIGINT
        )  # to the first process alone: the other has to hear of it
        rest = program.stdout.read()
    assert program.returncode == 0
    assert rest.strip().endswith("False")
    assert run(tmp_path, 2, "real")[-2] == f"done {STEPS} True"
    assert_equal(weights(whole), weights(tmp_path))
    states = [SafetensorsIO().load_checkpoint(o / "state.safetensors") for o in (whole, tmp_path)]
    assert states[0]["konio"] == states[1]["konio"]  # scores of the held-out films among it
    assert_equal(states[0]["state_dict"], states[1]["state_dict"])


def test_where_nothing_depends_on_the_sharing_two_processes_do_what_one_does(
    tmp_path: Path,
) -> None:
    for processes in (1, 2):
        run(tmp_path / str(processes), processes, "comparable")
    one, two = (weights(tmp_path / str(processes)) for processes in (1, 2))
    moved = 0.0
    for name, value in one.items():
        # The order of summation differs, and nothing else.
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6, msg=name)
        moved = max(moved, float(value.abs().max()))
    assert moved > 0


@pytest.mark.parametrize(
    ("devices", "several"), [(1, False), (2, True), ("0,1", True), ("0,", False), ("auto", False)]
)
def test_what_counts_as_several_devices(devices: int | str, several: bool) -> None:
    assert _several(TrainerTable(accelerator="cpu", devices=devices)) is several
