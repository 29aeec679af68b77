"""The page: its answer, its definitions, every flaw of the paper, baselines in every table, both languages."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path
from typing import Any

import pytest
from tests.studies.nodules.made_up_trials import tiny, write_study

from konio.report.words import Words
from konio.studies.nodules import record
from konio.studies.nodules.report_words import BASELINE_WORDS, numbered
from konio.studies.reported import read
from konio.studies.runner import Trial


@pytest.fixture(scope="module")
def out(tmp_path_factory: Any) -> Path:
    """A full report: three seeds of five single-task networks and of the network of all questions, which is the better one."""
    folder = tmp_path_factory.mktemp("nodules") / "out"

    def rule(trial: Trial) -> float:
        fold, seed = trial.settings["fold"], trial.settings["seed"]
        better = {"multi": 0.2, "single-malignancy": 0.0, "single-margin": 0.4}
        return 0.5 + better.get(trial.settings["group"], 0.1) + 0.01 * fold + 0.01 * (seed - 1)

    preset = tiny(more_seeds=(2, 3), folds=3)
    write_study(folder, preset, rule, origin="konio bundle")
    record.report(folder)
    return folder


def page(out: Path) -> str:
    return html.unescape((out / "index.html").read_text())


def table(out: Path, number: int) -> list[dict[str, str]]:
    with (out / "tables" / f"table-{number}.csv").open() as file:
        return [row for row in csv.DictReader(file) if not next(iter(row.values())).startswith("#")]


def test_every_flaw_of_the_paper_is_a_footnote(out: Path) -> None:
    text = page(out)
    for key, words in read("nodules").flaws.items():
        assert words.en in text and words.zh in text, key


def test_every_fact_of_the_papers_design_and_claims_is_shown_beside_ours(out: Path) -> None:
    reported = read("nodules")
    shown = table(out, 9)
    facts = len(reported.below("design")) + len(reported.below("claims"))
    assert len(shown) == facts + 1  # and the accuracy of people's readings
    assert {row["section"] for row in shown} == {"design", "claims"}
    printed = [row["Paper C (published)"] for row in shown]
    assert "far below two classes" in printed and "drawn as an output, not asked" in printed
    ours = {row[""]: row["This study"] for row in shown}
    assert ours["multi-task is better in every question"].startswith("accuracy higher in 5 of 5")


def test_the_answer_stands_first_with_its_intervals(out: Path) -> None:
    text = page(out)
    answer = text[text.index('id="answer"') : text.index('id="design"')]
    assert text.index('id="answer"') < text.index('id="readings"') < text.index('id="networks"')
    gap = r"accuracy \+0\.200 \(\+0\.200 to \+0\.200\), better; area under the curve \+0\.200"
    assert re.search(gap, answer)
    assert "accuracy better in 5, worse in 0, not settled in 0" in answer
    assert re.search(
        r"told from all answers.*minus the answer itself \+0\.020 \(\+0\.020 to \+0\.020\), better",
        answer,
    )
    assert "全部回答判断恶性" in answer
    assert "准确率更优5项、更差0项、未定0项" in answer
    for words in BASELINE_WORDS.values():
        assert words.en in answer and words.zh in answer
    assert "People's readings alone" in answer and "仅用人工读片" in answer


def test_a_network_that_beats_nothing_is_said_to(tmp_path: Path) -> None:
    write_study(tmp_path / "out", tiny(singles=("malignancy",)), lambda trial: 0.5)
    record.report(tmp_path / "out")
    text = page(tmp_path / "out")
    assert "not shown to be better than majority, diameter only, shape and brightness" in text
    assert "未能证明优于多数类、仅直径、形状与密度" in text
    assert "not settled, since the interval holds 0" in text


def test_the_upper_class_of_every_question_is_defined(out: Path) -> None:
    rows = {row["question"]: row for row in table(out, 8)}
    assert len(rows) == 9
    assert rows["Diameter"]["upper class"] == "8 mm or more"
    assert rows["Calcification"]["upper class"] == "present to most of its readers"
    assert rows["Texture"]["upper class"] == "mean above 3.25 (5 solid)"
    assert rows["Texture"]["lower class"] == "mean below 2.75 (1 non-solid)"
    text = page(out)
    assert "3.25（5 实性）" in text and "8毫米及以上" in text


@pytest.mark.parametrize("number", range(1, 10))
def test_captions_have_numbers(out: Path, number: int) -> None:
    text = page(out)
    assert f"Table {number}. " in text and f"表{number} " in text
    assert (out / "tables" / f"table-{number}.md").read_text().startswith(f"**Table {number}. ")


def test_figures_have_numbers_too(out: Path) -> None:
    text = page(out)
    assert "Figure 2. " in text and "图3 " in text
    assert numbered("figure-3", Words("a", "甲")) == ("Figure 3. a", "图3 甲")


@pytest.mark.parametrize("number", [1, 2, 4])
def test_baselines_are_columns_of_every_table_of_answers(out: Path, number: int) -> None:
    row = next(row for row in table(out, number) if row["question"] == "Suspicion of malignancy")
    for words in BASELINE_WORDS.values():
        assert 0 <= float(row[f"{words.en}: accuracy"]) <= 1
        assert row[f"{words.en}: accuracy low"]


@pytest.mark.parametrize("number", [3, 5])
def test_baselines_are_rows_of_every_table_of_comparisons(out: Path, number: int) -> None:
    first = "multi-task minus" if number == 3 else "answers come from"
    names = [row[first] for row in table(out, number)]
    assert {words.en for words in BASELINE_WORDS.values()} <= set(names)


def test_printed_differences_are_those_of_the_printed_numbers(out: Path) -> None:
    name = "Suspicion of malignancy"
    single, multi = (
        next(float(row["This study: AUC"]) for row in table(out, k) if row["question"] == name)
        for k in (1, 2)
    )
    gap = next(
        float(row["AUC: difference"])
        for row in table(out, 3)
        if (row["section"], row["multi-task minus"]) == (name, "single-task")
    )
    assert gap == pytest.approx(multi - single)
    assert "(3 of the multi-task network, 3 of single-task ones)" in page(out)


def test_the_chinese_page_says_it_in_chinese(out: Path) -> None:
    text = page(out)
    assert "3次训练" not in text and "57次中完成57次，失败0次" in text
    assert "LIDC-IDRI层面：12名患者的24个结节" in text
    assert "已完成的konio模型 konio-nodule（SHA-256 12678f25515a）" in text
    assert "a finished konio model konio-nodule (SHA-256 12678f25515a)" in text
    assert "计算机系统应用" in text
    assert "bundle bundle" not in text


def test_relevance_has_an_interval_for_every_measure(out: Path) -> None:
    for row in table(out, 7):
        for start in ("cosine of raw", "centred", "Spearman", "mutual"):
            low, high = (
                next(float(v) for k, v in row.items() if k.startswith(start) and k.endswith(end))
                for end in ("low", "high")
            )
            assert low <= high
    text = page(out)
    assert "Mean over folds and repeats with" in text


def test_what_is_not_pretrained_is_compared_with_what_is_not_either(tmp_path: Path) -> None:
    place = {"multi": 0.8, "from-nothing": 0.6, "plain-slice": 0.55, "equal": 0.75}

    def rule(trial: Trial) -> float:
        return place[trial.settings["group"]] + 0.01 * trial.settings["fold"]

    preset = tiny(
        singles=(), ablations=("equal", "from-nothing", "plain-slice"), plain={"dropout": 0.1}
    )
    write_study(tmp_path / "out", preset, rule, origin="konio bundle")
    record.report(tmp_path / "out")
    column = "AUC of malignancy minus the first row's"
    away = {row["answers come from"]: row[column] for row in table(tmp_path / "out", 5)}
    assert float(away["one slice instead of the mosaic"]) == pytest.approx(-0.05)
    assert float(away["from nothing, not pre-trained"]) == pytest.approx(-0.2)
    assert float(away["equal weights"]) == pytest.approx(-0.05)
    assert float(away["the same, malignancy told from all its answers"]) == pytest.approx(0.02)
    assert "minus the row that is not pre-trained either" in page(tmp_path / "out")
