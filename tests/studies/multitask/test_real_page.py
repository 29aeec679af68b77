"""The page of real films says what was done there, and nothing of the paper's design."""

from __future__ import annotations

import dataclasses

import pytest

from konio.studies.multitask.presets import PRESETS
from konio.studies.multitask.report_about import about, title_of
from konio.studies.multitask.report_areas import areas_table
from konio.studies.multitask.report_baselines import baselines_table
from konio.studies.multitask.report_calibration import calibration_table
from konio.studies.multitask.report_classes import classes_table
from konio.studies.multitask.report_figures import workflow_figure
from konio.studies.multitask.report_tables import dropout_table
from konio.studies.tables import Heading, say


def with_study(evidence, **changes):
    return dataclasses.replace(evidence, study={**evidence.study, **changes})


@pytest.fixture
def alone(real):
    """One group of networks on kept features, as the preset ``real-kept`` has it."""
    runs = {"differential": tuple(r for r in real.runs["differential"] if r.group != "mixed")}
    model = {"model": "konio-radiograph", "sha256": "1" * 64}
    return with_study(
        dataclasses.replace(real, runs=runs), kept=True, seen_by=model, preset="real-kept"
    )


def test_one_rate_is_no_choice_between_rates(alone, evidence):
    table = dropout_table(alone, "real")
    assert say(table.title) == "Table 2. Cross-validation, real films alone"
    assert not {"chosen", "best"} & set(table.letters)
    assert "stratified by label" in say(table.note) and "Task 2" not in say(table.note)
    assert "learned 2 times" in say(table.note)
    paper = dropout_table(evidence, "multi")
    assert "different drop-out rates" in say(paper.title)
    assert "chosen" in paper.letters and "Task 2" in say(paper.note)


def test_the_workflow_counts_the_films_that_took_part(alone, evidence):
    refused = with_study(alone, cohort={**alone.study["cohort"], "refused": {"a.jpg": "no lungs"}})
    rows = (dataclasses.replace(alone.cases[0], part="refused"), *alone.cases[1:])
    figure = workflow_figure(dataclasses.replace(refused, cases=rows))
    said = figure.svg("en")
    assert "239 films, 239 patients" in said
    assert "No film is set aside" in say(figure.caption) and "refused (1)" in say(figure.caption)
    assert "The test set is set aside" in say(workflow_figure(evidence).caption)


def test_notes_follow_the_design(alone, evidence):
    assert "30 films of a stage" not in say(classes_table(alone).note)
    assert "mean probabilities of the 2 networks" in say(classes_table(alone).note)
    assert "30 films of a stage" in say(classes_table(evidence).note)
    table = calibration_table(alone)
    assert table is not None
    assert "study.json" not in say(table.note) and "result.json" in say(table.note)
    heads = [say(row.text) for row in table.rows if isinstance(row, Heading)]
    assert all(head.endswith("cross-validation") for head in heads)
    whole = calibration_table(evidence)
    assert whole is not None
    assert all(say(row.text).endswith("test set") for row in whole.rows if isinstance(row, Heading))
    assert "study.json" in say(whole.note) and "bundle" in say(whole.note)
    kept = calibration_table(with_study(evidence, kept=True))
    assert kept is not None and "bundle" not in say(kept.note)


def test_tables_have_no_column_for_a_test_set_that_is_not_there(alone, evidence):
    for make in (areas_table, baselines_table):
        for study, there in ((alone, False), (evidence, True)):
            heads = [say(column.group) + say(column.name) for column in make(study).columns]
            assert any("test set" in head for head in heads) == there


def test_what_together_is_stands_below_its_row(alone):
    assert "together" in alone.groups
    assert "Network and features together: the mean" in say(baselines_table(alone).note)
    assert "paper" not in say(baselines_table(alone).note)


def test_title_and_first_weights_say_where_networks_began(alone, evidence):
    assert say(title_of(alone)).endswith("from what a finished backbone sees")
    nothing = with_study(alone, kept=False)
    assert say(title_of(nothing)).endswith("learned from nothing")
    given = {"stage": "given", "origin": "konio", "file": "x.safetensors", "sha256": "2" * 64}
    started = with_study(nothing, pretraining=given)
    assert say(title_of(started)).endswith("from pre-trained weights")
    assert "the backbone of a konio model (file x.safetensors" in say(about(started).lead)
    assert "ChestX-ray14" not in say(about(alone).lead)
    unnamed = with_study(alone, seen_by={"model": "bundle", "sha256": "1" * 64})
    assert "a konio model (SHA-256 111111111111)" in say(about(unnamed).lead)
    kept = with_study(evidence, kept=True, seen_by={"model": "m", "sha256": "1" * 64})
    assert "ChestX-ray14" in say(about(kept).lead)


def test_a_design_that_was_tuned_on_these_films_says_so(alone):
    preset = PRESETS["real-kept"]
    assert "flatters" in preset.about and "偏高" in preset.about_zh
    known = with_study(alone, preset_fingerprint=preset.fingerprint, about="old words")
    assert any("flatters" in say(banner) for banner in about(known).banners)
    changed = with_study(alone, preset_fingerprint="0" * 64, about="old words", about_zh="旧")
    assert "old words" in [say(banner) for banner in about(changed).banners]


def test_provenance_is_chinese_on_a_chinese_page(evidence):
    named = with_study(
        evidence, cohort={**evidence.study["cohort"], "name": "240 made-up patients"}
    )
    rows = {say(name, "zh"): say(value, "zh") for name, value in about(named).provenance}
    assert rows["队列"] == "240名虚构患者：240张胸片，240名患者"
    assert rows["标签"].startswith("鉴别诊断：") and "健康" in rows["标签"]
    done = evidence.study["trials"]["all"]
    assert rows["试验"] == f"共{done}项，完成{done}项，失败0项"
    assert "多任务 0.75" in rows["选定丢弃率"] and "single" not in rows["选定丢弃率"]
