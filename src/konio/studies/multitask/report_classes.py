"""Tables 7 and 8: what the paper leaves out. Sensitivity and specificity by class with intervals, stages as an order."""

from __future__ import annotations

from typing import Final

import numpy as np

from konio import metrics
from konio.report.words import Words
from konio.significance import Bootstrap, clustered_mean_share, patient_bootstrap
from konio.studies.cells import count, empty, interval, number, text
from konio.studies.multitask.report_effect import DRAWS, SEED
from konio.studies.multitask.report_intervals import share
from konio.studies.multitask.report_pooled import Pooled, sources
from konio.studies.multitask.report_runs import (
    METHODS,
    Evidence,
    Positions,
    Question,
    joined,
    pair_of,
)
from konio.studies.multitask.report_scores import MACRO
from konio.studies.tables import Cell, Column, Heading, Row, Table

#: What Table 7 says of every class.
_RATES: Final = (Words("sensitivity", "灵敏度"), Words("specificity", "特异度"))
#: Footnotes where patients have several films.
CLUSTERED: Final[dict[str, Words]] = {
    "clustered": Words(
        "Some patients have several films, which are not independent: Wilson's interval at the number of films that as many independent ones "
        "would be worth (films over the design effect).",
        "部分患者有多张胸片，彼此不独立：按有效例数（例数除以设计效应）计算Wilson区间。",
    ),
}


def classes_table(evidence: Evidence) -> Table:
    """Table 7: sensitivity and specificity of every class with Wilson's interval; small classes leave wide ones."""
    rows: list[Row] = []
    methods = pair_of(evidence)
    for task, question in evidence.questions.items():
        for place, pooled in sources(evidence, task, methods):
            rows.append(Heading(joined(question.title, place)))
            for k, words in enumerate(question.words):
                support = max(int((p.truth == k).sum()) for p in pooled.values())
                shares = [
                    _rate(evidence, pooled.get(m), k, own) for m in methods for own in (True, False)
                ]
                rows.append((text(words), count(support), *shares))
            means = [
                _macro(evidence, pooled.get(m), question, own)
                for m in methods
                for own in (True, False)
            ]
            rows.append(
                (
                    text(MACRO).marked("macro"),
                    count(max(len(p.truth) for p in pooled.values())),
                    *means,
                )
            )
    marks = ("clustered",) if evidence.several_films else ()
    return Table(
        Words(
            "Table 7. Sensitivity and specificity by class, with Wilson's interval",
            "表7 各类别灵敏度、特异度及Wilson区间",
        ),
        (
            Column(Words("class", "类别")),
            Column(Words("films", "胸片")),
            *(
                Column(
                    Words(f"{rate.en}, % (95 % CI)", f"{rate.zh}，%（95%CI）"),
                    METHODS[m],
                    marks=marks,
                )
                for m in methods
                for rate in _RATES
            ),
        ),
        tuple(rows),
        {
            **CLUSTERED,
            "macro": Words(
                "Mean over the classes; normal interval, its variance summed by patients.",
                "各类别的平均；正态区间，方差按患者汇总。",
            ),
        },
        _one_answer(evidence),
        "table-7",
    )


def _one_answer(evidence: Evidence) -> Words:
    """What an answer is here, and how much so many films leave open."""
    again = evidence.repeats
    folds = Words("the network of the fold that held the film out", "留出该例的一折网络")
    if again > 1:
        folds = Words(
            f"the mean probabilities of the {again} networks of the fold that held the film out",
            f"留出该例的一折中{again}个网络的平均概率",
        )
    where = Words(f"One answer a film: {folds.en}.", f"每例一个回答：{folds.zh}。")
    if evidence.tested:
        where = Words(
            f"One answer a film: the mean probabilities over seeds (test set), {folds.en} (cross-validation).",
            f"每例一个回答：测试集取各种子平均概率，交叉验证取{folds.zh}。",
        )
    if "stage" not in evidence.questions:
        return where
    return Words(
        f"{where.en} With 30 films of a stage, ±15 points remain whatever the method.",
        f"{where.zh}每期30例时，任何方法均约有±15个百分点的不确定度。",
    )


def _rate(evidence: Evidence, pooled: Pooled | None, place: int, own: bool) -> Cell:
    """Sensitivity for a class (``own``), or specificity."""
    if pooled is None:
        return empty()
    films = (pooled.truth == place) == own
    if not films.any():
        return empty()
    right = (pooled.predicted[films] == place) == own
    return interval(share(right, evidence.patients(pooled.position[films])), 1, percent=True)


def _macro(evidence: Evidence, pooled: Pooled | None, question: Question, own: bool) -> Cell:
    """Mean sensitivity (``own``) or specificity over the classes; nothing while a class has no film."""
    if pooled is None:
        return empty()
    classes = np.arange(len(question.kept))[:, None]
    counted = (pooled.truth == classes) == own  # (K, N)
    patients = evidence.patients(pooled.position)
    if not counted.any(axis=1).all() or len(set(patients)) < 2:
        return empty()
    right = (pooled.predicted == classes) == own
    return interval(clustered_mean_share(right, counted, patients), 1, percent=True)


def ordinal_table(evidence: Evidence) -> Table | None:
    """Table 8: stages as an order. Kappa, distance, under- and over-staging; ``None`` without an ordered question."""
    rows: list[Row] = []
    for task, question in evidence.questions.items():
        if not question.task.ordered:
            continue
        for place, pooled in sources(evidence, task, pair_of(evidence)):
            rows.append(Heading(place))
            rows += [_ordinal_row(evidence, m, p, question) for m, p in pooled.items()]
    if not rows:
        return None
    return Table(
        Words("Table 8. Stages as an order", "表8 分期的有序评价"),
        (
            Column(""),
            Column(Words("films", "胸片")),
            Column(Words("quadratic-weighted κ (95 %, percentile)", "二次加权κ（95%，百分位）")),
            Column(Words("κ (95 %, BCa)", "κ（95%，BCa）")),
            Column(Words("mean distance, stages", "平均偏差（期）")),
            Column(Words("under-staged, %", "偏低，%")),
            Column(Words("over-staged, %", "偏高，%")),
            Column(Words("two stages or more, %", "偏差≥2期，%")),
        ),
        tuple(rows),
        note=Words(
            f"Intervals: {DRAWS} draws of patients, each class keeping its number.",
            f"区间：按患者重抽样{DRAWS}次，各类别例数不变。",
        ),
        name="table-8",
    )


def _ordinal_row(evidence: Evidence, method: str, pooled: Pooled, question: Question) -> Row:
    matrix = metrics.confusion(pooled.truth, pooled.predicted, len(question.kept))
    drawn = _kappa(evidence, pooled, question)
    rates = (
        metrics.under_rate(matrix),
        metrics.over_rate(matrix),
        metrics.off_by_two_rate(matrix),
    )
    return (
        text(METHODS[method]),
        count(len(pooled.truth)),
        interval(drawn.percentile, 2) if drawn else empty(),
        interval(drawn.bca, 2) if drawn and drawn.bca else empty(),
        number(metrics.ordinal_mae(matrix), 2),
        *(number(rate, 1, percent=True) for rate in rates),
    )


def _kappa(evidence: Evidence, pooled: Pooled, question: Question) -> Bootstrap | None:
    truth, predicted, classes = pooled.truth, pooled.predicted, len(question.kept)

    def kappa(films: Positions) -> float:
        drawn = metrics.confusion(truth[films], predicted[films], classes)
        return metrics.quadratic_weighted_kappa(drawn)

    patients = evidence.patients(pooled.position)
    if len(set(patients)) < 2 or not np.isfinite(kappa(np.arange(len(truth)))):
        return None
    return patient_bootstrap(
        kappa,
        patients,
        np.random.default_rng(SEED),
        draws=DRAWS,
        strata=[str(k) for k in truth],
    )
