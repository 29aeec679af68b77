"""What people's readings say without any network: tables 6 and 7, and figure 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from konio.report.words import Words
from konio.studies.cells import count, empty, text
from konio.studies.drawings import Dot, draw_dots
from konio.studies.figures import Figure, Language, canvas, label
from konio.studies.nodules.classical import SCORES, ClassicalResult
from konio.studies.nodules.relevance import Relevance
from konio.studies.nodules.report_words import (
    NOTES,
    OURS,
    PAPER,
    SCORE_WORDS,
    interval,
    numbered,
    words_of,
)
from konio.studies.reported import Reported
from konio.studies.tables import Column, Row, Table

_NOMINAL: Final = ("calcification", "internal_structure")

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
        rows.append([text(words), *(interval(scores.get(s)) for s in SCORES), printed])
    columns = (
        Column(Words("model", "模型")),
        *(
            Column(SCORE_WORDS[s], group=OURS, marks=("repeated",) if s == "accuracy" else ())
            for s in SCORES
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
    title = numbered(
        "table-6", Words("Malignancy from people's readings", "由人工读片特征判断恶性")
    )
    notes = {**reported.footnotes, **NOTES}
    return Table(title, columns, tuple(rows), notes, note, name="table-6")


def relevance_table(found: Sequence[Relevance], reported: Reported) -> Table:
    """Table 7: figure 2 as numbers."""
    rows: list[Row] = []
    for one in found:
        cosine = interval(one.cosine)
        rows.append(
            [
                text(words_of(one.name)),
                cosine.marked("raw-codes") if one.name in _NOMINAL else cosine,
                interval(one.centred, 2),
                interval(one.spearman, 2),
                interval(one.information),
                count(one.nodules),
            ]
        )
    columns = (
        Column(Words("characteristic", "特征")),
        Column(
            Words("cosine of raw ratings, the paper's equation 1", "原始评分余弦（论文式1）"),
            marks=("bootstrap", "cosine"),
        ),
        Column(Words("centred cosine (Pearson)", "中心化余弦（Pearson）")),
        Column(Words("Spearman", "Spearman")),
        Column(Words("mutual information, bits", "互信息（比特）")),
        Column(Words("nodules", "结节")),
    )
    title = Words(
        "Relevance of each characteristic to malignancy, measured four ways",
        "各特征与恶性的相关性（四种度量）",
    )
    notes = {**reported.footnotes, **NOTES}
    return Table(
        numbered("table-7", title), columns, tuple(rows), notes, _marked(found), name="table-7"
    )


def _marked(found: Sequence[Relevance]) -> Words:
    """Which of them follow malignancy and which run against it."""
    if not any(one.name == "calcification" for one in found):
        return Words("", "")
    return Words(
        "Calcification but for the first column: the share of readers who see any, so that below 0 the absence of it is suspicious.",
        "钙化（首列除外）取认为有钙化的读片者比例，小于0表示无钙化更可疑。",
    )


def relevance_figure(found: Sequence[Relevance]) -> Figure:
    """Figure 2: the cosine by the paper's formula beside the centred one."""

    def draw(language: Language) -> Any:
        figure, grid = canvas(6.4, 3.8)
        axes: Any = grid.flat[0]
        raw = Words("cosine of raw ratings (the paper's formula)", "原始评分余弦（论文公式）")
        ours = Words("centred cosine (Pearson)", "中心化余弦（Pearson）")
        dots = []
        for one in found:
            dots.append(Dot(words_of(one.name), one.cosine, series=raw))
            dots.append(Dot(words_of(one.name), one.centred, series=ours))
        draw_dots(axes, dots, language, zero=0.0)
        label(axes, Words("with mean malignancy", "与平均恶性评分"), "", language)
        return figure

    title = Words(
        "Relevance to malignancy (the paper's figure 2), 95 % intervals over patients",
        "与恶性的相关性（论文图2），95%区间按患者",
    )
    lowest = min(one.cosine.estimate for one in found)
    constant = any(one.name == "internal_structure" for one in found)
    caption = Words(
        f"Both computed on these readings. No raw cosine is below {lowest:.2f}"
        + (", that of internal structure, which hardly ever varies, among them" if constant else "")
        + "; the centred ones tell the characteristics apart.",
        f"两者均由本数据算得。原始余弦均不低于{lowest:.2f}"
        + ("，几乎不变的“内部结构”亦然" if constant else "")
        + "；中心化后才有区别。",
    )
    return Figure("figure-2", numbered("figure-2", title), draw, caption)
