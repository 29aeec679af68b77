"""`konio train` on several devices: the processes that Lightning starts beside the first one train with it and leave the rest to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from konio.cohort.made_up import write_phantom_cohort
from konio.errors import UsageError
from konio.learning import fit, parse_recipe
from konio.learning.training import RUN, claim
from konio.networks import read_bundle

RECIPE = """
name = "shared"
[network]
backbone = "densenet-mini"
tasks = ["differential", "stage"]
hidden = 8
[validation]
fraction = 0.34
[trainer]
accelerator = "cpu"
devices = 2
precision = "float32"
ema = 0.9
[heads]
epochs = 1
[[phases]]
size = 64
batch = 2
epochs = 2
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_train_and_one_writes_the_bundle(tmp_path: Path) -> None:
    wishes = {"healthy": 1.0, "tuberculosis": 1.0, "dust-II": 1.0}
    write_phantom_cohort(tmp_path / "films", 9, 3, 256, wishes)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    out = tmp_path / "run"
    words = ["--cohort", tmp_path / "films" / "cohort.csv", "--recipe", tmp_path / "recipe.toml"]
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "konio.learning",
            *map(str, words),
            "--out",
            str(out),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out / 'bundle'}\n"  # said once
    assert done.stderr.count("step 6/6") <= 1
    assert read_bundle(out / "bundle").facts.cohort["trained_on"] == 6


def test_a_further_process_neither_refuses_nor_makes_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = parse_recipe({"name": "shared", "phases": [{"size": 64}]})
    monkeypatch.setattr(fit.rank_zero_only, "rank", 1)
    assert claim(tmp_path, recipe, "ab", tmp_path / "bundle", resume=False) is None
    assert not (tmp_path / RUN).exists()
    monkeypatch.setattr(fit.rank_zero_only, "rank", 0)
    assert claim(tmp_path, recipe, "ab", tmp_path / "bundle", resume=False) is None
    assert json.loads((tmp_path / RUN).read_text())["cohort"] == "ab"
    with pytest.raises(UsageError, match="--resume"):
        claim(tmp_path, recipe, "ab", tmp_path / "bundle", resume=False)
    monkeypatch.setattr(fit.rank_zero_only, "rank", 1)
    assert claim(tmp_path, recipe, "ab", tmp_path / "bundle", resume=False) is None
