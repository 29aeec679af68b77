"""A nodule model is measured like a radiograph's: the same document, all nine questions, paper C's two classes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.learning.made_up_nodules import write_slices

from konio import metrics
from konio.cli.app import run
from konio.cohort import Cohort
from konio.errors import CohortError, UsageError
from konio.learning import Options, evaluate
from konio.learning.nodule_evaluation import answer_nodules, grades_of, two_class_results
from konio.learning.nodule_sources import open_source
from konio.learning.nodule_table import classes_of
from konio.networks import Bundle, BundleFacts, read_bundle, write_bundle
from konio.networks.bundle import tasks_json
from konio.networks.nodule import NodulePlan, build_nodule_network
from konio.networks.nodule_bundle import NODULE
from konio.nodules import Nodule, Readings
from konio.prepare.nodule import NodulePreparation
from konio.records import Case
from konio.tasks import MISSING, NODULE_TASKS


def bundle(folder: Path, *, single: bool = True, loss: str = "votes") -> Path:
    plan = NodulePlan(encoder="cnn-mini", grid=2, patch=8, single=single, hidden=8)
    side = (2.0, 32.0, 32.0) if single else (8.0, 16.0, 16.0)
    network = build_nodule_network(plan, torch.Generator().manual_seed(1))
    facts = BundleFacts(
        name="tiny-nodule",
        kind=NODULE,
        architecture=plan.to_json(),
        licence="Apache-2.0",
        intended_use="Testing.",
        tasks=tasks_json(plan.task_set),
        preprocessing=NodulePreparation(plan.shape, side).to_json(),
        recipe={"document": {"nodule": {"loss": loss}}},
        metrics={"diameter_only": {"midpoint_mm": 10.0, "slope": 2.0, "nodules": 100}},
        temperatures={"margin": 2.0},
    )
    return write_bundle(folder / "tiny-nodule", facts, network.state_dict(), torch.float32).path


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slices(tmp_path_factory.mktemp("nodules") / "slices", 24)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="module")
def measured(slices: Path, model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("measured")
    return evaluate(slices, model.path, out), out


def test_document_files_and_confusions_are_those_of_an_evaluation(measured: Any) -> None:
    document, out = measured
    assert json.loads((out / "metrics.json").read_text()) == document
    assert document["schema"] == "konio.evaluation/1"
    assert (
        document["model"]["name"] == "tiny-nodule" and len(document["cohort"]["fingerprint"]) == 64
    )
    assert document["cohort"]["assessed"] == document["cohort"]["films"] == 24
    assert set(document["tasks"]) == set(document["two_classes"]) == set(NODULE_TASKS.names)
    for task in NODULE_TASKS:
        found = document["tasks"][task.name]
        assert np.sum(found["confusion"]) == 24 and len(found["confusion"]) == len(task)
        assert {"accuracy", "balanced_accuracy", "macro_f1", "brier_loss", "auc"} <= set(found)
        assert ("quadratic_weighted_kappa" in found) is task.ordered
        with (out / f"confusion-{task.name}.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        assert [list(map(int, row[1:])) for row in rows[1:]] == found["confusion"]


def test_every_nodule_has_its_row_of_predictions(measured: Any) -> None:
    _, out = measured
    with (out / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["nodule_id"] for row in rows] == [str(n) for n in range(24)]
    for row in rows:
        for task in NODULE_TASKS:
            shares = [float(row[f"{task.name}_p_{name}"]) for name in task.classes]
            assert sum(shares) == pytest.approx(1, abs=1e-5)
            assert row[f"{task.name}_predicted"] == task.classes[int(np.argmax(shares))]
    grade = 1 + 3 * (int(rows[1]["nodule_id"]) % 2)
    assert float(rows[1]["malignancy_readers_mean"]) == grade
    assert rows[1]["malignancy_truth"] == str(grade)


def test_two_classes_agree_with_the_scores_of_the_predictions(measured: Any, slices: Path) -> None:
    document, out = measured
    with (out / "predictions.csv").open(newline="") as file:
        score = np.array([float(row["malignancy_score"]) for row in csv.DictReader(file)])
    truth = classes_of(open_source(slices).readings, NODULE_TASKS)["malignancy"]
    found = document["two_classes"]["malignancy"]
    assert found["nodules"] == 24 and found["prevalence"] == 0.5
    assert found["auc"] == pytest.approx(metrics.roc_auc(truth, score), abs=1e-3)
    assert found["accuracy"] == ((score > 0.5) == truth).mean()
    assert found["balanced_accuracy"] == (found["sensitivity"] + found["specificity"]) / 2
    for name in ("accuracy", "balanced_accuracy", "auc"):
        low, high = found[f"{name}_95"]
        assert low <= found[name] <= high
    # Diameters of 5 and 20 mm stand on either side of the curve's 10 mm, as malignancy does.
    assert found["diameter_only"]["accuracy"] == found["diameter_only"]["auc"] == 1


def test_command_says_both_readings_of_every_question(
    slices: Path, model: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(slices), "--model", str(model.path), "--out", str(tmp_path)]
    assert run(words, debug=True) == 0
    told = capsys.readouterr().out.splitlines()
    (line,) = [line for line in told if line.startswith("malignancy, two classes: ")]
    assert "24 nodules, 50% of the upper class, accuracy 0." in line
    assert re.search(r"auc [01]\.\d{3} \([01]\.\d{3}-[01]\.\d{3}\)", line)
    assert sum(line.startswith("malignancy: ") for line in told) == 1
    assert told[-1].startswith("24 measured, 0 refused")


def test_grades_are_the_readers_means_rounded_half_up() -> None:
    def nodule(name: str, grades: tuple[int | None, ...], codes: tuple[int | None, ...]) -> Nodule:
        rated = {"malignancy": grades, "calcification": codes}
        return Nodule(name, name, rated, diameter_mm=9.1)

    table = Readings(
        (
            nodule("a", (1, 2, 2, 1), (6, 6, 3, 3)),
            nodule("b", (5, 5, 4, None), (6, 6, 6, 3)),
            nodule("c", (None, None, None, None), (1, 1, None, None)),
        )
    )
    found = grades_of(table, NODULE_TASKS)
    assert found["malignancy"].tolist() == [1, 4, MISSING]
    assert found["calcification"].tolist() == [MISSING, 5, 0]
    assert found["diameter"].tolist() == [2, 2, 2]
    assert (found["margin"] == MISSING).all()


def test_few_readers_are_answered_and_not_scored(
    slices: Path, model: Bundle, tmp_path: Path
) -> None:
    held = open_source(slices)
    answers, table, logits = answer_nodules(held, model, tmp_path, Options())
    alone = Readings((*(n for n in list(table)[:-1]), _read_by_two(table[len(table) - 1])))
    found = two_class_results(alone, answers.tasks, logits, model)
    assert found["malignancy"]["nodules"] == 23
    assert two_class_results(table, answers.tasks, logits, model)["malignancy"]["nodules"] == 24


def _read_by_two(nodule: Nodule) -> Nodule:
    two = {name: grades[:2] for name, grades in nodule.ratings.items()}
    return Nodule(nodule.nodule_id, nodule.patient_id, two, diameter_mm=nodule.diameter_mm)


def test_what_cannot_be_measured_is_refused(slices: Path, model: Bundle, tmp_path: Path) -> None:
    cubes = bundle(tmp_path, single=False)
    with pytest.raises(CohortError, match="takes cubes"):
        evaluate(slices, cubes, tmp_path / "out")
    open_source(slices).readings.write(tmp_path / "readings.csv")
    with pytest.raises(CohortError, match="no pixels"):
        evaluate(tmp_path / "readings.csv", model.path, tmp_path / "out")
    films = Cohort((Case("film.dcm", "p", {}),), tmp_path, NODULE_TASKS)
    with pytest.raises(UsageError, match="path of the table"):
        evaluate(films, model.path, tmp_path / "out")
