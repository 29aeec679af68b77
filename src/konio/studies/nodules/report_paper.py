"""What was asked of whom, and what the paper did and claims: tables 8 and 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from konio.learning.recipe import parse_recipe
from konio.nodules import labels
from konio.report.words import Words
from konio.studies.cells import count, empty, text
from konio.studies.nodules.classical import ClassicalResult
from konio.studies.nodules.design import MULTI, Preset
from konio.studies.nodules.evidence import Evidence
from konio.studies.nodules.report_words import (
    NOTES,
    OURS,
    PAPER,
    QUESTION,
    interval,
    numbered,
    words_of,
)
from konio.studies.reported import Published, Reported, published_cell
from konio.studies.tables import Cell, Column, Heading, Row, Table
from konio.tasks import NODULE_TASKS, Task

if TYPE_CHECKING:
    from konio.nodules import Readings

Classes = Mapping[str, NDArray[np.int64]]

_LOSSES: Final[Mapping[str, Words]] = {
    "squared": Words("mean squared error", "均方误差"),
    "classes": Words("cross-entropy of the classes", "类别交叉熵"),
    "votes": Words("cross-entropy with the readers' votes", "与读片者投票的交叉熵"),
}
_DESIGN: Final[Mapping[str, Words]] = {
    "scans": Words("scans", "扫描"),
    "nodules": Words("nodules", "结节"),
    "readers": Words("readers of a nodule", "每结节读片者"),
    "ratings": Words("ratings", "评分"),
    "tasks": Words("questions", "问题数"),
    "internal_structure": Words("internal structure", "内部结构"),
    "folds": Words("folds", "折数"),
    "negative_below": Words("lower class, mean below", "低分类：均值低于"),
    "positive_above": Words("upper class, mean above", "高分类：均值高于"),
    "three_classes": Words("three classes", "三分类"),
    "relevance": Words("relevance to malignancy", "与恶性的相关性"),
    "loss": Words("loss of a question", "单项损失"),
    "temperature_of_weights": Words("T of the dynamic weights", "动态权重的T"),
    "tile": Words("mosaic", "拼接"),
}
_CLAIMS: Final[Mapping[str, Words]] = {
    "malignancy": Words("accuracy of malignancy, all questions together", "恶性准确率（多任务）"),
    "every_attribute_better": Words(
        "multi-task is better in every question", "每个问题多任务均更优"
    ),
    "three_classes": Words("accuracy of malignancy in three classes", "恶性三分类准确率"),
    "state_of_the_art": Words("state of the art", "当时最佳水平"),
}


def classes_table(classes: Classes) -> Table:
    """Table 8: what the two classes of every question are, and how many measured nodules each has.

    Args:
        classes: question to two classes of every nodule, `konio.tasks.MISSING` where it is not measured.
    """
    rows: list[Row] = []
    for question, own in classes.items():
        lower, upper = _ends(NODULE_TASKS[question])
        sizes = [int((own == number).sum()) for number in (0, 1)]
        rows.append([text(words_of(question)), text(lower), text(upper), *map(count, sizes)])
    columns = (
        QUESTION,
        Column(Words("lower class", "低分类")),
        Column(Words("upper class", "高分类")),
        Column(Words("nodules, lower", "低分类结节")),
        Column(Words("nodules, upper", "高分类结节")),
    )
    note = Words(
        f"Sensitivity is the share of the upper class that is found. Means are over a nodule's readers; a mean from {labels.LOW} to "
        f"{labels.HIGH} and a tie have no class and are left out. Calcification has codes without order, and the paper does not say how "
        f"a diameter becomes two classes: {labels.LARGE_MM:g} mm is a choice of this study (Fleischner Society 2017).",
        f"灵敏度为高分类中被识别的比例。均值按结节的读片者计算；{labels.LOW}至{labels.HIGH}之间或票数相等者不归类、不计入。钙化编码无顺序；论文未说明"
        f"直径如何二分类，{labels.LARGE_MM:g}毫米为本研究的约定（Fleischner学会2017）。",
    )
    title = numbered("table-8", Words("What is asked, as two classes", "所问问题及其二分类"))
    return Table(title, columns, tuple(rows), note=note, name="table-8")


def _ends(task: Task) -> tuple[Words, Words]:
    """What lies in the lower and in the upper class."""
    if task.name == "diameter":
        size = f"{labels.LARGE_MM:g}"
        return (
            Words(f"below {size} mm", f"小于{size}毫米"),
            Words(f"{size} mm or more", f"{size}毫米及以上"),
        )
    if not task.ordered:
        return (
            Words("absent to most of its readers", "多数读片者认为无"),
            Words("present to most of its readers", "多数读片者认为有"),
        )
    low, high = task.answers[0], task.answers[-1]
    return (
        Words(f"mean below {labels.LOW} (1 {low.en})", f"均值低于{labels.LOW}（1 {low.zh}）"),
        Words(f"mean above {labels.HIGH} (5 {high.en})", f"均值高于{labels.HIGH}（5 {high.zh}）"),
    )


def paper_table(
    preset: Preset,
    table: Readings,
    result: ClassicalResult,
    evidence: Evidence,
    singles: list[str],
    reported: Reported,
) -> Table:
    """Table 9: every fact of the paper's design and every claim, with its flaws, beside what this study does and finds.

    Args:
        preset: of the study.
        table: the measured nodules.
        result: the classical model.
        evidence: the finished trainings; may hold none.
        singles: questions that also have a network of their own.
        reported: the paper.
    """
    design = _own_design(preset, table, bool(evidence.trials))
    claims = _own_claims(evidence, singles)
    rows: list[Row] = [Heading(Words("design", "设计"))]
    rows += [_row(_DESIGN[k], fact, design[k]) for k, fact in reported.below("design").items()]
    rows.append(Heading(Words("claims", "论断")))
    rows += [_row(_CLAIMS[k], fact, claims[k]) for k, fact in reported.below("claims").items()]
    classical = Words("accuracy of malignancy from people's readings", "由人工读片判断恶性的准确率")
    svm = interval(result.scores.get("svm", {}).get("accuracy"))
    rows.append(_row(classical, reported["classical.accuracy"], svm))
    columns = (
        Column(""),
        Column(PAPER, published=True, mixed=True),
        Column(OURS, mixed=True),
    )
    title = numbered(
        "table-9",
        Words("What the paper did and claims, and this study", "论文的设计与论断及本研究"),
    )
    notes = {**reported.footnotes, **NOTES}
    return Table(title, columns, tuple(rows), notes, name="table-9")


def _row(words: Words, fact: Published, ours: Cell) -> list[Cell]:
    whole = fact.value is None or float(fact.value).is_integer()
    places = 0 if whole else len(f"{fact.value}".partition(".")[2])
    return [text(words), published_cell(fact, places), ours]


def _own_design(preset: Preset, table: Readings, networks: bool) -> dict[str, Cell]:
    """What this study did, by the names of the paper's facts; nothing of networks where there are none."""
    nodule = parse_recipe({"name": "design", "kind": "nodule", **preset.recipe}).nodule
    scans = len({n.series_uid for n in table if n.series_uid})
    readers = sorted({int(n) for n in table.readers})
    asked = [t for t in NODULE_TASKS if t.name == "diameter" or not np.isnan(table.mean(t.name)).all()]  # fmt: skip
    many, side, patch = nodule.grid**2, nodule.grid, nodule.patch
    if nodule.single:
        tile = Words(
            f"one slice, {side} × {side} patches of {patch} × {patch}",
            f"单层，{side}×{side}块，每块{patch}×{patch}",
        )
    else:
        tile = Words(f"{many} slices of {patch} × {patch}", f"{many}层，每层{patch}×{patch}")
    own: dict[str, Cell] = {
        "scans": count(scans) if scans else empty(),
        "nodules": count(len(table)),
        "readers": text(Words(*(f"{readers[0]}–{readers[-1]}" if len(readers) > 1 else f"{readers[0]}",) * 2)),
        "ratings": text(Words("as given; no mean of codes", "按原评分；编码不取均值")),
        "tasks": count(len(asked)),
        "internal_structure": text(Words("not asked", "不提问")),
        "folds": text(Words(f"{preset.folds}, by patient, with intervals", f"{preset.folds}，按患者划分，附区间")),
        "negative_below": text(Words(f"{labels.LOW}", f"{labels.LOW}")),
        "positive_above": text(Words(f"{labels.HIGH}", f"{labels.HIGH}")),
        "three_classes": text(Words("< 3, = 3, > 3", "< 3、= 3、> 3")),
        "relevance": text(Words("four measures (Table 7)", "四种度量（表7）")),
        "loss": text(_LOSSES[nodule.loss]),
        "temperature_of_weights": text(Words(f"{nodule.temperature:g}", f"{nodule.temperature:g}")),
        "tile": text(tile),
    }  # fmt: skip
    trained = ("loss", "temperature_of_weights", "tile", "three_classes")
    return {name: cell if networks or name not in trained else empty() for name, cell in own.items()}  # fmt: skip


def _own_claims(evidence: Evidence, singles: list[str]) -> dict[str, Cell]:
    two = evidence.interval(MULTI, "malignancy", "accuracy")
    three = evidence.interval(MULTI, "malignancy", "accuracy", 3)
    majority = [evidence.interval("majority", "malignancy", "accuracy", k) for k in (3, 2)]
    gaps = [evidence.difference(MULTI, evidence.single(q), q, "accuracy") for q in singles]
    known = [gap[0] for gap in gaps if gap is not None]
    higher, sure = (sum(test(gap) for gap in known) for test in (_above, _surely_above))
    own = {
        "malignancy": interval(two),
        "every_attribute_better": empty(),
        "three_classes": empty(),
        "state_of_the_art": text(Words("not compared", "未比较")) if two else empty(),
    }
    if known:
        own["every_attribute_better"] = text(
            Words(
                f"accuracy higher in {higher} of {len(known)}, with an interval above 0 in {sure}",
                f"{len(known)}项中{higher}项准确率更高，其中{sure}项区间大于0",
            )
        )
    if two and three and majority[0] and majority[1]:
        pairs = f"{three.estimate:.3f}", f"{two.estimate:.3f}"
        base = f"{majority[0].estimate:.3f}", f"{majority[1].estimate:.3f}"
        own["three_classes"] = text(
            Words(
                f"{pairs[0]} against {pairs[1]}; the majority {base[0]} against {base[1]}",
                f"{pairs[0]}，二分类{pairs[1]}；多数类{base[0]}，二分类{base[1]}",
            )
        )
    return own


def _above(gap: tuple[float, float, float]) -> bool:
    return gap[0] > 0


def _surely_above(gap: tuple[float, float, float]) -> bool:
    return gap[1] > 0
