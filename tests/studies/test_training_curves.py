"""Curves of a training from logs, also of one that was killed and went on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from konio.learning.recipe import parse_recipe
from konio.learning.timetable import lay_out
from konio.studies.training_curves import mean_curves, training_curve

RECIPE = parse_recipe({"name": "t", "phases": [{"size": 32, "epochs": 3, "batch": 4}]})
#: Eight films in batches of four: two steps an epoch.
TIMETABLE = lay_out(RECIPE, 8)


def log(folder: Path, begun: int, rows: list[str]) -> None:
    place = folder / "logs" / f"from-step-{begun:07d}" / "csv"
    place.mkdir(parents=True)
    head = "step,train/loss,validation/loss,validation/macro_recall"
    (place / "metrics.csv").write_text("\n".join([head, *rows]) + "\n")


def test_steps_become_epochs_and_the_look_at_an_epochs_end_belongs_to_it(tmp_path):
    log(tmp_path, 0, ["0,3,,", "1,2,,", "2,,1.5,0.25", "2,1,,", "3,2,,", "4,,1.25,0.5", "4,1,,", "6,,1,0.75"])  # fmt: skip
    found = training_curve(tmp_path, TIMETABLE)
    assert found == {
        "epoch": [1, 2, 3],
        "training": [2.5, 1.5, 1.0],
        "loss": [1.5, 1.25, 1.0],
        "macro_recall": [0.25, 0.5, 0.75],
    }


def test_what_a_later_start_did_again_counts_once(tmp_path):
    log(
        tmp_path, 0, ["0,3,,", "1,2,,", "2,,1.5,0.25", "2,9,,", "3,9,,"]
    )  # killed; its state was of step 2
    log(tmp_path, 2, ["2,1,,", "3,2,,", "4,,1.25,0.5", "4,1,,", "5,1,,", "6,,1,0.75"])
    found = training_curve(tmp_path, TIMETABLE)
    assert found["training"] == [2.5, 1.5, 1.0]
    assert found["macro_recall"] == [0.25, 0.5, 0.75]


def test_without_held_out_films_or_logs_there_is_less_and_no_error(tmp_path):
    assert training_curve(tmp_path, TIMETABLE) == {"epoch": [1, 2, 3], "training": [None] * 3}
    log(tmp_path, 0, ["0,3,,", "2,nan,,"])
    assert training_curve(tmp_path, TIMETABLE)["training"] == [3.0, None, None]


def test_several_trainings_have_a_mean_and_a_spread():
    curves = [{"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0]}, {"epoch": [1, 2, 3], "loss": [1.0, 2.0, None]}]  # fmt: skip
    epochs, mean, spread = mean_curves(curves, "loss")
    assert epochs.tolist() == [1, 2]
    assert mean.tolist() == [2, 2]
    assert spread == pytest.approx([np.sqrt(2), 0])
    assert mean_curves(curves[:1], "loss")[2].tolist() == [0, 0, 0]
    assert all(len(part) == 0 for part in mean_curves(curves, "macro_recall"))
