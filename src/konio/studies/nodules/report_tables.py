"""The tables of the study: the paper's 1 and 2 beside ours, their difference, three classes, ablations, people's readings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.significance import Interval, holm
from konio.studies.cells import count, empty, number, p_value, text
from konio.studies.cells import interval as bounded
from konio.studies.nodules.classical import SCORES as CLASSICAL_SCORES
from konio.studies.nodules.classical import ClassicalResult
from konio.studies.nodules.design import MULTI, Group
from konio.studies.nodules.evidence import SCORES, Evidence, mean_over, spread_interval
from konio.studies.nodules.relevance import Relevance
from konio.studies.reported import Reported
from konio.studies.tables import Cell, Column, Row, Table
from konio.tasks import MISSING, NODULE_TASKS

PAPER: Final = Words("Paper C", "论文C")
OURS: Final = Words("This study", "本研究")
QUESTION: Final = Column(Words("question", "问题"))

SCORE_WORDS: Final[Mapping[str, Words]] = {
    "accuracy": Words("accuracy", "准确率"),
    "balanced_accuracy": Words("balanced accuracy", "平衡准确率"),
    "sensitivity": Words("sensitivity", "灵敏度"),
    "specificity": Words("specificity", "特异度"),
    "auc": Words("AUC", "AUC"),
}
BASELINE_WORDS: Final[Mapping[str, Words]] = {
    "majority": Words("majority", "多数类"),
    "diameter": Words("diameter only", "仅直径"),
    "shape": Words("shape and brightness", "形状与密度"),
}
NOTES: Final[dict[str, Words]] = {
    "corrected": Words(
        "Mean over folds and seeds with a 95 % interval that is widened for the nodules folds share (Nadeau and Bengio 2003).",
        "各折与种子的均值及95%区间，已按各折共用结节校正（Nadeau与Bengio 2003）。",
    ),
    "holm": Words("Adjusted for all tests of this table (Holm).", "按Holm法对本表全部检验校正。"),
    "itself": Words("The diameter is the question itself.", "问题本身即直径。"),
    "two-only": Words("Has two classes in either case.", "始终只有两类。"),
    "raw-codes": Words(
        "Of the mean raw code, as printed; codes of calcification and internal structure carry no order.",
        "按原文取原始编码均值；钙化与内部结构的编码无顺序。",
    ),
}

Baselines = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


def interval(found: Interval | None, places: int = 3, *, sign: bool = False) -> Cell:
    """An estimate with its bounds, or alone where a single fold is finished."""
    if found is None or not math.isfinite(found.low):
        return number(None if found is None else found.estimate, places, sign=sign)
    return bounded(found, places, sign=sign)


def words_of(question: str) -> Words:
    """A question's name in both languages."""
    task = NODULE_TASKS[question]
    return Words(task.en, task.zh)


def answers_table(
    name: str,
    title: Words,
    evidence: Evidence,
    groups: Mapping[str, str],
    baselines: Baselines,
    classes: Mapping[str, NDArray[np.int64]],
    reported: Reported,
) -> Table:
    """Tables 1 and 2: every question with its baselines and the paper's numbers.

    Args:
        name: ``table-1`` or ``table-2``; also where the paper's numbers are found.
        title: of the table.
        evidence: the finished trainings.
        groups: question to the group that answers it.
        baselines: from `konio.studies.nodules.baselines.baseline_scores`.
        classes: question to two classes of every measured nodule.
        reported: the paper.
    """
    ours = tuple(
        Column(SCORE_WORDS[s], group=OURS, marks=("corrected",) if s == "accuracy" else ())
        for s in SCORES
    )
    beside = tuple(
        Column(SCORE_WORDS[s], group=BASELINE_WORDS[b]) for b in BASELINE_WORDS for s in ("accuracy", "auc")
    )  # fmt: skip
    printed = tuple(
        Column(SCORE_WORDS[s], group=PAPER, published=True)
        for s in ("accuracy", "sensitivity", "specificity")
    )
    rows: list[Row] = []
    for question, group in groups.items():
        truth = classes[question]
        known = truth != MISSING
        share = float((truth[known] == 1).mean()) if known.any() else float("nan")
        rows.append(
            [
                text(words_of(question)),
                count(int(known.sum())),
                number(share, 2),
                *(interval(evidence.interval(group, question, s)) for s in SCORES),
                *_beside(baselines, question, evidence.folds),
                *(reported.cell(f"{name}.{question}.{s}", 3) for s in ("accuracy", "sensitivity", "specificity")),
            ]
        )  # fmt: skip
    heads = (QUESTION, Column(Words("nodules", "结节")), Column(Words("upper class", "阳性率")))
    notes = {**reported.footnotes, **NOTES}
    return Table(title, (*heads, *ours, *beside, *printed), tuple(rows), notes, name=name)


def _beside(baselines: Baselines, question: str, folds: int) -> list[Cell]:
    cells = []
    for name in BASELINE_WORDS:
        runs = baselines.get(name, {}).get(question, ())
        for score in ("accuracy", "auc"):
            if name == question:
                cells.append(empty("itself"))
                continue
            found = spread_interval([run[score] for run in runs], folds)
            cells.append(number(None if found is None else found.estimate))
    return cells


def difference_table(evidence: Evidence, questions: Sequence[str]) -> Table:
    """Table 3: multi-task minus single-task, on the same folds and seeds."""
    scores = ("accuracy", "balanced_accuracy", "auc")
    found = {
        (q, s): evidence.difference(MULTI, evidence.single(q), q, s)
        for q in questions
        for s in scores
    }
    tested = {key: value[1] for key, value in found.items() if value is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
    rows: list[Row] = []
    for question in questions:
        cells: list[Cell] = [text(words_of(question))]
        for score in scores:
            value = found[question, score]
            cells.append(empty() if value is None else interval(value[0], sign=True))
            cells.append(p_value(adjusted.get((question, score))))
        rows.append(cells)
    columns = [QUESTION]
    for score in scores:
        columns.append(
            Column(Words("difference", "差值"), group=SCORE_WORDS[score], marks=("corrected",))
        )
        columns.append(Column("p", group=SCORE_WORDS[score], marks=("holm",)))
    title = Words("Multi-task minus single-task", "多任务减单任务")
    return Table(title, tuple(columns), tuple(rows), NOTES, name="table-3")


def three_class_table(evidence: Evidence, questions: Sequence[str]) -> Table:
    """Table 4: below, at and above grade 3."""
    groups = {MULTI: Words("multi-task", "多任务"), "": Words("single-task", "单任务")}
    scores = ("accuracy", "balanced_accuracy")
    columns = [
        QUESTION,
        *(Column(SCORE_WORDS[s], group=w) for w in groups.values() for s in scores),
    ]
    rows: list[Row] = []
    for question in questions:
        task = NODULE_TASKS[question]
        marks = () if task.ordered and question != "diameter" else ("two-only",)
        cells: list[Cell] = [text(words_of(question), *marks)]
        for group in groups:
            name = group or evidence.single(question)
            cells += [interval(evidence.interval(name, question, s, 3)) for s in scores]
        rows.append(cells)
    title = Words("Three classes: below, at and above grade 3", "三分类：低于、等于、高于3分")
    return Table(title, tuple(columns), tuple(rows), NOTES, name="table-4")


def ablation_table(evidence: Evidence, groups: Sequence[Group], questions: Sequence[str]) -> Table:
    """Table 5: networks that differ from the multi-task one in one thing."""
    rows: list[Row] = []
    for group in groups:
        if group.name not in evidence.groups:
            continue
        own = {q: evidence.interval(group.name, q, "balanced_accuracy") for q in questions}
        away = evidence.difference(group.name, MULTI, "malignancy", "auc")
        rows.append(
            [
                text(Words(group.about or group.name, group.about_zh or group.name)),
                *(interval(evidence.interval(group.name, "malignancy", s)) for s in ("accuracy", "auc")),
                number(mean_over(own)),
                empty() if away is None or group.name == MULTI else interval(away[0], sign=True),
            ]
        )  # fmt: skip
    malignancy = words_of("malignancy")
    columns = (
        Column(Words("network", "网络")),
        Column(SCORE_WORDS["accuracy"], group=malignancy, marks=("corrected",)),
        Column(SCORE_WORDS["auc"], group=malignancy),
        Column(Words("mean balanced accuracy of all questions", "全部问题平衡准确率均值")),
        Column(Words("AUC of malignancy minus the first row's", "恶性AUC与首行之差")),
    )
    title = Words("One thing changed at a time", "逐项消融")
    return Table(title, columns, tuple(rows), NOTES, name="table-5")


MODEL_WORDS: Final[Mapping[str, Words]] = {
    "svm": Words("support vector machine, all characteristics", "支持向量机，全部特征"),
    "logistic": Words("logistic regression, all characteristics", "逻辑回归，全部特征"),
    "svm-without-diameter": Words(
        "support vector machine without diameter", "支持向量机，不含直径"
    ),
    "diameter": Words("diameter only", "仅直径"),
    "majority": Words("majority", "多数类"),
}


def classical_table(result: ClassicalResult, reported: Reported) -> Table:
    """Table 6: malignancy from people's readings of the characteristics."""
    rows: list[Row] = []
    for name, words in MODEL_WORDS.items():
        scores = result.scores.get(name, {})
        printed = reported.cell("classical.accuracy", 2) if name == "svm" else empty()
        rows.append([text(words), *(interval(scores.get(s)) for s in CLASSICAL_SCORES), printed])
    columns = (
        Column(Words("model", "模型")),
        *(
            Column(SCORE_WORDS[s], group=OURS, marks=("corrected",) if s == "accuracy" else ())
            for s in CLASSICAL_SCORES
        ),
        Column(SCORE_WORDS["accuracy"], group=PAPER, published=True),
    )
    gone = [words_of(name) for name in result.unrated]
    note = Words(
        (f"Nobody rated: {', '.join(w.en.lower() for w in gone)}. " if gone else "")
        + f"{result.nodules} nodules of {result.patients} patients, {result.prevalence:.0%} of them above 3.25; "
        f"{result.folds} folds by patient, {result.repeats} times. The characteristics are readings of the same people "
        "whose mean malignancy is to be told: an upper reference for a network, not a target.",
        (f"未评：{'、'.join(w.zh for w in gone)}。" if gone else "")
        + f"{result.patients}名患者的{result.nodules}个结节，{result.prevalence:.0%}高于3.25分；按患者{result.folds}折，重复"
        f"{result.repeats}次。特征与恶性评分出自同一批读片者，仅为网络的上限参考。",
    )
    title = Words("Malignancy from people's readings", "由人工读片特征判断恶性")
    notes = {**reported.footnotes, **NOTES}
    return Table(title, columns, tuple(rows), notes, note, name="table-6")


def relevance_table(found: Sequence[Relevance], reported: Reported) -> Table:
    """Figure 2 as numbers."""
    rows: list[Row] = []
    for one in found:
        nominal = one.name in ("calcification", "internal_structure")
        name = (
            words_of(one.name)
            if one.name in NODULE_TASKS
            else Words("Internal structure", "内部结构")
        )
        rows.append(
            [
                text(name),
                number(one.cosine).marked(*(("raw-codes",) if nominal else ())),
                interval(one.centred, 2),
                number(one.spearman, 2),
                number(one.information),
                count(one.nodules),
            ]
        )
    columns = (
        Column(Words("characteristic", "特征")),
        Column(
            Words("cosine of raw ratings, the paper's equation 1", "原始评分余弦（论文式1）"),
            marks=("cosine",),
        ),
        Column(Words("centred cosine (Pearson)", "中心化余弦（Pearson）")),
        Column(Words("Spearman", "Spearman")),
        Column(Words("mutual information, bits", "互信息（比特）")),
        Column(Words("nodules", "结节")),
    )
    title = Words("Relevance of each characteristic to malignancy", "各特征与恶性的相关性")
    notes = {**reported.footnotes, **NOTES}
    return Table(title, columns, tuple(rows), notes, name="table-7")
