"""The study on a folder of LUNA16 as it is unpacked: cubes of its scans, folds by patient."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.nodules.luna_made_up import write_database, write_luna16

from konio.learning.nodule_sources import open_source
from konio.studies.nodules.design import MULTI
from konio.studies.nodules.experiment import Ask, design_study
from konio.studies.nodules.trial import run_trial

from .test_study import tiny

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


def test_networks_learn_from_the_scans_of_luna16(tmp_path: Path) -> None:
    luna = write_luna16(tmp_path / "LUNA16", scans=7, unpacked=6)
    write_database(luna, scans=7)
    plain = tiny()
    table = {**plain.recipe["nodule"], "single": False, "grid": 2, "patch": 8, "side_mm": [8, 8, 8], "encoder": "vit-mini-stem"}  # fmt: skip
    preset = dataclasses.replace(plain, recipe={**plain.recipe, "nodule": table}, ablations=())
    held = open_source(luna)
    study = design_study(Ask(preset, source=luna), held, luna)
    trials = [each for each in study.trials if each.settings["group"] == MULTI]
    assert len(trials) == 2
    answered: list[int] = []
    patients = []
    for trial in trials:
        folder = tmp_path / "out" / "trials" / trial.name
        folder.mkdir(parents=True)
        result = run_trial(trial.settings, folder)
        assert result["nodules"]["measured"] > 0 and result["steps"] > 0
        with np.load(folder / "predictions.npz", allow_pickle=False) as kept:
            own = kept["position"].tolist()
        answered += own
        patients.append({held.readings.patients[row] for row in own})
    # Of each scan the nodule that four people read is answered once; two scans are of one patient.
    assert sorted(answered) == [0, 2, 4, 6, 8, 10] and not patients[0] & patients[1]
