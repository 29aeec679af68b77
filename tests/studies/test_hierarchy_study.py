"""Paper B's study without its trainings: parts, rows, bounds, the page; and one trial on noise."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konio.cohort import read_cohort
from konio.errors import CohortError, UsageError
from konio.studies.figures import Figure
from konio.studies.hierarchy.design import LEVELS, design, trial_name
from konio.studies.hierarchy.figures import training_figure
from konio.studies.hierarchy.fine import CLASSIFIERS, run_features
from konio.studies.hierarchy.parts import WAYS, Parts, divide, read_parts, write_parts
from konio.studies.hierarchy.presets import PRESETS, THESIS_COUNTS, preset
from konio.studies.hierarchy.report import _fine_section, sections, write_report
from konio.studies.hierarchy.results import Fine, gather, read_curves
from konio.studies.hierarchy.trial import COHORT, PREDICTIONS, recipe_of, run_trial
from konio.studies.reported import read
from konio.studies.runner import RESULT, TRIALS, write_json
from konio.studies.tables import Heading, Table, say

from .tiny_staging import SIDE, SMOKE, cohort, store


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study whose trials are finished: probabilities that know a little of the truth."""
    out = tmp_path_factory.mktemp("study")
    made = cohort(out)
    parts = divide(made, store(len(made)), SMOKE)
    write_parts(out, parts)
    document = {
        "made_up": True, "films": len(made), "patients": len(made.patients), "refused": 0,
        "cohort_fingerprint": made.fingerprint, "fingerprint": "f", "weights": {},
    }  # fmt: skip
    write_json(out / "study.json", document)
    rng = np.random.default_rng(1)
    for trial in design(SMOKE, "f", {}).trials:
        _, validation, test = WAYS[trial.settings["way"]](parts)
        count, number = trial.settings["count"], trial.settings["number"]
        folder = out / TRIALS / trial.name
        folder.mkdir(parents=True)
        said = {}
        for name, places in (("validation", validation), ("test", test)):
            stage = parts.labels(places)[:, 0] if places else np.zeros(0, np.int64)
            label = stage if count == 1 else (stage > 0) * 1 if number == 1 else np.maximum(stage - 1, 0)  # fmt: skip
            classes = 4 if count == 1 else number + 1
            own = rng.random((len(label), classes)) + 0.6 * np.eye(classes)[label]
            said[name] = own / own.sum(axis=1, keepdims=True)
        np.savez(folder / PREDICTIONS, **said)
    return out


def results(study: Path, seed: int = 1) -> Any:
    made = read_cohort(study / COHORT, check_files=False)
    return gather(study, SMOKE, read_parts(study), tuple(c.patient_id for c in made), seed)


def test_the_paper_preset_is_the_thesis() -> None:
    paper = preset("paper")
    assert paper.counts == THESIS_COUNTS == (316, 2533, 389, 79)
    assert [f"table-2-4.{name}" for name in paper.networks] == [
        f"table-2-4.{name}" for name in ("alexnet", "vgg16", "resnet34", "densenet121")
    ]
    assert [read("hierarchy")[f"table-2-1.{n}"].value for n in ("0", "I", "II", "III")] == list(
        THESIS_COUNTS
    )
    assert json.dumps(paper.to_json())
    with pytest.raises(UsageError, match="use one of paper, small, scratch, smoke"):
        preset("large")


def test_no_patient_is_on_two_sides_and_every_stage_on_all(study: Path) -> None:
    parts = read_parts(study)
    made = read_cohort(study / COHORT, check_files=False)
    sides = [parts.train, parts.validation, parts.test]
    people = [{made.cases[i].patient_id for i in places} for places in sides]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    assert sum(map(len, sides)) == len(made)
    assert all(min(parts.counts(places)) > 0 for places in sides)
    assert parts == divide(made, store(len(made)), SMOKE)
    assert Parts.from_json(json.loads(json.dumps(parts.to_json()))) == parts


def test_the_leaking_way_shows_most_of_its_test_films_in_training(tmp_path: Path) -> None:
    made = cohort(tmp_path, (32, 253, 39, 8))  # a tenth of the thesis
    parts = divide(made, store(len(made), side=32), dataclasses.replace(SMOKE, test=1 / 7))
    assert parts.shared > 0.5
    assert len(parts.leaking_train) + len(parts.leaking_test) > len(parts.stages)
    assert not set(parts.train) & set(parts.test)


def test_a_stage_with_too_few_films_is_refused(tmp_path: Path) -> None:
    made = cohort(tmp_path)
    third = [i for i, case in enumerate(made) if case.labels["stage"] == "III"]
    fewer = made.subset([i for i in range(len(made)) if i not in third[1:]])
    with pytest.raises(CohortError, match="no film of stage III; add patients"):
        divide(fewer, store(len(fewer)), SMOKE)


def test_every_trial_has_a_recipe_that_can_be_trained() -> None:
    for own in PRESETS.values():
        study = design(own, "f", {})
        assert len(study.trials) == len(own.seeds) * (len(own.networks) + len(LEVELS))
        for trial in study.trials:
            recipe = recipe_of(trial.settings)
            number = trial.settings["number"]
            wanted = "class-penalty" if trial.name.startswith(("level-2-cost", "leaking-level-2")) else "cross-entropy"  # fmt: skip
            assert recipe.levels.loss(number).kind == wanted
            drawn = "as-they-are" if trial.settings["way"] == "leaking" else "oversample"
            assert recipe.levels.sampling == drawn


def test_rows_keep_their_bounds_and_the_cut_point_comes_from_validation(study: Path) -> None:
    found = results(study)
    for name, outcome in found.two_levels.items():
        assert outcome.bound.slack >= -1e-9
        assert outcome.bound.macro_recall == pytest.approx(outcome.macro_recall)
        if "cut" not in name:
            assert outcome.cut == 0.5
    curve = found.validation["with_cost"]
    best = curve.points[int(np.argmax(curve.macro_recall))]
    assert found.two_levels["two_level_cut_cost"].cut == best
    low, high = found.networks["alexnet"].interval()[1:]
    assert low <= found.networks["alexnet"].macro_recall <= high
    assert low < high
    assert found.levels["level-2"].shape == (3, 3)
    # Level 2 alone is asked about diseased films only.
    assert found.levels["level-2"].sum() == (found.networks["alexnet"].truth > 0).sum()


@pytest.mark.slow
def test_the_page_holds_the_thesis_tables_and_ours_in_columns_of_their_own(study: Path) -> None:
    found = {seed: results(study, seed) for seed in SMOKE.seeds}
    tables = [
        block
        for section in sections(SMOKE, read_parts(study), found, {})
        for block in section.blocks
        if isinstance(block, Table)
    ]
    assert {table.name for table in tables} >= {f"table-2-{k}" for k in range(1, 7)}
    rows = {table.name: table for table in tables}
    published = {
        name: [column.published for column in table.columns] for name, table in rows.items()
    }
    assert all(any(published[f"table-2-{k}"]) for k in range(1, 7))
    assert len(rows["table-2-6"].rows) == 19
    printed = rows["table-2-6"].rows[7][5]
    assert printed.numbers[""] == 0.9162
    assert "bound" in printed.marks
    both = [
        {**own.networks, **own.two_levels}["two_level_cut_cost"].macro_recall
        for own in found.values()
    ]
    for name, row, column in (("table-bounds", -1, 2), ("table-leakage", 1, 1), ("table-2-4", -1, 2)):  # fmt: skip
        cell = rows[name].rows[row][column]
        assert cell.numbers[""] == pytest.approx(np.mean(both)), name
        assert cell.numbers["sd"] == pytest.approx(np.std(both, ddof=1)), name
        assert "±" in say(cell.text)
    gaps = [own.leaking["two_level_cut_cost"].macro_recall - one for own, one in zip(found.values(), both, strict=True)]  # fmt: skip
    assert rows["table-leakage"].rows[1][3].numbers["sd"] == pytest.approx(np.std(gaps, ddof=1))
    strong = [row[0].text for row in rows["table-2-6"].rows if row[1].strong]
    assert strong == sorted({f"{own.two_levels['two_level_cut_cost'].cut:.2f}" for own in found.values()})  # fmt: skip
    for gap, measure in zip(rows["table-difference"].rows, ("macro_recall", "third"), strict=True):
        ways = [
            [own.two_levels["two_level_cut_cost"] for own in found.values()],
            [own.networks["densenet121"] for own in found.values()],
        ]
        means = [
            np.mean([o.macro_recall if measure == "macro_recall" else o.recalls[3] for o in way])
            for way in ways
        ]
        assert gap[4].numbers[""] == pytest.approx(means[0] - means[1]), measure
        assert gap[4].numbers["low"] <= gap[4].numbers[""] <= gap[4].numbers["high"]
    assert rows["table-difference"].rows[0][5].numbers[""] == 0.1439
    assert {"bound", "cut-on-test"} <= set(rows["table-difference"].rows[0][5].marks)
    ours = [cell.numbers for row in rows["table-2-4"].rows for cell in row[1:-1]]
    assert 0.9162 not in [numbers.get("") for numbers in ours]
    page = write_report(study, SMOKE)
    text = page.read_text("utf-8")
    for part in ("Made-up patients", "figures mean nothing", "0.863", "Research software"):
        assert part in text
    for name in ("table-2-4.csv", "table-leakage.md", "table-bounds.tex"):
        assert (study / "tables" / name).is_file()
    for name in ("figure-2-8", "figure-2-9", "figure-2-10", "figure-2-11"):
        assert (study / "figures" / f"{name}.svg").is_file()


def test_features_stand_in_the_thesis_table_with_both_readings_of_c(study: Path) -> None:
    rng = np.random.default_rng(0)
    matrix = [[3, 1, 0, 0], [0, 4, 0, 0], [1, 0, 2, 0], [0, 0, 1, 1]]
    scores = {"components": 16, "macro_recall": 0.5, "confusion": matrix}
    result = {
        "classifiers": {f"{name}-{k}": scores for name in CLASSIFIERS for k in (4, 8, 16)},
        "scree": [0.5, 0.3, 0.1],
        "curves": {
            name: {"cases": [5, 9], "training": [[None, 1.0]] * 5, "validation": [[None, 0.4]] * 5}
            for name in ("logistic", "svm", "forest")
        },
    }
    folder = study / "fine"
    folder.mkdir()
    points = {"embedded": rng.random((8, 2)), "embedded_3d": rng.random((8, 3))}
    np.savez(folder / "features.npz", **points, truth=np.arange(8) % 4)
    fine = {f"{of}-{form}": Fine(result, folder) for of in ("four", "two") for form in ("flattened", "pooled")}  # fmt: skip
    worse = {"macro_recall": 0.3, "components": 16, "confusion": matrix}
    other = {**result, "classifiers": dict.fromkeys(result["classifiers"], worse)}
    second = {name: Fine(other, folder) for name in fine}
    section = _fine_section({seed: results(study, seed) for seed in (1, 2)}, {1: fine, 2: second})
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert table.name == "table-3-1"
    rows = [row for row in table.rows if not isinstance(row, Heading)]
    assert rows[0][1].numbers == pytest.approx({"": 0.4, "sd": 0.2 / np.sqrt(2)})
    printed = [row[-1].numbers.get("") for row in rows]
    assert {0.6929, 0.8857, 0.6198, 0.9292, 0.7568, 0.9162} <= set(printed)
    figures = [block for block in section.blocks if isinstance(block, Figure)]
    assert [figure.name for figure in figures] == [
        "figure-3-8", "figure-3-7", "figure-3-7-3d", "figure-3-9", "figure-3-10",
    ]  # fmt: skip
    assert all(figure.svg().startswith("<?xml") for figure in figures)


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning")
def test_one_trial_from_films_to_probabilities(study: Path, tmp_path: Path, monkeypatch) -> None:
    made = cohort(tmp_path)
    write_parts(tmp_path, read_parts(study))
    monkeypatch.setattr(
        "konio.studies.hierarchy.trial.read_store", lambda folder, sides: store(len(made))
    )
    (trial,) = (t for t in design(SMOKE, "f", {}).trials if t.name == trial_name("level-2-cost", 1))
    recipe = {**trial.settings["recipe"], "phases": [{"size": 32, "film": SIDE, "epochs": 0.2, "batch": 8}]}  # fmt: skip
    folder = tmp_path / TRIALS / trial.name
    folder.mkdir(parents=True)
    result = run_trial({**trial.settings, "architecture": "resnet-mini", "recipe": recipe}, folder)
    parts = read_parts(study)
    assert result["films"]["test"] == len(parts.test)
    assert 0 <= result["macro_recall"] <= 1
    assert np.sum(result["confusion"]) == sum(parts.counts(parts.test)[1:])
    with np.load(folder / PREDICTIONS) as kept:
        assert kept["validation"].shape == (len(parts.validation), 3)
        assert kept["test"].sum(axis=1) == pytest.approx(1)
    assert len(result["curve"]["epoch"]) == len(result["curve"]["macro_recall"]) == 1
    assert result["curve"]["training"][0] > 0
    assert result["curve"]["macro_recall"][0] is not None
    assert sorted(p.name for p in folder.iterdir() if p.is_file()) == [
        "level.safetensors", "predictions.npz",
    ]  # fmt: skip
    fine = folder.with_name("features-four-pooled-s1")
    fine.mkdir()
    monkeypatch.setattr(
        "konio.studies.hierarchy.fine.read_store", lambda folder, sides: store(len(made))
    )
    own = {**trial.settings, "architecture": "resnet-mini", "recipe": recipe}
    level = {"name": trial.name, "settings": own}
    found = run_features({"levels": [level], "cut": None, "form": "pooled", "seed": 1}, fine)
    assert set(found["classifiers"]) == {f"{name}-{k}" for name in CLASSIFIERS for k in (4, 8, 16)}
    assert all(0 <= one["macro_recall"] <= 1 for one in found["classifiers"].values())
    assert sum(found["scree"]) <= 1 + 1e-9
    assert set(found["curves"]) == {"logistic", "svm", "forest"}
    with np.load(fine / "features.npz", allow_pickle=False) as kept:
        assert kept["embedded"].shape == (len(parts.test), 2)
        assert kept["embedded_3d"].shape == (len(parts.test), 3)


def test_trainings_are_drawn_over_their_seeds_where_all_left_a_curve(tmp_path: Path) -> None:
    def curve(end: float) -> dict[str, list[float]]:
        return {"epoch": [1, 2], "training": [2.0, end], "loss": [2.0, 1.5], "macro_recall": [0.25, end]}  # fmt: skip

    for name in SMOKE.networks:
        for seed in SMOKE.seeds:
            folder = tmp_path / TRIALS / trial_name(f"four-{name}", seed)
            folder.mkdir(parents=True)
            own = {"study": "hierarchy", "name": folder.name, "fingerprint": "f", "settings": {}, "seconds": 1.0}  # fmt: skip
            left = {} if name == "vgg16" and seed == 2 else {"curve": curve(0.5 * seed)}
            write_json(folder / RESULT, {**own, "result": left})
    curves = read_curves(tmp_path, SMOKE)
    assert set(curves) == set(SMOKE.networks) - {"vgg16"}
    figure = training_figure(curves)
    drawing = figure.draw("en")
    (line, *_) = drawing.axes[0].lines
    assert line.get_ydata().tolist() == [2.0, 0.75]
    assert [axes.get_ylabel() for axes in drawing.axes] == ["loss, training", "loss, validation", "macro-recall, validation"]  # fmt: skip
    assert len(drawing.axes[2].lines) == 3
    assert read_curves(tmp_path / "nothing", SMOKE) == {}
