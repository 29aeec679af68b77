"""What the study says about itself, whose folder it is, and the page at any time."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from tests.studies.nodules.made_up_trials import cohort_of, tiny, write_study, write_trial

from konio.errors import OutputError
from konio.studies.nodules import record
from konio.studies.nodules.design import Preset, study_of
from konio.studies.nodules.presets import PRESETS
from konio.studies.runner import FAILURE, RESULT, TRIALS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_and_its_document_are_the_same(name: str) -> None:
    preset = PRESETS[name]
    again = Preset.from_json(json.loads(json.dumps(preset.to_json())))
    assert again.fingerprint == preset.fingerprint
    assert [g.name for g in again.groups()] == [g.name for g in preset.groups()]
    assert (again.about_zh, again.trimmed) == (preset.about_zh, preset.trimmed)
    first, second = (study_of(each.trials("s"), "f" * 64) for each in (again, preset))
    assert [first.trial_fingerprint(t) for t in first.trials] == [
        second.trial_fingerprint(t) for t in second.trials
    ]


def test_words_about_a_preset_decide_nothing() -> None:
    preset = PRESETS["cubes"]
    assert dataclasses.replace(preset, about="other words").fingerprint == preset.fingerprint
    assert dataclasses.replace(preset, folds=4).fingerprint != preset.fingerprint


def test_a_folder_belongs_to_one_study(tmp_path: Path) -> None:
    out, preset = tmp_path / "out", tiny(singles=("malignancy",))
    record.claim(out, preset, {"cohort": "any", "weights": "any"})
    source, _ = write_study(out, preset, lambda trial: 0.8)
    own = {"cohort": cohort_of(source), "weights": ""}
    record.claim(out, preset, own)
    for other, given, what in (
        (tiny(), own, "design"),
        (PRESETS["cubes"], own, "design"),
        (preset, {**own, "cohort": "0" * 64}, "nodules"),
        (preset, {**own, "weights": "0" * 64}, "first weights"),
    ):
        with pytest.raises(OutputError, match=f"study of other {what}"):
            record.claim(out, other, given)


def test_a_folder_of_an_earlier_konio_is_known_by_its_preset(tmp_path: Path) -> None:
    old = {"study": "nodules", "preset": "cubes-full", "cohort": {"fingerprint": "c"}}
    (tmp_path / "study.json").write_text(json.dumps(old))
    record.claim(tmp_path, PRESETS["cubes-full"], {"cohort": "c", "weights": "w"})
    with pytest.raises(OutputError, match="preset cubes-full"):
        record.claim(tmp_path, PRESETS["cubes"], {"cohort": "c"})


def test_study_json_is_true_at_any_moment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, study = write_study(out, tiny(singles=("malignancy",)), lambda trial: 0.8)
    document = record.refresh(out)
    assert document["finished"] and document["konio_version"]
    assert document["trials"] == {"all": 6, "done": 6, "failed": 0}
    folder = out / TRIALS / study.trials[0].name
    (folder / RESULT).unlink()
    (folder / FAILURE).write_text('{"reason": "no memory"}')
    write_trial(out, study_of((), "0" * 64), study.trials[1], 0.1)  # of another study
    document = record.refresh(out)
    assert not document["finished"]
    assert document["trials"] == {"all": 6, "done": 4, "failed": 1}
    assert json.loads((out / "study.json").read_text()) == document


def test_the_page_can_be_made_of_what_is_finished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, study = write_study(out, tiny(singles=("malignancy",)), lambda trial: 0.8)
    shutil.rmtree(out / TRIALS / "single-malignancy-f01-s01")
    page = record.report(out).read_text()
    assert "Not finished: 5 of 6 trainings, 0 failed." in page
    assert "尚未完成：6次训练完成5次，失败0次。" in page
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "slices", moved)
    assert record.report(out, moved) == out / "index.html"
    for trial in study.trials:
        shutil.rmtree(out / TRIALS / trial.name, ignore_errors=True)
    assert "Not finished: 0 of 6" in record.report(out, moved).read_text()


def test_a_page_of_other_nodules_or_of_another_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no study"):
        record.report(tmp_path)
    source, _ = write_study(tmp_path / "out", tiny(), lambda trial: 0.8)
    source.readings.subset(range(20)).write(tmp_path / "readings.csv")
    with pytest.raises(OutputError, match="other nodules"):
        record.report(tmp_path / "out", tmp_path / "readings.csv")
    (tmp_path / "study.json").write_text('{"study": "multitask"}')
    with pytest.raises(OutputError, match="called 'multitask'"):
        record.report(tmp_path)


def test_a_finished_model_is_called_by_its_name(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "bundle.json").write_text('{"name": "konio-nodule"}')
    assert record.first_weights(str(bundle), "1" * 64) == {
        "name": "konio-nodule",
        "sha256": "1" * 64,
    }
    assert record.first_weights("google/vit", "google/vit")["name"] == "google/vit"
    assert record.first_weights("", "") == {"name": "", "sha256": ""}
