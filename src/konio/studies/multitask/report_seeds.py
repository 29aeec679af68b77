"""Tables 4 and 5 of the paper: the test set over seeds, tested as the paper did, with the size of the effect beside the P."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from konio.report.words import Words
from konio.significance import PairedT, holm, paired_t
from konio.studies.cells import interval, number, p_value, spread, text
from konio.studies.multitask.report_runs import METHODS, Evidence, Question, Run
from konio.studies.multitask.report_scores import MACRO, SCORES, by_unit, paired
from konio.studies.multitask.report_tables import NOTES, OURS, PAPER
from konio.studies.reported import Reported, read
from konio.studies.tables import Column, Heading, Row, Table, say

_NOTES: Final[dict[str, Words]] = {
    "implied": Words(
        "Printed difference times √40 over t; with the t that the printed P or the sign asks for, where the printed one is a misprint.",
        "所印差值×√40÷t；t有印刷错误时按所印P值或符号所要求的t计算。",
    ),
    "dz": Words(
        "Cohen's d_z: mean difference in standard deviations of the differences over seeds. It grows as training noise shrinks and says "
        "nothing about patients.",
        "Cohen d_z：差值均值除以各种子差值的标准差；随训练噪声减小而增大，与患者无关。",
    ),
}


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
    p_values = {key: test.p for key, test in tested.items() if test is not None}
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
                number(_implied_sd(reported, path), 2),
                spread(list(by_unit(old, question, (score, one)).values()), percent=True),
                spread(list(by_unit(new, question, (score, one)).values()), percent=True),
                interval(test.difference if test else None, 2, percent=True, sign=True),
                number(test.sd if test else None, 2, percent=True),
                number(test.cohen_dz if test else None, 2, sign=True),
                number(test.t if test else None, 2),
                p_value(test.p if test else None),
                p_value(adjusted.get((score, one))),
            )
        )
    films = len(new[0].truth) if new else 0
    return Table(
        Words(
            f"Table {place}. Single-task against multi-task on the test set: {say(question.title)}",
            f"表{place} 测试集上单任务与多任务模型的比较：{say(question.title, 'zh')}",
        ),
        _columns(),
        tuple(rows),
        {**reported.footnotes, **NOTES, **_NOTES},
        Words(
            f"Percent, mean ± standard deviation. Ours: {len(new)} multi-task and {len(old)} single-task networks, {films} films of the "
            "test set that have this label.",
            f"百分比，均值±标准差。本研究：{len(new)}个多任务网络，{len(old)}个单任务网络，测试集中有该标签的胸片{films}例。",
        ),
        f"table-{place}",
    )


def _columns() -> tuple[Column, ...]:
    shown = (METHODS["single"], METHODS["multi"])
    return (
        Column(""),
        *(Column(words, PAPER, published=True) for words in shown),
        Column("t", PAPER, published=True),
        Column("P", PAPER, published=True),
        Column(
            Words("SD of the differences", "差值标准差"),
            Words("from its numbers", "由其数值推算"),
            marks=("implied",),
        ),
        *(Column(words, OURS, marks=("seeds",)) for words in shown),
        Column(
            Words("difference, points (95 %, t)", "差值，百分点（95%，t）"),
            OURS,
            marks=("seeds",),
        ),
        Column(Words("SD of the differences", "差值标准差"), OURS, marks=("seeds",)),
        Column("d_z", OURS, marks=("dz",)),
        Column("t", OURS, marks=("seeds",)),
        Column("P", OURS, marks=("seeds",)),
        Column(Words("P, Holm", "P（Holm）"), OURS, marks=("holm",)),
    )


def _seed_test(
    new: Sequence[Run], old: Sequence[Run], question: Question, key: tuple[str, str]
) -> PairedT | None:
    first, second = paired(new, old, question, key)
    return paired_t(first, second) if len(first) > 1 else None


def _implied_sd(reported: Reported, path: str) -> float | None:
    """Standard deviation of the differences that a printed t needs: mean difference times the root of the seeds, over t."""
    single, multi, t = (reported.get(f"{path}.{part}") for part in ("single", "multi", "t"))
    if single is None or multi is None or t is None or single.value is None or multi.value is None:
        return None
    seeds = reported["design.seeds"].value or 0.0
    size = t.implied if t.implied is not None else t.value
    return abs(multi.value - single.value) * math.sqrt(seeds) / abs(size) if size else None
