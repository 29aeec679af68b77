"""Table 9: areas under ROC curves, over folds as the paper has them and over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from konio import metrics
from konio.report.words import Words
from konio.studies.cells import empty, interval, number, text
from konio.studies.multitask.report_intervals import area
from konio.studies.multitask.report_pooled import Pooled, pool
from konio.studies.multitask.report_runs import METHODS, Evidence, Question, Run, joined, pair_of
from konio.studies.multitask.report_scores import by_fold, over_folds
from konio.studies.multitask.report_tables import NOTES, OURS, PAPER
from konio.studies.page import Paragraph
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Heading, Row, Table, say

_NOTES: Final[dict[str, Words]] = {
    "pooled": Words(
        "Calibrated answers of all folds ranked together; networks of different folds are compared as if they were one.",
        "各折校准后的回答合并排序；将不同折的网络视为同一网络。",
    ),
    "clustered": Words(
        "Some patients have several films, which are not independent: DeLong's variance is summed by patients (Obuchowski 1997).",
        "部分患者有多张胸片，彼此不独立：DeLong方差按患者汇总（Obuchowski 1997）。",
    ),
}


def areas_table(evidence: Evidence) -> Table:
    """Table 9: areas under ROC curves, mean of folds as in the paper's figures, DeLong for pooled answers."""
    reported, rows = read("multitask"), list[Row]()
    papers = evidence.pair == ("multi", "single")
    clustered = ("clustered",) if evidence.several_films else ()
    for task, question in evidence.questions.items():
        figure = {"differential": "figure-2", "stage": "figure-3"}[task]
        for method in pair_of(evidence):
            runs = evidence.best(task, method)
            pooled = [pool(runs)]
            if evidence.tested:
                pooled.append(pool(evidence.of(task, method, "final")))
            if not any(pooled):
                continue
            rows.append(Heading(joined(question.title, METHODS[method])))
            for k in _ranked(question):
                printed = [reported.cell(f"{figure}.{question.classes[k]}") if method == "multi" else empty()] if papers else []  # fmt: skip
                folds = over_folds(fold_areas(runs, k), evidence.study["design"]["folds"])
                shown = (
                    *(interval(own, 3) for own in folds),
                    *(_delong(evidence, p, k) for p in pooled),
                )
                rows.append((text(question.words[k]), *printed, *shown))
            if len(question.kept) > 2:
                rows.append(_hand_till_row(evidence, runs, pooled, papers))
    return Table(
        Words("Table 9. Areas under ROC curves, each class against the rest", "表9 ROC曲线下面积（各类别对其余）"),
        (
            Column(Words("class", "类别")),
            *([Column(Words("mean of folds", "各折均值"), PAPER, True)] if papers else []),
            Column(Words("mean of folds (95 %, t)", "各折均值（95%，t）"), OURS, marks=("t-folds",)),
            Column(Words("mean of folds (95 %, Nadeau–Bengio)", "各折均值（95%，Nadeau–Bengio）"), OURS, marks=("nadeau-bengio",)),
            Column(Words("folds pooled (95 %, DeLong)", "各折合并（95%，DeLong）"), OURS, marks=("pooled", *clustered)),
            *([Column(Words("test set (95 %, DeLong)", "测试集（95%，DeLong）"), OURS, marks=clustered)] if evidence.tested else []),
        ),
        tuple(rows),
        {
            **reported.footnotes,
            **NOTES,
            **_NOTES,
        },
        Words(
            "The paper prints curves only and says that every area is above 0.90. Hand and Till: mean over all pairs of classes.",
            "论文仅给出曲线并称各AUC均>0.90。Hand–Till：所有类别对的平均。",
        )
        if papers
        else "",
        "table-9",
    )  # fmt: skip


def _ranked(question: Question) -> range:
    """Classes that have an area of their own: of two classes the second alone, since the areas are the same."""
    return range(1 if len(question.kept) == 2 else 0, len(question.kept))


def fold_areas(runs: Sequence[Run], place: int) -> list[float]:
    """Area of every fold, of one class against the rest; the repeats of a fold averaged."""

    def of_one(run: Run) -> float:
        return metrics.roc_auc(run.truth == place, run.probabilities()[:, place])

    return by_fold(runs, of_one)


def area_sentences(evidence: Evidence) -> tuple[Paragraph, ...]:
    """For a question of two classes: the area under the ROC curve with both intervals, method by method."""
    found = []
    for task, question in evidence.questions.items():
        if len(question.kept) != 2:
            continue
        others = [name for name in ("seen", "together", "texture") if name in evidence.groups]
        for method in (*pair_of(evidence), *others):
            runs = evidence.best(task, method)
            mean = over_folds(fold_areas(runs, 1), evidence.study["design"]["folds"])[1]
            if mean is None:
                continue
            folds, pooled, word = (
                interval(mean, 3).text,
                _delong(evidence, pool(runs), 1).text,
                METHODS[method],
            )
            found.append(
                Paragraph(
                    Words(
                        f"{say(question.title)}, {word.en}: area under the ROC curve {say(folds)} (mean of folds, Nadeau–Bengio); "
                        f"all held-out films ranked together {say(pooled)} (DeLong).",
                        f"{say(question.title, 'zh')}，{word.zh}：AUC {say(folds, 'zh')}（各折均值，Nadeau–Bengio）；"
                        f"全部留出样本合并排序 {say(pooled, 'zh')}（DeLong）。",
                    ),
                    "good",
                )
            )
    return tuple(found)


def _delong(evidence: Evidence, pooled: Pooled | None, place: int) -> Cell:
    if pooled is None:
        return empty()
    positive = pooled.truth == place
    if min(positive.sum(), (~positive).sum()) < 2:
        return empty()
    return interval(
        area(positive, pooled.probabilities[:, place], evidence.patients(pooled.position)), 3
    )


def _hand_till_row(
    evidence: Evidence, runs: Sequence[Run], pooled: Sequence[Pooled | None], papers: bool
) -> Row:
    values = by_fold(runs, lambda run: metrics.hand_till_auc(run.truth, run.probabilities()))
    folds = over_folds(values, evidence.study["design"]["folds"])
    found = [metrics.hand_till_auc(p.truth, p.probabilities) if p else None for p in pooled]
    name = Words("all classes, Hand–Till", "全部类别，Hand–Till")
    return (
        text(name),
        *([empty()] if papers else []),
        *(interval(own, 3) for own in folds),
        *(number(own, 3) for own in found),
    )
