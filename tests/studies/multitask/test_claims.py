"""What the paper did and claims, with every flaw of it somewhere on the page; sizes of effects; who was examined."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from konio.studies.multitask.report_claims import claims_table
from konio.studies.multitask.report_effect import effect_lines, effect_table
from konio.studies.multitask.report_groups import balance_table, subgroups_table
from konio.studies.multitask.report_scores import by_unit
from konio.studies.multitask.report_seeds import seeds_table
from konio.studies.multitask.report_tables import cohort_table, dropout_table
from konio.studies.reported import read
from konio.studies.tables import say

from .reading import lines_of


@pytest.fixture(scope="module")
def lines(evidence):
    return {task: effect_lines(evidence, task) for task in evidence.questions}


def every_rate(evidence):
    """The same study with the paper's four drop-out rates in its design."""
    design = {**evidence.study["design"], "dropouts": [0.25, 0.5, 0.75, 0.9]}
    return dataclasses.replace(evidence, study={**evidence.study, "design": design})


def test_every_flaw_of_the_paper_is_a_footnote_of_some_table(evidence, lines):
    whole = every_rate(evidence)
    tables = [
        cohort_table(whole), claims_table(whole, lines), effect_table(whole, lines),
        *(dropout_table(whole, method) for method in ("single", "multi")), *(seeds_table(whole, task) for task in whole.questions),
    ]  # fmt: skip
    used = {mark for table in tables for mark in table.letters}
    assert set(read("multitask").flaws) <= used


def test_every_fact_of_design_and_claims_stands_in_the_table(evidence, lines):
    rows = {(r["section"], r[""]): r for r in lines_of(claims_table(evidence, lines))}
    facts = [path for path in read("multitask").facts if path[0] in ("design", "claims", "context")]
    assert len(rows) == len(facts)
    printed = [r.get("Paper A (published)") or r.get("Paper A low (published)") for r in rows.values()]  # fmt: skip
    assert all(printed)
    assert rows["Design", "films of the test set"]["This study"] == "48"
    assert rows["Design", "baselines"]["This study"] == "majority class; zone texture, linear model"  # fmt: skip


def test_our_gain_beside_the_claim_is_the_line_to_believe(evidence, lines):
    rows = {r[""]: r for r in lines_of(claims_table(evidence, lines))}
    row = rows["Task 2, stage: gain, points"]
    crossed = next(line for line in lines["stage"] if line.note == "crossed")
    assert float(row["This study"]) == pytest.approx(100 * crossed.difference.estimate)
    assert float(row["Paper A (published)"]) == 9
    better = rows["better with multi-task learning"]
    assert 0 <= float(better["This study"]) <= float(better["This study of"]) == 21


def test_the_size_of_the_effect_stands_beside_the_p(evidence):
    row = lines_of(seeds_table(evidence, "stage"))[0]
    question = evidence.questions["stage"]
    new, old = (
        np.array(list(by_unit(evidence.of("stage", m, "final"), question, ("accuracy", "mean")).values())) for m in ("multi", "single")
    )  # fmt: skip
    gaps = 100 * (new - old)
    assert float(row["This study: SD of the differences"]) == pytest.approx(gaps.std(ddof=1))
    assert float(row["This study: d_z"]) == pytest.approx(gaps.mean() / gaps.std(ddof=1))
    low = stats.ttest_rel(new, old).confidence_interval(0.95).low
    assert float(row["This study: difference, points (95 %, t) low"]) == pytest.approx(100 * low)


# Dossier section 5: implied SD of differences.
@pytest.mark.parametrize(
    ("task", "section", "row", "implied"),
    [
        ("differential", "accuracy", "all films", 1.15), ("stage", "accuracy", "all films", 2.76),
        ("stage", "precision", "stage II", 5.7), ("stage", "precision", "stage III", 6.6),
    ],
)  # fmt: skip
def test_the_spread_that_the_printed_t_needs(evidence, task, section, row, implied):
    rows = {(r["section"], r[""]): r for r in lines_of(seeds_table(evidence, task))}
    found = float(rows[section, row]["from its numbers: SD of the differences"])
    assert found == pytest.approx(implied, abs=0.06)


def test_the_kinds_of_dust_add_up(evidence):
    rows = {r[""]: r for r in lines_of(cohort_table(evidence))}
    for group in ("pneumoconiosis", "no pneumoconiosis"):
        parts = [float(rows[k][f"This study: {group}"]) for k in ("coal dust", "silica dust", "other or mixed dust")]  # fmt: skip
        assert sum(parts) == float(rows["films"][f"This study: {group}"])
        assert parts[2] > 0
    assert float(rows["other or mixed dust"]["Paper A: no pneumoconiosis (published)"]) == 67


def test_covariates_by_class_tell_what_gives_the_class_away(evidence):
    rows = lines_of(balance_table(evidence, "differential"))
    assert {r["section"] for r in rows} == {"sex", "age, years", "device"}
    device = next(r for r in rows if r[""] == "device-0")
    own = [row for row in evidence.measured if row.labels["differential"] == "dust"]
    there = sum(row.covariates["device"] == "device-0" for row in own)
    assert float(device[f"dust-exposed ({len(own)})"]) == there
    given_away = tuple(
        dataclasses.replace(row, covariates={"device": row.labels["differential"]}) for row in evidence.cases
    )  # fmt: skip
    first = lines_of(balance_table(dataclasses.replace(evidence, cases=given_away), "differential"))
    assert float(first[0]["tells of the class"]) == pytest.approx(1.0)


def test_small_cells_of_the_covariates_are_hidden(evidence):
    rows = {r[""]: r for r in lines_of(balance_table(evidence, "stage"))}
    own = [row for row in evidence.measured if row.labels.get("stage") == "I"]
    assert 0 < sum(row.covariates["sex"] == "F" for row in own) < 10
    head = f"stage I ({len(own)})"
    assert rows["women"][head] == rows["men"][head] == ""  # the men would tell of the women
    assert float(rows["men"]["stage II (40)"]) == 40


def test_what_follows_from_the_label_is_no_covariate(evidence, tmp_path):
    rows = []
    for i, row in enumerate(evidence.cases):
        form = ("healed+infiltrate", "infiltrate+healed", "miliary")[i % 3]
        rows.append(dataclasses.replace(row, covariates={"tuberculosis_form": form}))
    table = subgroups_table(dataclasses.replace(evidence, cases=tuple(rows)), "differential")
    found = lines_of(table)
    assert [r["group"] for r in found] == ["healed + infiltrate", "miliary"]
    assert found[0]["section"] == "form of tuberculosis"
    assert say(table.rows[1][0].text, "zh") == "陈旧性+浸润"  # type: ignore[union-attr,index]
    from konio.studies.multitask.report_runs import _case

    plain = {"path": "a", "patient_id": "b", "part": "train", "clause": "5.1a", "observed_stage": "I", "sex": "M"}  # fmt: skip
    assert dict(_case(plain).covariates) == {"sex": "M"}
