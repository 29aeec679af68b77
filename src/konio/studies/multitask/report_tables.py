"""Tables 1 to 3 of the paper: its numbers in columns of their own, ours beside them, its flaws as footnotes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from konio.report.words import Words
from konio.studies.cells import count, empty, interval, number, text
from konio.studies.multitask.report_runs import METHODS, Evidence, Question, Run
from konio.studies.multitask.report_scores import SCORES, by_unit, over_folds
from konio.studies.reported import Reported, read
from konio.studies.subgroups import COVARIATES, UNKNOWN
from konio.studies.tables import Cell, Column, Heading, Row, Table, Text

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
    "best": Words(
        "The best of those tried on these very folds, so that its figures flatter by that choice.",
        "由同一批折选出的最佳者，其结果因此偏高。",
    ),
    "holm": Words("Adjusted for all tests of this table (Holm).", "按Holm法对本表全部检验校正。"),
    "chosen": Words(
        "Chosen on cross-validation alone and used in Tables 4 and 5.",
        "仅依据交叉验证选定，用于表4、5。",
    ),
}


#: How tables of films call the two dusts that the paper names.
_COAL: Final = ("coal", "煤尘")
_SILICA: Final = ("silica", "矽尘")


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
        ("coal", Words("coal dust", "煤尘"), "dust", _COAL),
        ("silica", Words("silica dust", "矽尘"), "dust", _SILICA),
        ("other", Words("other or mixed dust", "其他或混合粉尘"), "dust", None),
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


def _share(values: Sequence[str | None], wanted: tuple[str, ...] | None) -> Cell:
    """How many of the known values are among those wanted; without any, how many are another dust than the two named ones."""
    known = [value for value in values if value and value.strip().casefold() not in UNKNOWN]
    if not known:
        return empty()
    named = (*_COAL, *_SILICA)
    hits = sum(value not in named if wanted is None else value in wanted for value in known)
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
    word = METHODS[method]
    several = len(evidence.dropouts) > 1
    title = Words("Cross-validation at different drop-out rates", "不同丢弃率下的交叉验证结果")
    title = title if several else Words("Cross-validation", "交叉验证结果")
    return Table(
        Words(f"Table {place}. {title.en}, {word.en}", f"表{place} {title.zh}，{word.zh}"),
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
        _split(evidence),
        f"table-{place}",
    )


def _split(evidence: Evidence) -> Words:
    """How this study's folds were made and what a row of them is."""
    folds, again = evidence.study["design"]["folds"], evidence.repeats
    both = "stage" in evidence.questions
    ways = Words("healthy, tuberculosis, stage 0, I, II, III", "健康、肺结核、0、I、II、III期")
    ways = ways if both else Words("label", "标签")
    more = [Words("Precision, sensitivity and F1 are macro means.", "精确度、灵敏度和F1为宏平均。")]
    if both:
        more.insert(
            0, Words("Task 2 is measured on dust-exposed people alone.", "任务二仅在接尘者中评价。")
        )
    if again > 1:
        more.append(
            Words(
                f"Every fold is learned {again} times, each with another seed; the scores of one fold are averaged first and count once.",
                f"每折以不同随机种子训练{again}次；同一折的指标先取平均，只计一次。",
            )
        )
    return Words(
        " ".join(
            [
                f"{folds} folds, grouped by patient, stratified by {ways.en}.",
                *(own.en for own in more),
            ]
        ),
        "".join([f"{folds}折，按患者分组，按{ways.zh}分层。", *(own.zh for own in more)]),
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
        first = Cell(f"{rate:.2f}", {"": rate}, strong=best and len(evidence.dropouts) > 1)
        if best and score == "accuracy" and len(evidence.dropouts) > 1:
            first = first.marked("chosen" if evidence.tested else "best")
        if score != "accuracy":
            first = Cell("", {"": rate})
        ours = interval(narrow, 2, percent=True) if narrow else number(values[0] if values else None, 2, percent=True)  # fmt: skip
        path = f"{paper}.{f'{rate:.2f}'.replace('.', ':')}.{score}"
        printed = [reported.cell(path)] if not paper.startswith(".") else []
        rows.append((first, text(words), *printed, ours, interval(right, 2, percent=True), count(len(values))))  # fmt: skip
    return rows
