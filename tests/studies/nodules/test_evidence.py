"""Scores by fold: seeds are averaged, other studies are not counted, differences are those of the means."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.studies.nodules.made_up_trials import tiny, write_study, write_trial

from konio.significance import nadeau_bengio_interval
from konio.studies.nodules.design import study_of
from konio.studies.nodules.evidence import Evidence, own_trials
from konio.studies.runner import Finished, Trial


def _trial(fold: int, auc: float | None, seed: int = 1, group: str = "multi") -> Finished:
    return Finished(
        name=f"{group}-f{fold:02d}-s{seed:02d}",
        fingerprint="f" * 64,
        settings={"group": group, "fold": fold, "seed": seed},
        result={"scores": {"malignancy": {"auc": auc}}, "three": {"malignancy": {"auc": 0.5}}},
        folder=Path(),
        seconds=1.0,
    )


def test_the_interval_of_a_share_ends_at_one() -> None:
    evidence = Evidence([_trial(0, 0.90), _trial(1, 0.99), _trial(2, 1.0)], 3)
    found = evidence.interval("multi", "malignancy", "auc")
    assert found is not None
    assert found.estimate == pytest.approx(0.9633, abs=1e-4)
    assert 0 < found.low < 0.96
    assert found.high == 1


def test_one_training_has_no_bounds_and_none_has_nothing() -> None:
    evidence = Evidence([_trial(0, 0.9)], 3)
    found = evidence.interval("multi", "malignancy", "auc")
    assert found is not None
    assert (found.estimate, math.isnan(found.low), math.isnan(found.high)) == (0.9, True, True)
    assert evidence.interval("multi", "lobulation", "auc") is None


def test_seeds_of_a_fold_are_one_number() -> None:
    """Three seeds that agree say no more than one: the interval is that of the folds."""
    values = (0.8, 0.85, 0.9, 0.7, 0.75)
    folds = list(enumerate(values))
    once = Evidence([_trial(f, v) for f, v in folds], 5)
    thrice = Evidence(
        [_trial(f, v + d, s) for f, v in folds for s, d in ((1, -0.02), (2, 0.0), (3, 0.02))], 5
    )
    found = thrice.interval("multi", "malignancy", "auc")
    assert found == pytest.approx(once.interval("multi", "malignancy", "auc"))
    assert found == pytest.approx(nadeau_bengio_interval(values, 1 / 4))
    assert thrice.seeds("multi") == 3 and once.seeds("multi") == 1 and once.seeds("equal") == 0


def test_a_difference_is_that_of_the_printed_means() -> None:
    """The network of all questions has three seeds, the other one: none of them is left out."""
    single = [_trial(f, 0.6 + 0.05 * f, group="single-malignancy") for f in range(3)]
    multi = [_trial(f, 0.7 + 0.04 * f + 0.03 * s, s) for f in range(3) for s in (1, 2, 3)]
    evidence = Evidence([*single, *multi], 3)
    gap = evidence.difference("multi", "single-malignancy", "malignancy", "auc")
    means = [evidence.interval(g, "malignancy", "auc") for g in ("multi", "single-malignancy")]
    assert gap is not None and means[0] is not None and means[1] is not None
    assert gap[0].estimate == pytest.approx(means[0].estimate - means[1].estimate)


def test_undefined_scores_are_left_out() -> None:
    evidence = Evidence([_trial(0, None), _trial(1, 0.7), _trial(1, float("nan"), 2)], 2)
    assert evidence.cells("multi", "malignancy", "auc") == {1: 0.7}


def test_baselines_are_asked_for_as_networks_are() -> None:
    runs = {0: {"auc": 0.6}, 1: {"auc": 0.7}}
    evidence = Evidence(
        [_trial(0, 0.9), _trial(1, 0.8)], 2, {2: {"diameter": {"malignancy": runs}}}
    )
    assert evidence.cells("diameter", "malignancy", "auc") == {0: 0.6, 1: 0.7}
    assert evidence.cells("diameter", "malignancy", "auc", 3) == {}
    gap = evidence.difference("multi", "diameter", "malignancy", "auc")
    assert gap is not None and gap[0].estimate == pytest.approx(0.2)
    assert evidence.groups == ("multi",)


def test_what_another_study_left_in_the_folder_is_no_evidence(tmp_path: Path) -> None:
    out, preset = tmp_path / "out", tiny(singles=("malignancy",))
    _, study = write_study(out, preset, lambda trial: 0.8)
    assert len(own_trials(out, study.fingerprint)) == len(study.trials) == 6
    first = study.trials[0]
    foreign = Trial(first.name.replace("s01", "s02"), {**first.settings, "seed": 2})
    write_trial(out, study_of((), "0" * 64), foreign, 0.0)
    found = own_trials(out, study.fingerprint)
    assert {trial.name for trial in found} == {trial.name for trial in study.trials}
    evidence = Evidence(found, 2)
    assert evidence.cells("multi", "malignancy", "auc") == {0: 0.8, 1: 0.8}
    write_trial(out, study_of((), "0" * 64), first, 0.0)
    assert len(own_trials(out, study.fingerprint)) == 5


def test_the_interval_of_a_classical_score_ends_at_one() -> None:
    from konio.studies.nodules.classical import SCORES, _intervals

    runs = [dict.fromkeys(SCORES, value) for value in (1.0, 0.8, 1.0, 0.9, 1.0)]
    found = _intervals(runs, folds=5)["sensitivity"]
    assert found.high == 1.0
    assert 0 < found.low < found.estimate == pytest.approx(0.94)
