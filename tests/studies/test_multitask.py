"""Paper A's study: nobody's test film is ever learned from, and a kill changes no number."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from konio.errors import CohortError, OutputError, StudyError, UsageError
from konio.learning.store import Store
from konio.networks import read_bundle
from konio.networks.plan import PAPER_DROPOUTS
from konio.studies.multitask import record
from konio.studies.multitask.choice import choose
from konio.studies.multitask.design import cross_validation, final
from konio.studies.multitask.experiment import Ask, carry_out
from konio.studies.multitask.parts import divide, read_parts, write_parts
from konio.studies.multitask.predictions import read_predictions
from konio.studies.multitask.presets import PRESETS, REAL, preset, with_extra
from konio.studies.multitask.trial import sides_of
from konio.studies.runner import finished, run_study

from . import tiny_study
from .tiny_study import FILMS, TINY, Here, lay, noise

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


def trials_without_page(out, laid):
    done = run_study(cross_validation(laid), out, Here())
    choice = choose(done, laid.preset.groups, len(laid.parts.folds))
    return choice, run_study(final(laid, choice), out, Here())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished study: its folder, what was laid down, what was chosen."""
    out = tmp_path_factory.mktemp("study")
    laid = lay(out)
    choice, _ = trials_without_page(out, laid)
    return out, laid, choice


def numbers(out, wanted=lambda name: True):
    """Every answer of every trial."""
    found = {}
    for trial in finished(out):
        if wanted(trial.name):
            with np.load(trial.folder / "predictions.npz", allow_pickle=False) as arrays:
                found[trial.name] = {name: arrays[name].tolist() for name in arrays.files}
    return found


def test_parts_share_no_patient_and_cover_every_film():
    cohort = tiny_study.cohort(Path("/films"), FILMS, person=lambda n: str(n // 12 * 6 + n % 6))
    store = dataclasses.replace(_store(), ready=np.arange(FILMS) % 10 != 9)
    parts = divide(cohort, FILMS, store, TINY)
    who = [case.patient_id for case in cohort]
    usable = {n for n in range(FILMS) if n % 10 != 9}
    assert {*parts.final.train, *parts.final.measured} == usable
    test = {who[n] for n in parts.final.measured}
    assert test.isdisjoint(who[n] for n in parts.final.train)
    measured = [n for fold in parts.folds for n in fold.measured]
    assert sorted(measured) == list(parts.final.train)
    for fold in parts.folds:
        sides = [{who[n] for n in side} for side in (fold.train, fold.validation, fold.measured)]
        assert all(sides)
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
        assert test.isdisjoint(set.union(*sides))


def _store():
    empty, ready = np.zeros((FILMS, 1, 1), np.uint8), np.ones(FILMS, bool)
    return Store(Path(), {32: noise()}, empty, empty, ready, ready, {})


def test_folds_keep_the_six_ways():
    cohort = tiny_study.cohort(Path("/films"), FILMS)
    parts = divide(cohort, FILMS, _store(), TINY)
    for fold in parts.folds:
        ways = np.bincount([n % 6 for n in fold.measured], minlength=6)
        assert ways.max() - ways.min() <= 1


def test_the_same_film_under_two_patients_is_refused():
    store = _store()
    store.images[32][7] = store.images[32][3]
    with pytest.raises(CohortError, match=r"film-3\.dcm=film-7\.dcm"):
        divide(tiny_study.cohort(Path("/films")), FILMS, store, TINY)


def test_a_question_without_labels_is_refused():
    cohort = tiny_study.cohort(Path("/films"))
    unstaged = dataclasses.replace(
        cohort,
        cases=tuple(
            dataclasses.replace(c, labels={**c.labels, "stage": None}) for c in cohort.cases
        ),
    )
    with pytest.raises(CohortError, match="label for stage"):
        divide(unstaged, FILMS, _store(), TINY)


def test_made_up_films_are_trained_on_and_never_measured():
    cohort = tiny_study.cohort(Path("/films"))
    mixed = with_extra(preset("real"), 12)
    parts = divide(cohort, 48, _store(), dataclasses.replace(mixed, folds=2))
    assert parts.extra == tuple(range(48, 60))
    assert parts.final is None
    settings = {"role": "cv", "fold": 1, "extra": True}
    sides = sides_of(settings, parts)
    assert set(parts.extra) <= set(sides.train)
    assert set(parts.extra).isdisjoint({*sides.validation, *sides.measured})
    assert sides_of({**settings, "extra": False}, parts) == parts.folds[1]


def test_every_group_measures_the_same_films(study):
    out, laid, _ = study
    for fold, sides in enumerate(laid.parts.folds):
        for trial in finished(out):
            if trial.settings["fold"] == fold:
                assert read_predictions(trial.folder).position.tolist() == list(sides.measured)
    assert read_parts(out) == laid.parts


def test_single_stage_learns_from_the_exposed_only(study):
    out, laid, _ = study
    result = next(t for t in finished(out) if t.name == "cv-single-stage-d25-f00").result
    exposed = [n for n in laid.parts.folds[0].train if n % 6 >= 2]
    assert result["films"]["train"] == len(exposed)


def test_the_bundle_carries_the_temperatures_of_the_cross_validation(study):
    out, _, choice = study
    bundle = read_bundle(out / "trials" / "final-multi-s01" / "bundle")
    assert dict(bundle.facts.temperatures) == choice.temperatures["multi"]


def test_the_test_films_never_reach_training_choice_or_calibration(study, tmp_path):
    """The test films become other pictures with other labels: nothing before the last measurement moves."""
    out, laid, choice = study
    images = noise()
    test = list(laid.parts.final.measured)
    images[test] = noise(seed=9)[test]
    other = lay(tmp_path, images)
    labels = {name: list(row) for name, row in other.parts.labels.items()}
    for n in test:
        labels["differential"][n], labels["stage"][n] = 2, (n + 1) % 4
    spoilt = dataclasses.replace(
        other.parts, labels={name: tuple(row) for name, row in labels.items()}
    )
    assert spoilt.folds == laid.parts.folds
    write_parts(tmp_path, spoilt)
    again, _ = trials_without_page(tmp_path, dataclasses.replace(other, parts=spoilt))
    assert again == choice
    before, after = (numbers(o, lambda name: name.startswith("cv-")) for o in (out, tmp_path))
    assert after == before
    weights = [
        read_bundle(o / "trials" / f"final-{group}-s01" / "bundle").weights_sha256
        for group in ("multi", "single-stage")
        for o in (out, tmp_path)
    ]
    assert weights[0] == weights[1]
    assert weights[2] == weights[3]
    last = [numbers(o, lambda name: name == "final-multi-s01") for o in (out, tmp_path)]
    assert last[0] != last[1]


def test_measured_films_of_a_fold_never_reach_its_training_or_temperature(study, tmp_path):
    out, laid, _ = study
    images = noise()
    held_out = list(laid.parts.folds[0].measured)
    images[held_out] = noise(seed=9)[held_out]
    other = lay(tmp_path, images)
    asked = cross_validation(other)
    wanted = [t for t in asked.trials if t.name == "cv-multi-d25-f00"]
    run_study(dataclasses.replace(asked, trials=tuple(wanted)), tmp_path, Here())
    one, two = (
        next(t for t in finished(o) if t.name == "cv-multi-d25-f00") for o in (out, tmp_path)
    )
    assert one.result["temperatures"] == two.result["temperatures"]
    seen = [read_predictions(t.folder) for t in (one, two)]
    for name in ("differential", "stage"):
        first, second = (p.validation.tasks[name].logits for p in seen)
        assert np.array_equal(first, second)
        assert not np.array_equal(seen[0].tasks[name].logits, seen[1].tasks[name].logits)


def test_the_best_mean_wins_and_the_smaller_dropout_of_equals(study):
    out, laid, _ = study
    done = [t for t in finished(out) if t.name.startswith("cv-")]
    groups = laid.preset.groups

    def scored(score):
        return [
            dataclasses.replace(t, result={**t.result, "score": score(t.settings["dropout"])})
            for t in done
        ]

    assert set(choose(scored(lambda d: d), groups, 2).dropouts.values()) == {0.5}
    assert set(choose(scored(lambda d: 1.0), groups, 2).dropouts.values()) == {0.25}
    incomplete = [t for t in scored(lambda d: d) if t.name != "cv-multi-d50-f01"]
    assert choose(incomplete, groups, 2).dropouts["multi"] == 0.25
    with pytest.raises(StudyError, match="not complete"):
        choose([t for t in done if t.settings["fold"] == 0], groups, 2)


def test_another_design_or_cohort_is_refused(study):
    out, laid, _ = study
    known = record.read(out)
    record.claim(out, laid.preset, known["cohort_fingerprint"])
    with pytest.raises(OutputError, match="other films"):
        record.claim(out, laid.preset, "other")
    with pytest.raises(OutputError, match="other design"):
        record.claim(out, PRESETS["smoke"], known["cohort_fingerprint"])


def test_the_paper_preset_is_the_papers_own():
    paper = preset("paper")
    assert (paper.cases, paper.folds, paper.seeds, paper.test_fraction) == (3600, 10, 40, 0.1)
    assert paper.dropouts == PAPER_DROPOUTS
    assert paper.recipe["optimizer"] == {"name": "adam", "lr": 1e-5}
    assert paper.recipe["phases"] == [{"size": 512, "epochs": 50, "batch": 16}]
    with pytest.raises(UsageError, match="smoke"):
        preset("huge")
    with pytest.raises(UsageError, match="--preset real"):
        with_extra(paper, 10)


@pytest.mark.parametrize("guide", ["study.md", "study.zh.md"])
def test_the_guide_says_of_every_preset_what_the_code_does(guide):
    text = (Path(__file__).parents[2] / "docs" / "guide" / guide).read_text("utf-8")
    rows = {row[1].strip(" `"): row for row in (line.split("|") for line in text.splitlines()) if len(row) == 7}  # fmt: skip
    assert set(PRESETS) <= set(rows)
    for name, own in PRESETS.items():
        films, folds, seeds, network = (
            [int(number) for number in re.findall(r"\d+", cell)] for cell in rows[name][2:6]
        )
        assert folds[0] == own.folds, name
        assert folds[1:] in ([], [len(own.dropouts)]), name
        assert seeds == ([own.seeds] if own.seeds else []), name
        if REAL not in own.groups:
            assert films == [own.cases], name
            assert own.side in network, name


def test_study_json_counts_and_the_page_can_be_made_at_any_time(tmp_path):
    laid = lay(tmp_path)
    first = cross_validation(laid)
    part = dataclasses.replace(first, trials=first.trials[:3])
    record.expect(tmp_path, 99)
    run_study(part, tmp_path, Here())
    record.refresh(tmp_path)
    assert record.read(tmp_path)["trials"] == {"all": 99, "done": 3, "failed": 0}
    assert record.report(tmp_path).read_text("utf-8").startswith("<!")


@pytest.mark.slow
def test_killing_the_study_twice_changes_no_number(study, tmp_path):
    """Once in the cross-validation, once later; the page is made at the end."""
    unbroken, laid, choice = study
    out = tmp_path / "killed"
    command = [sys.executable, str(Path(tiny_study.__file__)), str(out)]
    for wanted in (2, 7):
        process = subprocess.Popen(command)
        end = time.monotonic() + 280
        while len(finished(out)) < wanted and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
        process.wait()
        time.sleep(1)  # its worker sees that nobody is there
        assert wanted <= len(finished(out))
    page = carry_out(out, lay(out), Ask(TINY), Here())
    assert page.exists()
    assert numbers(out) == numbers(unbroken)
    said = record.read(out)
    assert said["chosen"] == dict(choice.dropouts)
    assert said["temperatures"] == json.loads(json.dumps(choice.to_json()))["temperatures"]
    assert said["finished"]
    shutil.rmtree(out)
    assert laid.preset is TINY
