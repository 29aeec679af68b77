"""What the page says of single films: by what the networks differ, how many are listed, and all of them in a file."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from konio.records import NOTICE
from konio.studies.multitask import report_cases
from konio.studies.multitask.report_cases import (
    STABILITY,
    case_stability,
    review_gallery,
    review_table,
    stability_table,
    write_stability,
)
from konio.studies.tables import Heading, say

from .reading import SEEDS, lines_of


@pytest.fixture(scope="module")
def cases(evidence):
    return {task: case_stability(evidence, task) for task in evidence.questions}


def test_seeds_and_drop_out_rates_are_never_mixed(evidence, cases):
    rows = [r for r in lines_of(stability_table(evidence, cases)) if r["label"] == "all classes"]
    test, folds = f"test set: {SEEDS} seeds alone", "cross-validation: 2 drop-out rates"
    for row, found in zip(rows, cases.values(), strict=True):
        for group, part, networks in ((test, "test", SEEDS), (folds, "train", 2)):
            own = [c for c in found if evidence.cases[c.position].part == part]
            assert int(row[f"{group}: films"]) == len(own)
            assert float(row[f"{group}: networks a film"]) == networks
            flips = 100 * np.mean([c.flips for c in own])
            assert float(row[f"{group}: two networks disagree, %"]) == pytest.approx(flips)


def test_repeats_of_a_fold_at_one_rate_differ_by_their_seed_alone(real):
    heads = lines_of(stability_table(real, {"differential": case_stability(real, "differential")}))[0]  # fmt: skip
    assert "cross-validation: 2 seeds alone: films" in heads
    assert not any("test set" in head or "drop-out" in head for head in heads)


def test_the_list_says_how_many_there_are_and_holds_both_kinds(evidence, cases, monkeypatch):
    monkeypatch.setattr(report_cases, "_LISTED", 3)
    table = review_table(evidence, cases)
    assert table is not None
    for heading, found in zip([r for r in table.rows if isinstance(r, Heading)], cases.values(), strict=True):  # fmt: skip
        of = [sum(c.reason == why for c in found) for why in ("unsteady", "label")]
        assert min(of) > 0
        assert f": 3 of {sum(of)} ({of[0]} unsteady, {of[1]} contradicted)" in say(heading.text)
    whys = [row["why"] for row in lines_of(table)]
    assert whys == ["unsteady", "unsteady", "contradicted"] * 2


def test_films_are_named_by_their_path_and_patient(evidence, cases):
    rows = tuple(
        dataclasses.replace(row, path=f"/hospital/{'ab'[i % 2]}/same.dcm") for i, row in enumerate(evidence.cases)
    )  # fmt: skip
    elsewhere = dataclasses.replace(evidence, cases=rows)
    listed = lines_of(review_table(elsewhere, cases))
    assert {row["film"] for row in listed} == {"a/same.dcm", "b/same.dcm"}
    assert all(row["patient"].startswith("P") for row in listed)
    gallery = review_gallery(elsewhere, cases)
    assert gallery is not None
    assert {say(film.title) for film in gallery.films} <= {"a/same.dcm", "b/same.dcm"}
    assert all("patient P" in say(film.lines[0]) for film in gallery.films)


def test_every_film_stands_in_a_file_that_the_page_leads_to(evidence, cases, tmp_path):
    paragraph = write_stability(dataclasses.replace(evidence, out=tmp_path), cases)
    assert paragraph is not None and paragraph.link == STABILITY
    lines = Path(tmp_path / STABILITY).read_text("utf-8").splitlines()
    assert lines[-1] == f"# {NOTICE}"
    rows = list(csv.DictReader(lines[:-1]))
    assert len(rows) == sum(map(len, cases.values()))
    found = {(r["question"], r["film"]): r for r in rows}
    for case in cases["stage"]:
        row = found["stage", evidence.film(case.position)]
        assert row["patient_id"] == evidence.cases[case.position].patient_id
        assert float(row["contradict_label"]) == pytest.approx(1 - case.right)
        assert row["unsteady"] == str(int(case.flips >= 0.3))
        assert row["label_contradicted"] == str(int(case.reason == "label"))
        assert sum(int(part.split()[-1]) for part in row["answers"].split("; ")) == case.runs
    assert write_stability(evidence, {"stage": ()}) is None
