"""What the tables of the study call things, and the footnotes that several of them share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from konio.report.words import Words
from konio.significance import Interval
from konio.studies.cells import interval as bounded
from konio.studies.cells import number
from konio.studies.tables import Cell, Column
from konio.tasks import NODULE_TASKS

PAPER: Final = Words("Paper C", "论文C")
OURS: Final = Words("This study", "本研究")
QUESTION: Final = Column(Words("question", "问题"))
MULTI_WORDS: Final = Words("multi-task", "多任务")
SINGLE_WORDS: Final = Words("single-task", "单任务")
FROM_ANSWERS_WORDS: Final = Words(
    "the same, malignancy told from all its answers", "同上，由其全部回答判断恶性"
)

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
        "Mean over folds (of a fold's seeds their mean) with a 95 % interval that is widened for the nodules folds share (Nadeau and "
        "Bengio 2003).",
        "各折均值（折内多个种子先取平均）及95%区间，已按各折共用结节校正（Nadeau与Bengio 2003）。",
    ),
    "repeated": Words(
        "Mean over folds and repeats with a 95 % interval that is widened for the nodules they share (Nadeau and Bengio 2003).",
        "各折与重复的均值及95%区间，已按共用结节校正（Nadeau与Bengio 2003）。",
    ),
    "upper": Words(
        "Share of these nodules in the upper class of Table 8, which sensitivity counts.",
        "这些结节中属于表8高分类的比例；灵敏度即针对该类。",
    ),
    "same-folds": Words(
        "On the same folds and nodules, learned from the same training parts; bounds stand in the CSV file.",
        "与网络相同的折与结节，仅用相同训练部分拟合；区间见CSV文件。",
    ),
    "holm": Words(
        "Adjusted for all tests against the same rival in this table (Holm).",
        "按Holm法对本表中与同一对手的全部检验校正。",
    ),
    "itself": Words("The diameter is the question itself.", "问题本身即直径。"),
    "not-all": Words(
        "The diameter answers every question but the one about itself; a mean over fewer questions would not compare.",
        "直径不能作为其自身问题的基线；问题数不同的均值不可比。",
    ),
    "minus-anew": Words(
        "Not pre-trained, as another network than the pre-trained one; minus the row that is not pre-trained either.",
        "网络结构不同，未预训练；与同样未预训练的一行相减。",
    ),
    "two-only": Words("Has two classes in either case.", "始终只有两类。"),
    "raw-codes": Words(
        "Of the mean raw code, as printed; codes of calcification and internal structure carry no order.",
        "按原文取原始编码均值；钙化与内部结构的编码无顺序。",
    ),
    "bootstrap": Words(
        "95 % percentile interval, patients drawn anew; of the mutual information less the draws' mean excess.",
        "95%百分位区间，按患者重抽样；互信息已扣除重抽样的平均偏高。",
    ),
}


def words_of(question: str) -> Words:
    """A characteristic's name in both languages; internal structure is none of the questions."""
    if question not in NODULE_TASKS:
        return Words("Internal structure", "内部结构")
    task = NODULE_TASKS[question]
    return Words(task.en, task.zh)


def numbered(name: str, title: Words) -> Words:
    """A caption with its number.

    Examples:
        >>> numbered("table-3", Words("Differences", "差值"))
        Words(en='Table 3. Differences', zh='表3 差值')
    """
    kind, place = re.fullmatch(r"(table|figure)-(\d+)", name).groups()  # type: ignore[union-attr]
    en, zh = {"table": ("Table", "表"), "figure": ("Figure", "图")}[kind]
    return Words(f"{en} {place}. {title.en}", f"{zh}{place} {title.zh}")


def interval(found: Interval | None, places: int = 3, *, sign: bool = False) -> Cell:
    """An estimate with its bounds, or alone where a single fold is finished."""
    if found is None or not math.isfinite(found.low):
        return number(None if found is None else found.estimate, places, sign=sign)
    return bounded(found, places, sign=sign)
