"""The estimate counts every training of the design and trains none of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.learning.made_up_nodules import write_slices

from konio.learning.nodule_sources import open_source
from konio.studies.nodules.design import MULTI
from konio.studies.nodules.estimate import estimate
from konio.studies.nodules.presets import PRESETS

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


def test_networks_and_steps_are_those_of_the_design(tmp_path: Path) -> None:
    preset = PRESETS["slices"]
    table = {**preset.recipe["nodule"], "encoder": "cnn-mini", "patch": 4, "hidden": 8}
    recipe = {**preset.recipe, "nodule": table, "phases": [{"epochs": 3, "batch": 6}]}
    recipe["trainer"] = {"accelerator": "cpu", "precision": "float32"}
    tiny = dataclasses.replace(
        preset,
        recipe=recipe,
        folds=2,
        seeds=(1,),
        more_seeds=(2,),
        singles=("malignancy", "margin"),
        ablations=("equal", "from-nothing"),
    )
    before = dict(tiny.recipe["nodule"])
    found = estimate(tiny, open_source(write_slices(tmp_path / "slices")))
    # Two folds: two seeds of all questions and of two single-task networks, equal weights, from nothing.
    assert found.trials == 2 * (2 + 2 * 2 + 1 + 1)
    # 12 of 24 nodules are learned from in each fold, two batches of six, three epochs.
    assert found.steps == 16 * 2 * 3
    assert set(found.paces) == {MULTI, "single-task", "equal"}
    assert all(pace.step > 0 and pace.view > 0 for pace in found.paces.values())
    assert found.core_hours > sum(found.paces["equal"].step for _ in range(8)) / 3600
    assert "16 networks, 96 steps" in "\n".join(found.lines())
    assert tiny.recipe["nodule"] == before
    assert not (tmp_path / "trials").exists()
