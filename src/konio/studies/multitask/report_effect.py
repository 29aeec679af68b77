"""Table 6: does learning two questions together help, by every kind of uncertainty, and which one to believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from konio.report.words import Words
from konio.significance import (
    Interval,
    clustered_mcnemar,
    crossed_bootstrap,
    nadeau_bengio_interval,
    nadeau_bengio_p,
    paired_t,
    patient_bootstrap,
    t_interval,
    welch_interval,
    welch_p,
)
from konio.studies.cells import count, digits, empty, interval, p_value, telling_places
from konio.studies.multitask.report_pooled import FOLDS, TEST, Pooled, common, pool
from konio.studies.multitask.report_runs import METHODS, Evidence
from konio.studies.multitask.report_scores import paired
from konio.studies.multitask.report_tables import OURS, PAPER
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Heading, Row, Table

#: Draws of every bootstrap on the page.
DRAWS: Final = 2000
#: All chance on the page comes from this seed, so that the same trials give the same page.
SEED: Final = 20240707

_NOTES: Final[dict[str, Words]] = {
    "training": Words(
        "Training noise only: all seeds answer the same patients. What the paper did.",
        "仅训练随机性：所有种子使用同一批患者。即论文做法。",
    ),
    "welch": Words(
        "The same without pairing, since seed 7 of one method has nothing in common with seed 7 of the other.",
        "不配对：两种方法的同一随机种子之间并无关联。",
    ),
    "shared": Words("Folds share training films; too narrow.", "各折共用训练样本，区间过窄。"),
    "corrected": Words(
        "Corrected for the shared films (Nadeau and Bengio): other patients and another training.",
        "已校正共用样本（Nadeau与Bengio）：反映换一批患者并重新训练。",
    ),
    "patients": Words(
        "These trained networks on other patients; their mean probabilities over seeds (test set) or their answers to held-out films "
        "(cross-validation). An average of networks is another estimate than the mean over single networks: it is usually better than each of "
        "them, and the difference between two methods may be another.",
        "已训练网络用于其他患者；测试集取各种子平均概率，交叉验证取留出折的回答。多个网络的平均与单个网络的均值是不同的估计：前者通常优于各单个网络，两种方法之差也可能不同。",
    ),
    "mcnemar": Words(
        "Exact P; in place of the difference the films that only the first and only the second method has right.",
        "精确P值；差值栏为仅前者正确与仅后者正确的胸片数。",
    ),
    "clustered": Words(
        "Exact P by patients: some have several films, which change sides together (by changes of sign of whole patients; Yang, Sun and Hardin 2010). In place of the difference the "
        "films that only the first and only the second method has right.",
        "按患者计算的精确P值：部分患者有多张胸片，同一患者的胸片一并互换（按患者整体变号；Yang等2010）。差值栏为仅前者正确与仅后者正确的胸片数。",
    ),
    "crossed": Words(
        "Patients and trained networks drawn anew together. The one to believe for a new hospital that trains anew.",
        "患者与训练网络同时重抽样。新机构重新训练时应以此为准。",
    ),
    "printed": Words(
        "Difference of the printed means, in percentage points, with the printed P.",
        "所印均值之差（百分点）及所印P值。",
    ),
}


#: Columns of the file for the films that one method alone has right.
_APART: Final = ("only first right", "only second right")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Args:
        name: where the evidence comes from.
        note: key of the footnote that says what varies.
        difference: new method minus old, 0..1.
        p: two-sided, or ``None``.
        films: measured.
        apart: in place of a difference the films that only the first and only the second method has right.
    """

    name: Words
    note: str
    difference: Interval | None
    p: float | None
    films: int
    apart: tuple[int, int] | None = None


def effect_lines(evidence: Evidence, task: str) -> tuple[Line, ...]:
    """Every way of asking whether the new method has more answers right than the old one.

    Args:
        evidence: of the study.
        task: the question.

    Returns:
        As many lines as the finished trials allow.
    """
    new, old = evidence.pair
    if old is None:
        return ()
    return (
        *_seed_lines(evidence, task, new, old),
        *_fold_lines(evidence, task, new, old),
        *_patient_lines(evidence, task, new, old),
        *_crossed_lines(evidence, task, new, old),
    )


def _seed_lines(evidence: Evidence, task: str, new: str, old: str) -> tuple[Line, ...]:
    question = evidence.questions[task]
    runs = evidence.of(task, new, "final"), evidence.of(task, old, "final")
    first, second = paired(*runs, question, ("accuracy", "mean"))
    if len(first) < 2:
        return ()
    test, films = paired_t(first, second), len(runs[0][0].truth)
    k = len(first)
    seeds = Words(f"{k} seeds, paired t", f"{k}个种子，配对t")
    unpaired = Words(f"{k} seeds, Welch", f"{k}个种子，Welch")
    welch = welch_interval(first, second)
    return (
        Line(seeds, "training", test.difference, test.p, films),
        Line(unpaired, "welch", welch, welch_p(first, second), films),
    )


def _fold_lines(evidence: Evidence, task: str, new: str, old: str) -> tuple[Line, ...]:
    question = evidence.questions[task]
    runs = evidence.best(task, new), evidence.best(task, old)
    first, second = paired(*runs, question, ("accuracy", "mean"))
    if len(first) < 2:
        return ()
    gaps, ratio = first - second, 1 / (evidence.study["design"]["folds"] - 1)
    films = len({int(p) for run in runs[0] for p in run.position})
    k = len(first)
    return (
        Line(
            Words(f"{k} folds, t", f"{k}折，t"),
            "shared",
            t_interval(gaps),
            paired_t(first, second).p,
            films,
        ),
        Line(
            Words(f"{k} folds, Nadeau–Bengio", f"{k}折，Nadeau–Bengio"),
            "corrected",
            nadeau_bengio_interval(gaps, ratio),
            nadeau_bengio_p(gaps, ratio),
            films,
        ),
    )


def _patient_lines(evidence: Evidence, task: str, new: str, old: str) -> tuple[Line, ...]:
    lines: list[Line] = []
    for where, pooled in (
        (TEST, _pooled(evidence, task, new, old, "final")),
        (FOLDS, _pooled(evidence, task, new, old, "cv")),
    ):
        if pooled is not None:
            lines += _paired_patients(evidence, where, *pooled)
    return tuple(lines)


def _pooled(
    evidence: Evidence, task: str, new: str, old: str, role: str
) -> tuple[Pooled, Pooled] | None:
    if role == "final":
        runs = [evidence.of(task, method, "final") for method in (new, old)]
    else:
        runs = [evidence.best(task, method) for method in (new, old)]
    return common(pool(runs[0]), pool(runs[1]))


def _paired_patients(evidence: Evidence, where: Words, new: Pooled, old: Pooled) -> list[Line]:
    gap = new.right.astype(np.float64) - old.right
    patients = evidence.patients(new.position)
    if len(set(patients)) < 2:
        return []
    spread = patient_bootstrap(
        lambda films: float(gap[films].mean()), patients, np.random.default_rng(SEED), draws=DRAWS
    )
    test = clustered_mcnemar(new.right, old.right, patients)
    films = len(gap)
    name = Words(f"patients, {where.en}: percentile", f"患者重抽样，{where.zh}：百分位")
    lines = [Line(name, "patients", spread.percentile, None, films)]
    if spread.bca is not None:
        bca = Words(f"patients, {where.en}: BCa", f"患者重抽样，{where.zh}：BCa")
        lines.append(Line(bca, "patients", spread.bca, None, films))
    called = Words(f"{where.en}: McNemar", f"{where.zh}：McNemar")
    note = "mcnemar" if len(set(patients)) == films else "clustered"
    both = test.only_first, test.only_second
    return [*lines, Line(called, note, None, test.exact, films, both)]


def _crossed_lines(evidence: Evidence, task: str, new: str, old: str) -> tuple[Line, ...]:
    runs = [evidence.of(task, method, "final") for method in (new, old)]
    if min(map(len, runs)) < 2:
        return ()
    films = runs[0][0].position
    patients = evidence.patients(films)
    if len(set(patients)) < 2:
        return ()
    first, second = (
        np.stack([run.predicted == run.truth for run in own]).astype(np.float64) for own in runs
    )
    rng = np.random.default_rng(SEED)
    found = crossed_bootstrap(first, second, patients, rng, draws=DRAWS)
    name = Words("patients and seeds, test set", "患者与种子同时重抽样，测试集")
    return (Line(name, "crossed", found, None, len(films)),)


def believed(lines: Sequence[Line]) -> Line | None:
    """The line to believe: patients and training both vary; else the corrected folds; else patients."""
    for note in ("crossed", "corrected", "patients"):
        for line in lines:
            if line.note == note and line.difference is not None:
                return line
    return None


def effect_table(evidence: Evidence, lines: Mapping[str, Sequence[Line]]) -> Table:
    """Table 6: the difference in accuracy by every kind of uncertainty.

    Args:
        evidence: of the study.
        lines: question to its `effect_lines`.
    """
    new, old = (METHODS[name] for name in evidence.pair if name is not None)
    rows: list[Row] = []
    papers = evidence.pair == ("multi", "single")
    for task, question in evidence.questions.items():
        rows.append(Heading(question.title))
        best = believed(lines[task])
        places = places_of(lines[task])
        rows += [_row(task, line, papers, line is best, places) for line in lines[task]]
    printed = [
        Column(Words("difference", "差值"), PAPER, True, ("printed",)),
        Column("P", PAPER, True, ("printed",)),
    ]
    return Table(
        Words(
            f"Table 6. Accuracy, {new.en} minus {old.en}, by kind of evidence",
            f"表6 准确率之差（{new.zh}−{old.zh}），按证据类型",
        ),
        (
            Column(Words("evidence", "证据")),
            *(printed if papers else []),
            Column(Words("films", "胸片"), OURS),
            Column(Words("difference, points (95 % CI)", "差值，百分点（95%CI）"), OURS),
            Column("P", OURS),
        ),
        tuple(rows),
        {**read("multitask").footnotes, **_NOTES},
        Words(
            "Percentage points; above 0 the first method is better. Bold: the line to believe.",
            "单位为百分点；大于0表示前者更优。粗体为应采信的一行。",
        ),
        "table-6",
    )


def places_of(lines: Sequence[Line]) -> int:
    """Digits that show on which side of 0 every bound lies."""
    known = [line.difference for line in lines if line.difference is not None]
    return telling_places(known, percent=True)


def _row(task: str, line: Line, papers: bool, best: bool, places: int) -> Row:
    shown = interval(line.difference, places, percent=True, sign=True)
    if line.apart is not None:
        both = dict(zip(_APART, line.apart, strict=True))
        shown = Cell(f"{line.apart[0]} : {line.apart[1]}", both)
    if best:
        shown = replace(shown, strong=True)
    cells = _printed(task, line) if papers else ()
    return (Cell(line.name, marks=(line.note,), strong=best), *cells, count(line.films), shown, p_value(line.p))  # fmt: skip


def _printed(task: str, line: Line) -> tuple[Cell, ...]:
    """The paper's own difference, which exists for its way of testing only."""
    if line.note != "training":
        return empty(), empty()
    table = {"differential": "table-4", "stage": "table-5"}[task]
    reported = read("multitask")
    both = [reported[f"{table}.accuracy.mean.{model}"] for model in ("multi", "single")]
    gap = (both[0].value or 0.0) - (both[1].value or 0.0)
    flaws = tuple(dict.fromkeys(flaw for fact in both for flaw in fact.flaws))
    cell = Cell(digits(gap, 2, sign=True), {"": round(gap, 2)}, flaws)
    return cell, reported.cell(f"{table}.accuracy.mean.p")
