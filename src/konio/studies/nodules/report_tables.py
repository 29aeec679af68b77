"""The tables of the networks: the paper's 1 and 2 beside ours, their difference, three classes, ablations; baselines in every one."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.significance import Interval, holm
from konio.studies.cells import count, empty, number, p_value, text
from konio.studies.nodules.design import FROM_NOTHING, MULTI, Group
from konio.studies.nodules.evidence import FROM_ANSWERS, SCORES, Evidence, mean_over
from konio.studies.nodules.report_words import (
    BASELINE_WORDS,
    FROM_ANSWERS_WORDS,
    MULTI_WORDS,
    NOTES,
    OURS,
    PAPER,
    QUESTION,
    SCORE_WORDS,
    SINGLE_WORDS,
    interval,
    numbered,
    words_of,
)
from konio.studies.reported import Reported
from konio.studies.tables import Cell, Column, Heading, Row, Table
from konio.tasks import MISSING, NODULE_TASKS

_PRINTED = ("accuracy", "sensitivity", "specificity")


def answers_table(
    name: str,
    title: Words,
    evidence: Evidence,
    groups: Mapping[str, str],
    classes: Mapping[str, NDArray[np.int64]],
    reported: Reported,
) -> Table:
    """Tables 1 and 2: every question with its baselines and the paper's numbers.

    Args:
        name: ``table-1`` or ``table-2``; also where the paper's numbers are found.
        title: of the table.
        evidence: the finished trainings, with baselines.
        groups: question to the group that answers it.
        classes: question to two classes of every measured nodule.
        reported: the paper.
    """
    ours = tuple(
        Column(SCORE_WORDS[s], group=OURS, marks=("corrected",) if s == "accuracy" else ())
        for s in SCORES
    )
    beside = tuple(
        Column(SCORE_WORDS[s], group=BASELINE_WORDS[b], marks=("same-folds",) if (b, s) == ("majority", "accuracy") else ())
        for b in BASELINE_WORDS for s in ("accuracy", "auc")
    )  # fmt: skip
    printed = tuple(Column(SCORE_WORDS[s], group=PAPER, published=True) for s in _PRINTED)
    rows: list[Row] = []
    for question, group in groups.items():
        known = classes[question][classes[question] != MISSING]
        share = float((known == 1).mean()) if len(known) else math.nan
        rows.append(
            [
                text(words_of(question)),
                count(len(known)),
                number(share, 2),
                *(interval(evidence.interval(group, question, s)) for s in SCORES),
                *(_beside(evidence, b, question, s) for b in BASELINE_WORDS for s in ("accuracy", "auc")),
                *(reported.cell(f"{name}.{question}.{s}", 3) for s in _PRINTED),
            ]
        )  # fmt: skip
    heads = (
        QUESTION,
        Column(Words("nodules", "结节")),
        Column(Words("upper class", "高分类"), marks=("upper",)),
    )
    notes = {**reported.footnotes, **NOTES}
    shown = numbered(name, title)
    return Table(shown, (*heads, *ours, *beside, *printed), tuple(rows), notes, name=name)


def _beside(evidence: Evidence, baseline: str, question: str, score: str) -> Cell:
    """A baseline's mean, with its bounds in the file."""
    if baseline == question:
        return empty("itself")
    found = evidence.interval(baseline, question, score)
    shown = number(None if found is None else found.estimate)
    return replace(shown, numbers=interval(found).numbers)


def difference_table(
    evidence: Evidence, questions: Sequence[str], singles: Sequence[str]
) -> Table | None:
    """Table 3: the multi-task network minus the single-task one and minus every baseline, fold by fold.

    Args:
        evidence: the finished trainings, with baselines.
        questions: in order.
        singles: those that have a network of their own.

    Returns:
        ``None`` where nothing can be compared yet.
    """
    scores = ("accuracy", "balanced_accuracy", "auc")
    rivals = {"": SINGLE_WORDS, **BASELINE_WORDS}
    found = {
        (rival, q, s): evidence.difference(MULTI, rival or evidence.single(q), q, s)
        for rival in rivals
        for q in (questions if rival else singles)
        for s in scores
        if rival != q
    }
    adjusted: dict[tuple[str, str, str], float] = {}
    for rival in rivals:
        tested = {k: v[1] for k, v in found.items() if v is not None and k[0] == rival}
        adjusted |= dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
    rows: list[Row] = []
    for question in questions:
        known = {
            r: w for r, w in rivals.items() if found.get((r, question, "accuracy")) is not None
        }
        rows += [Heading(words_of(question))] if known else []
        for rival, words in known.items():
            cells: list[Cell] = [text(words)]
            for score in scores:
                value = found[rival, question, score]
                cells.append(empty() if value is None else interval(value[0], sign=True))
                cells.append(p_value(adjusted.get((rival, question, score))))
            rows.append(cells)
    columns = [Column(Words("multi-task minus", "多任务减"))]
    for score in scores:
        columns.append(
            Column(Words("difference", "差值"), group=SCORE_WORDS[score], marks=("corrected",))
        )
        columns.append(Column("p", group=SCORE_WORDS[score], marks=("holm",)))
    title = numbered(
        "table-3",
        Words("Multi-task minus single-task and minus the baselines", "多任务减单任务及基线"),
    )
    used, seeds = evidence.seeds(MULTI), max(map(evidence.seeds, map(evidence.single, singles)), default=0)  # fmt: skip
    note = Words(
        "Above 0 the multi-task network is better. Differences are those of Tables 1 and 2: of a fold's seeds the mean is taken on "
        f"either side ({used} of the multi-task network, {seeds} of single-task ones).",
        f"大于0表示多任务更优。差值与表1、表2一致：两侧均先取折内种子平均（多任务{used}个，单任务{seeds}个）。",
    )
    return Table(title, tuple(columns), tuple(rows), NOTES, note, "table-3") if rows else None


def three_class_table(evidence: Evidence, questions: Sequence[str]) -> Table:
    """Table 4: below, at and above grade 3, with the baselines on the same three classes."""
    groups = {MULTI: MULTI_WORDS, "": SINGLE_WORDS, **BASELINE_WORDS}
    scores = ("accuracy", "balanced_accuracy")
    columns = [
        QUESTION,
        *(
            Column(SCORE_WORDS[s], group=w, marks=("corrected",) if (g, s) == (MULTI, "accuracy") else ())
            for g, w in groups.items() for s in scores
        ),
    ]  # fmt: skip
    rows: list[Row] = []
    for question in questions:
        task = NODULE_TASKS[question]
        marks = () if task.ordered and question != "diameter" else ("two-only",)
        cells: list[Cell] = [text(words_of(question), *marks)]
        for group in groups:
            name = group or evidence.single(question)
            if group == question:
                cells += [empty("itself")] * len(scores)
                continue
            cells += [interval(evidence.interval(name, question, s, 3)) for s in scores]
        rows.append(cells)
    title = Words("Three classes: below, at and above grade 3", "三分类：低于、等于、高于3分")
    note = Words(
        "No nodule is left out: a mean of exactly 3 is a class of its own. Compare with the majority, which three classes lower too.",
        "不弃去任何结节：均值恰为3者自成一类。请与多数类比较，三分类时其准确率同样下降。",
    )
    return Table(numbered("table-4", title), tuple(columns), tuple(rows), NOTES, note, "table-4")


def ablation_table(evidence: Evidence, groups: Sequence[Group], questions: Sequence[str]) -> Table:
    """Table 5: networks that differ from the multi-task one in one thing, and the baselines below them."""
    named = {g.name: Words(g.about or g.name, g.about_zh or g.name) for g in groups}
    rows: list[Row] = [Heading(Words("networks", "网络"))]
    anew = {g.name for g in groups if g.starts_anew} - {FROM_NOTHING.name}
    alike = anew if FROM_NOTHING.name in evidence.groups else set()
    rows += [
        _ablation(evidence, name, words, questions, alike)
        for name, words in named.items()
        if name in evidence.groups
    ]
    if evidence.cells(FROM_ANSWERS, "malignancy", "auc"):
        rows.insert(2, _ablation(evidence, FROM_ANSWERS, FROM_ANSWERS_WORDS, questions))
    rows.append(Heading(Words("baselines", "基线")))
    rows += [_ablation(evidence, name, words, questions) for name, words in BASELINE_WORDS.items()]
    malignancy = words_of("malignancy")
    columns = (
        Column(Words("answers come from", "回答来自")),
        Column(SCORE_WORDS["accuracy"], group=malignancy, marks=("corrected",)),
        Column(SCORE_WORDS["auc"], group=malignancy),
        Column(Words("mean balanced accuracy of all questions", "全部问题平衡准确率均值")),
        Column(Words("AUC of malignancy minus the first row's", "恶性AUC与首行之差")),
    )
    title = numbered("table-5", Words("One thing changed at a time", "逐项消融"))
    return Table(title, columns, tuple(rows), NOTES, name="table-5")


def _mean(name: str, own: Mapping[str, Interval | None]) -> Cell:
    return empty() if name == FROM_ANSWERS else number(mean_over(own))


def _ablation(
    evidence: Evidence,
    name: str,
    words: Words,
    questions: Sequence[str],
    alike: Collection[str] = (),
) -> list[Cell]:
    """One row; names in ``alike`` are not pre-trained and are compared with the network that is not either."""
    own = {q: evidence.interval(name, q, "balanced_accuracy") for q in questions}
    other = FROM_NOTHING.name if name in alike else MULTI
    away = evidence.difference(name, other, "malignancy", "auc")
    difference = empty() if away is None or name == MULTI else interval(away[0], sign=True)
    return [
        text(words),
        *(interval(evidence.interval(name, "malignancy", s)) for s in ("accuracy", "auc")),
        empty("not-all") if name in questions else _mean(name, own),
        replace(difference, marks=("minus-anew",)) if name in alike else difference,
    ]
