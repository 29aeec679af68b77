"""Tables 1 to 5 of the paper: its numbers in columns of their own, ours beside them, its flaws as footnotes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from konio.report.words import Words
from konio.significance import holm, paired_t
from konio.studies.cells import count, digits, empty, interval, number, p_value, spread, text
from konio.studies.multitask.report_runs import METHODS, Evidence, Question, Run
from konio.studies.multitask.report_scores import MACRO, SCORES, by_unit, over_folds, paired
from konio.studies.reported import Reported, read
from konio.studies.subgroups import COVARIATES
from konio.studies.tables import Cell, Column, Heading, Row, Table, Text, say

PAPER: Final = Words("Paper A", "论文A")
OURS: Final = Words("This study", "本研究")

#: Footnotes to our own columns.
NOTES: Final[dict[str, Words]] = {
    "t-folds": Words(
        "Mean ± t · s / √k over the folds, as papers print it. Folds share training films, so that this is too narrow. Cut at the ends of the scale.",
        "各折均值±t·s/√k，论文常用写法。各折共用训练样本，故区间过窄。以量表两端为界。",
    ),
    "nadeau-bengio": Words(
        "Corrected for the films that folds share (Nadeau and Bengio 2003); 1.45 times as wide with ten folds. The one to believe. Cut at the ends of the scale.",
        "按各折共用样本校正（Nadeau与Bengio 2003），十折时宽1.45倍。应以此为准。以量表两端为界。",
    ),
    "seeds": Words(
        "Mean ± standard deviation over seeds on one test set; the paired t-test over seeds is repeated as the paper did it. It "
        "measures the noise of training alone: another choice of patients is not in it (Table 6).",
        "同一测试集上各随机种子的均值±标准差；配对t检验按论文做法重复，仅反映训练随机性，不含病例抽样误差（见表6）。",
    ),
    "holm": Words("Adjusted for all tests of this table (Holm).", "按Holm法对本表全部检验校正。"),
    "chosen": Words(
        "Chosen on cross-validation alone and used in Tables 4 and 5.",
        "仅依据交叉验证选定，用于表4、5。",
    ),
}


def cohort_table(evidence: Evidence) -> Table:
    """Table 1: who was examined; the paper's exposed workers beside ours."""
    reported = read("multitask")
    exposed = [
        row
        for row in evidence.cases
        if row.part in ("train", "test") and row.labels.get("stage") is not None
    ]
    groups = {
        "pneumoconiosis": [row for row in exposed if row.labels["stage"] != "0"],
        "no-pneumoconiosis": [row for row in exposed if row.labels["stage"] == "0"],
    }
    rows: list[Row] = [_cohort_row(Words("films", "胸片"), reported, "all", [count(len(g)) for g in groups.values()])]  # fmt: skip
    for key, name, covariate, value in (
        ("men", Words("men", "男性"), "sex", ("M", "m", "male", "男")),
        ("coal", Words("coal dust", "煤尘"), "dust", ("coal", "煤尘")),
        ("silica", Words("silica dust", "矽尘"), "dust", ("silica", "矽尘")),
    ):
        cells = [
            _share([row.covariates.get(covariate) for row in g], value) for g in groups.values()
        ]
        rows.append(_cohort_row(name, reported, key, cells))
    for key in ("age", "exposure_years"):
        cells = [_range([row.covariates.get(key) for row in g]) for g in groups.values()]
        rows.append(_cohort_row(COVARIATES[key], reported, key, cells))
    heads = (Words("pneumoconiosis", "尘肺"), Words("no pneumoconiosis", "无尘肺"))
    return Table(
        Words("Table 1. Dust-exposed workers", "表1 接尘工人的特征"),
        (
            Column(""),
            *(Column(head, PAPER, published=True) for head in heads),
            *(Column(head, OURS) for head in heads),
        ),
        tuple(rows),
        reported.footnotes,
        Words(
            "Numbers with percent in brackets, or ranges. All others of the cohort stand in the provenance below.",
            "数值（百分比）或范围；队列其余信息见页末。",
        ),
        "table-1",
    )


def _cohort_row(name: Text, reported: Reported, key: str, ours: Sequence[Cell]) -> Row:
    groups = ("pneumoconiosis", "no-pneumoconiosis")
    return (text(name), *(reported.cell(f"table-1.{key}.{group}", 0) for group in groups), *ours)


def _share(values: Sequence[str | None], wanted: tuple[str, ...]) -> Cell:
    known = [value for value in values if value]
    if not known:
        return empty()
    hits = sum(value in wanted for value in known)
    return Cell(f"{hits} ({100 * hits / len(known):.2f})", {"": hits, "of": len(known)})


def _range(values: Sequence[str | None]) -> Cell:
    numbers = []
    for value in values:
        try:
            numbers.append(float(value or "nan"))
        except ValueError:
            continue
    known = [value for value in numbers if math.isfinite(value)]
    if not known:
        return empty()
    return Cell(f"{min(known):g}–{max(known):g}", {"low": min(known), "high": max(known)})


def dropout_table(evidence: Evidence, method: str) -> Table:
    """Tables 2 (``single``) and 3 (``multi``): cross-validation at every drop-out rate."""
    reported, place = read("multitask"), {"single": "2", "multi": "3"}.get(method, "2")
    paper = f"table-{place}" if method in ("single", "multi") else ""
    rows: list[Row] = []
    for name, question in evidence.questions.items():
        rows.append(Heading(question.title))
        best = evidence.chosen(name, method)
        for rate in evidence.dropouts:
            runs = evidence.of(name, method, "cv", rate)
            rows += _rate_rows(evidence, reported, f"{paper}.{name}", runs, question, rate, rate == best)  # fmt: skip
    folds = evidence.study["design"]["folds"]
    word = METHODS[method]
    return Table(
        Words(
            f"Table {place}. Cross-validation at different drop-out rates, {word.en}",
            f"表{place} 不同丢弃率下的交叉验证结果，{word.zh}",
        ),
        (
            Column(Words("drop-out", "丢弃率")),
            Column(Words("score", "指标")),
            *([Column(Words("% (95 % CI)", "%（95%CI）"), PAPER, published=True)] if paper else []),
            Column(
                Words("% (95 %, t over folds)", "%（95%，各折t区间）"), OURS, marks=("t-folds",)
            ),
            Column(
                Words("% (95 %, Nadeau–Bengio)", "%（95%，Nadeau–Bengio）"),
                OURS,
                marks=("nadeau-bengio",),
            ),
            Column(Words("folds", "折数"), OURS),
        ),
        tuple(rows),
        {**reported.footnotes, **NOTES},
        Words(
            f"{folds} folds, grouped by patient, stratified by healthy, tuberculosis, stage 0, I, II, III. Task 2 is measured on "
            "dust-exposed people alone. Precision, sensitivity and F1 are macro means.",
            f"{folds}折，按患者分组，按健康、肺结核、0、I、II、III期分层。任务二仅在接尘者中评价。精确度、灵敏度和F1为宏平均。",
        ),
        f"table-{place}",
    )


def _rate_rows(
    evidence: Evidence,
    reported: Reported,
    paper: str,
    runs: Sequence[Run],
    question: Question,
    rate: float,
    best: bool,
) -> list[Row]:
    rows: list[Row] = []
    for score, words in SCORES.items():
        values = list(by_unit(runs, question, (score, "mean")).values())
        narrow, right = over_folds(values, evidence.study["design"]["folds"])
        first = Cell(f"{rate:.2f}", strong=best and score == "accuracy")
        if best and score == "accuracy":
            first = first.marked("chosen")
        if score != "accuracy":
            first = Cell("", {"": rate})
        ours = interval(narrow, 2, percent=True) if narrow else number(values[0] if values else None, 2, percent=True)  # fmt: skip
        path = f"{paper}.{f'{rate:.2f}'.replace('.', ':')}.{score}"
        printed = [reported.cell(path)] if not paper.startswith(".") else []
        rows.append((first, text(words), *printed, ours, interval(right, 2, percent=True), count(len(values))))  # fmt: skip
    return rows


def seeds_table(evidence: Evidence, task: str) -> Table:
    """Tables 4 (task 1) and 5 (task 2): the test set over seeds, single-task against multi-task."""
    reported, question = read("multitask"), evidence.questions[task]
    place = {"differential": "4", "stage": "5"}[task]
    new, old = evidence.of(task, "multi", "final"), evidence.of(task, "single", "final")
    keys = [("accuracy", "mean")]
    keys += [
        (s, c) for s in ("precision", "sensitivity", "f1") for c in (*question.classes, "mean")
    ]
    tested = {key: _seed_test(new, old, question, key) for key in keys}
    p_values = {key: test[1] for key, test in tested.items() if test is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    rows: list[Row] = []
    names = {**dict(zip(question.classes, question.words, strict=True)), "mean": MACRO}
    for score, one in keys:
        if score == "accuracy" or one == question.classes[0]:
            rows.append(Heading(SCORES[score]))
        path = f"table-{place}.{score}.{one}"
        label = Words("all films", "全部") if score == "accuracy" else names[one]
        test = tested[score, one]
        rows.append(
            (
                text(label),
                *(reported.cell(f"{path}.{part}") for part in ("single", "multi", "t", "p")),
                spread(list(by_unit(old, question, (score, one)).values()), percent=True),
                spread(list(by_unit(new, question, (score, one)).values()), percent=True),
                number(test[0] if test else None, 2),
                p_value(test[1] if test else None),
                p_value(adjusted.get((score, one))),
            )
        )
    shown = {"single": METHODS["single"], "multi": METHODS["multi"]}
    films = len(new[0].truth) if new else 0
    return Table(
        Words(
            f"Table {place}. Single-task against multi-task on the test set: {say(question.title)}",
            f"表{place} 测试集上单任务与多任务模型的比较：{say(question.title, 'zh')}",
        ),
        (
            Column(""),
            *(Column(words, PAPER, published=True) for words in shown.values()),
            Column("t", PAPER, published=True),
            Column("P", PAPER, published=True),
            *(Column(words, OURS, marks=("seeds",)) for words in shown.values()),
            Column("t", OURS, marks=("seeds",)),
            Column("P", OURS, marks=("seeds",)),
            Column(Words("P, Holm", "P（Holm）"), OURS, marks=("holm",)),
        ),
        tuple(rows),
        {**reported.footnotes, **NOTES},
        Words(
            f"Percent, mean ± standard deviation. Ours: {len(new)} multi-task and {len(old)} single-task networks, {films} films of the "
            "test set that have this label.",
            f"百分比，均值±标准差。本研究：{len(new)}个多任务网络，{len(old)}个单任务网络，测试集中有该标签的胸片{films}例。",
        ),
        f"table-{place}",
    )


def _seed_test(
    new: Sequence[Run], old: Sequence[Run], question: Question, key: tuple[str, str]
) -> tuple[float, float] | None:
    first, second = paired(new, old, question, key)
    if len(first) < 2:
        return None
    found = paired_t(first, second)
    return found.t, found.p


def points(value: float | None) -> Cell:
    """A difference in percentage points, with its sign."""
    if value is None or not math.isfinite(value):
        return empty()
    return replace(number(value, 1, percent=True), text=digits(value, 1, percent=True, sign=True))
