"""Table 12: subgroups. Table 16: which covariates differ between the classes, and could give them away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from konio.report.words import Words
from konio.studies.cells import count, empty, number, text
from konio.studies.multitask.report_pooled import common, pool
from konio.studies.multitask.report_runs import METHODS, CaseRow, Evidence, Question, pair_of
from konio.studies.subgroups import (
    COVARIATES,
    FEWEST,
    MOST_VALUES,
    UNKNOWN,
    subgroup_table,
    subgroups,
    value_words,
)
from konio.studies.tables import Cell, Column, Heading, Row, Table, say

_NOTES: Final[Mapping[str, Words]] = {
    "tells": Words(
        "How much the covariate tells of the class: Cramér's V, or of a number the correlation ratio η; 0 nothing, 1 everything. Where it "
        "is high, a network may answer from what goes with the class and not from the disease.",
        "该变量与类别的关联强度：分类变量为Cramér V，数值变量为相关比η；0为无关，1为完全决定。数值高时，网络可能依据与类别相伴的因素而非病变作答。",
    ),
    "small": Words(
        f"Suppressed: fewer than {FEWEST} patients, or the one that could be had by subtraction.",
        f"已隐去：患者少于{FEWEST}名，或可由减法推得。",
    ),
}


def subgroups_table(evidence: Evidence, task: str) -> Table | None:
    """Table 12: accuracy in every subgroup of every covariate; ``None`` where there is no covariate or no answer.

    Measured on the held-out films of the cross-validation, which are many more than those of the test set.
    """
    methods = pair_of(evidence)
    pooled = [pool(evidence.best(task, method)) for method in methods]
    if len(methods) == 2:
        both = common(*pooled)
        answers = list(both) if both else []
    else:
        answers = [own for own in pooled if own is not None]
    if len(answers) != len(methods):
        return None
    position = answers[0].position
    found = subgroups(
        [evidence.cases[int(place)].covariates for place in position],
        evidence.patients(position),
        [own.right for own in answers],
    )
    if not found:
        return None
    question = evidence.questions[task]
    title = Words(
        f"Table 12{_suffix(evidence, task)}. Subgroups: {say(question.title)}",
        f"表12{_suffix(evidence, task)} 亚组：{say(question.title, 'zh')}",
    )
    note = Words(
        "Held-out films of the cross-validation. Groups differ in their mixture of classes, so that a difference between groups is "
        "no proof of unfairness; a group far below all others is worth a look.",
        "交叉验证留出样本。各组类别构成不同，组间差异不等于不公平；明显低于其他组者值得检查。",
    )
    return subgroup_table(
        found,
        [METHODS[method] for method in methods],
        title,
        f"table-12{_suffix(evidence, task)}",
        note,
    )


def _suffix(evidence: Evidence, task: str) -> str:
    """a, b ... where there are several questions."""
    names = list(evidence.questions)
    return "abcdef"[names.index(task)] if len(names) > 1 else ""


def balance_table(evidence: Evidence, task: str) -> Table | None:
    """Table 16: every covariate by class; ``None`` where there is none.

    Args:
        evidence: of the study.
        task: the question whose classes are compared.

    References:
        Dossier section 4.1, gap 17: the paper reports neither sex nor device of the healthy and the tuberculosis patients.
    """
    question = evidence.questions[task]
    people = _one_film_each(evidence, task)
    names = dict.fromkeys(name for row in people for name in row.covariates)
    rows: list[Row] = []
    for name in names:
        rows += _balance_rows(name, people, task, question)
    if not rows:
        return None
    suffix = _suffix(evidence, task)
    classes = [[row for row in people if row.labels[task] == one] for one in question.classes]
    return Table(
        Words(
            f"Table 16{suffix}. Covariates by class: {say(question.title)}",
            f"表16{suffix} 各类别的协变量：{say(question.title, 'zh')}",
        ),
        (
            Column(""),
            *(
                Column(Words(f"{words.en} ({len(own)})", f"{words.zh}（{len(own)}）"))
                for words, own in zip(question.words, classes, strict=True)
            ),
            Column(Words("tells of the class", "与类别的关联"), marks=("tells",)),
        ),
        tuple(rows),
        dict(_NOTES),
        Words(
            "Patients (percent of those whose value is known), of numbers mean ± standard deviation. The paper gives these of its exposed workers "
            "alone.",
            "患者数（占已知者百分比）；数值变量为均值±标准差。论文仅给出接尘工人的情况。",
        )
        if evidence.pair == ("multi", "single")
        else Words(
            "Patients (percent of those whose value is known), of numbers mean ± standard deviation.",
            "患者数（占已知者百分比）；数值变量为均值±标准差。",
        ),
        f"table-16{suffix}",
    )


def _one_film_each(evidence: Evidence, task: str) -> list[CaseRow]:
    """The first film of every patient that has a label."""
    first: dict[str, CaseRow] = {}
    for row in evidence.measured:
        if task in row.labels:
            first.setdefault(row.patient_id, row)
    return list(first.values())


def _balance_rows(name: str, people: Sequence[CaseRow], task: str, question: Question) -> list[Row]:
    known = [row for row in people if _known(row.covariates.get(name, ""))]
    values = [row.covariates[name].strip() for row in known]
    owner = np.array([question.classes.index(row.labels[task]) for row in known], np.int64)
    if len(set(owner.tolist())) < 2 or len(set(values)) < 2:
        return []  # known of one class alone, or the same of all
    numbers = [_number(value) for value in values]
    heading = COVARIATES.get(name, name)
    if len(set(values)) > MOST_VALUES:
        if any(math.isnan(value) for value in numbers):
            return []
        cells = [_mean(np.array(numbers)[owner == k]) for k in range(len(question.classes))]
        mean = text(Words("mean ± standard deviation", "均值±标准差"))
        return [Heading(heading), (mean, *cells, number(_ratio(np.array(numbers), owner), 2))]
    order = sorted(
        set(values), key=lambda v: (_number(v) if all(map(math.isfinite, numbers)) else 0, v)
    )
    table = np.array([[np.sum((owner == k) & (np.array(values) == v)) for k in range(len(question.classes))] for v in order])  # fmt: skip
    hidden = _hidden(table)
    totals = table.sum(axis=0)
    rows: list[Row] = [Heading(heading)]
    for place, value in enumerate(order):
        cells = [
            _count(table[place, k], totals[k], bool(hidden[place, k])) for k in range(len(totals))
        ]
        tells = number(_cramer(table), 2) if place == 0 else empty()
        rows.append((text(value_words(value)), *cells, tells))
    lost = [row for row in people if not _known(row.covariates.get(name, ""))]
    if lost:
        unknown = [sum(row.labels[task] == one for row in lost) for one in question.classes]
        rows.append((text(Words("not known", "未知")), *map(count, unknown), empty()))
    return rows


def _known(value: str) -> bool:
    """Whether there is a value; ``none`` is one, such as of enlarged nodes."""
    return value.strip().casefold() not in UNKNOWN - {"none"}


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Cell:
    """Mean ± standard deviation; nothing of fewer patients than a cell must have."""
    if not len(values):
        return empty()
    if len(values) < FEWEST:
        return Cell("–", marks=("small",))
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return Cell(f"{mean:.1f} ± {sd:.1f}", {"": mean, "sd": sd})


def _count(patients: int, of: int, hidden: bool) -> Cell:
    if not of:
        return empty()
    if hidden:
        return Cell("–", marks=("small",))
    share = 100 * float(patients) / float(of)
    return Cell(f"{count(int(patients)).text} ({share:.1f})", {"": int(patients), "percent": share})


def _hidden(
    table: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Cells of a few patients; where one stands alone in its class, the next smallest with it, since the class's total is known."""
    hidden = (table > 0) & (table < FEWEST)
    for k in range(table.shape[1]):
        if hidden[:, k].sum() == 1:
            rest = np.where(hidden[:, k] | (table[:, k] == 0), np.iinfo(np.int64).max, table[:, k])
            hidden[int(rest.argmin()), k] = True
    return hidden


def _cramer(table: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> float | None:
    """Cramér's V of a table of counts, of the values and classes that occur."""
    counts = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    if min(counts.shape) < 2:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    squared = float(((counts - expected) ** 2 / expected).sum())
    return math.sqrt(squared / counts.sum() / (min(counts.shape) - 1))


def _ratio(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    owner: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> float | None:
    """Correlation ratio η: root of the share of the variance that lies between the classes."""
    whole = float(((values - values.mean()) ** 2).sum())
    own = [values[owner == k] for k in np.unique(owner)]
    between = sum(len(group) * float(group.mean() - values.mean()) ** 2 for group in own)
    return math.sqrt(between / whole) if whole else None
