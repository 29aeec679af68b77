"""Table 15: the paper's design, its claims and what it quotes from others, beside this study's own; with the flaws of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from konio.report.words import Words
from konio.studies.cells import count, digits, empty, interval, number, text
from konio.studies.multitask.report_effect import Line, believed, places_of
from konio.studies.multitask.report_runs import METHODS, Evidence
from konio.studies.multitask.report_scores import SCORES, by_unit, paired
from konio.studies.multitask.report_tables import OURS, PAPER
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Heading, Row, Table, Text, say

#: What the paper quotes from others, percent.
_CONTEXT: Final[Mapping[str, Words]] = {
    "reader_agreement": Words("agreement of readers on the stage", "阅片者分期一致率"),
    "examination_agreement": Words("agreement in examinations of readers", "阅片考核一致率"),
    "missed": Words("missed by physicians", "医师漏诊"),
    "misdiagnosed": Words("misdiagnosed", "误诊"),
    "missed_stage_I": Words("missed, stage I", "壹期漏诊"),
    "missed_stage_II": Words("missed, stage II", "贰期漏诊"),
    "missed_stage_III": Words("missed, stage III", "叁期漏诊"),
    "misdiagnosed_as_tuberculosis": Words("misdiagnosed as tuberculosis", "误诊为肺结核"),
    "best_staging_accuracy": Words("best accuracy of staging before", "既往最佳分期准确率"),
    "best_staging_II_III": Words(
        "its F1 and sensitivity of stages II and III", "其贰、叁期F1与灵敏度"
    ),
}
_DESIGN: Final[Mapping[str, Words]] = {
    "cases": Words("films", "胸片"),
    "healthy": Words("healthy", "健康"),
    "tuberculosis": Words("tuberculosis", "肺结核"),
    "dust": Words("dust-exposed", "接尘"),
    "each_stage": Words("of each stage", "每期"),
    "first_month": Words("first film", "最早胸片"),
    "last_month": Words("last film", "最晚胸片"),
    "devices": Words("devices", "设备"),
    "train": Words("films to train on", "训练集"),
    "test": Words("films of the test set", "测试集"),
    "folds": Words("folds", "折数"),
    "seeds": Words("seeds", "随机种子"),
    "size_px": Words("side of a film, pixels", "图像边长（像素）"),
    "crop_low": Words("random size, least, %", "随机缩放下限，%"),
    "crop_high": Words("random size, greatest, %", "随机缩放上限，%"),
    "rotation_degrees": Words("random rotation, ± degrees", "随机旋转（±度）"),
    "translation": Words("random translation, %", "随机平移，%"),
    "learning_rate": Words("learning rate", "学习率"),
    "batch": Words("films a step", "批大小"),
    "epochs": Words("epochs", "训练轮数"),
    "optimiser": Words("optimiser and schedule", "优化器与学习率策略"),
    "backbone": Words("backbone", "骨干网络"),
    "best_dropout": Words("chosen drop-out", "选定丢弃率"),
    "alpha": Words("level of the tests", "检验水准"),
    "stage_experts_years": Words("experience of the readers of stages, years", "分期专家年资（年）"),
    "film_readers_years": Words("experience of the readers of films, years", "阅片医师年资（年）"),
    "gpu": Words("processor", "计算设备"),
    "baseline": Words("baselines", "基线模型"),
}  # fmt: skip


def claims_table(evidence: Evidence, lines: Mapping[str, Sequence[Line]]) -> Table:
    """Table 15: what the paper did and claims, beside this study.

    Args:
        evidence: of the study.
        lines: question to its `report_effect.effect_lines`.
    """
    reported = read("multitask")
    rows: list[Row] = [Heading(Words("Design", "设计"))]
    here = _design(evidence)
    for key, words in _DESIGN.items():
        rows.append((text(words), _printed(f"design.{key}"), here.get(key, empty())))
    rows.append(
        Heading(Words("Claims, accuracy on the test set in percent", "结论：测试集准确率（%）"))
    )
    rows += _claims(evidence, lines)
    rows.append(Heading(Words("Quoted from others, percent", "引自他人（%）")))
    rows += [(text(words), _printed(f"context.{key}"), empty()) for key, words in _CONTEXT.items()]
    return Table(
        Words(
            "Table 15. What the paper did and claims, and what was done and found here",
            "表15 论文的设计与结论，及本研究所做与所得",
        ),
        (
            Column(""),
            Column(PAPER, published=True, mixed=True),
            Column(OURS, mixed=True),
        ),
        tuple(rows),
        {
            **reported.footnotes,
            "believed": Words("The line to believe of Table 6.", "表6中应采信的一行。"),
            "of-scores": Words(
                "Of precision, sensitivity and F1 of every class of both questions, mean over seeds on the test set: how many are higher with "
                "multi-task learning, whatever their intervals.",
                "两个任务各类别的精确度、灵敏度与F1（测试集各种子均值）中，多任务较高者的个数，不论其区间。",
            ),
        },
        Words(
            "The paper's patients are others than these. A dash: not printed, or not so here.",
            "论文患者与本研究不同。“–”表示未印出或本处不适用。",
        ),
        "table-15",
    )


def _printed(path: str) -> Cell:
    """A fact with as many digits as it was printed with."""
    fact = read("multitask")[path]
    known = [value for value in (fact.value, fact.low, fact.high) if value is not None]
    if fact.value is not None and fact.sd is None and fact.low is None and not fact.printed:
        return Cell(_plain(fact.value), {"": fact.value}, fact.flaws)
    if fact.value is None and not fact.printed and len(known) == 2:
        return Cell(f"{fact.low:g}–{fact.high:g}", {"low": fact.low, "high": fact.high}, fact.flaws)
    return read("multitask").cell(path, 1)


def _plain(value: float) -> str:
    """A number without an exponent, thousands apart."""
    if value >= 1000 and value == int(value):
        return say(count(int(value)).text)
    return np.format_float_positional(value, trim="-")


def _design(evidence: Evidence) -> dict[str, Cell]:
    """This study's design by the paper's keys; what it does not have is left out."""
    study, rows = evidence.study, evidence.measured
    recipe = study.get("recipe") or {}
    last = (recipe.get("phases") or [{}])[-1]
    augment, optimizer = recipe.get("augment") or {}, recipe.get("optimizer") or {}
    of = {name: sum(row.labels.get("differential") == name for row in rows) for name in ("healthy", "tuberculosis", "dust")}  # fmt: skip
    stages = [sum(row.labels.get("stage") == name for row in rows) for name in ("0", "I", "II", "III")]  # fmt: skip
    found: dict[str, Cell] = {
        "cases": count(len(rows)),
        **{name: count(films) for name, films in of.items()},
        "each_stage": count(stages[0]) if len(set(stages)) == 1 else text(" / ".join(map(str, stages))),
        "train": count(sum(row.part == "train" for row in rows)),
        "test": count(sum(row.part == "test" for row in rows)),
        "folds": count(study["design"]["folds"]),
        "seeds": count(len(study["design"]["seeds"])),
        "alpha": number(0.05, 2),
        "baseline": _words([METHODS[name] for name in evidence.baselines]),
        "best_dropout": _words([f"{rate:g}" for rate in _chosen(evidence)]),
        "devices": _words(sorted({row.covariates["device"] for row in rows if "device" in row.covariates})),
    }  # fmt: skip
    given: dict[str, tuple[Any, Callable[[Any], str]]] = {
        "size_px": (last.get("film") or last.get("size"), str),
        "crop_low": (augment.get("scale"), lambda x: f"{100 * (1 - x):g}"),
        "crop_high": (augment.get("scale"), lambda x: f"{100 * (1 + x):g}"),
        "rotation_degrees": (augment.get("rotation"), lambda x: f"{x:g}"),
        "translation": (augment.get("translation"), lambda x: f"{100 * x:g}"),
        "learning_rate": (optimizer.get("lr"), _plain),
        "batch": (last.get("batch"), str),
        "epochs": (last.get("epochs"), str),
    }
    for key, (value, shown) in given.items():
        if value is not None:
            found[key] = Cell(shown(value), {"": float(shown(value))})
    if optimizer:
        schedule = (recipe.get("schedule") or {}).get("kind", "")
        found["optimiser"] = text(", ".join(filter(None, (optimizer["name"], schedule))))
    backbone = (recipe.get("network") or {}).get("backbone")
    seen_by = study.get("seen_by") or {}
    if study.get("kept") and seen_by:
        found["backbone"] = text(Words(f"{backbone} of {seen_by['model']}, kept as it is", f"{seen_by['model']}的{backbone}，保持不变"))  # fmt: skip
    elif backbone:
        found["backbone"] = text(backbone)
    return found


def _words(parts: Sequence[Text]) -> Cell:
    both = [part if isinstance(part, Words) else Words(part, part) for part in parts]
    if not both:
        return empty()
    return text(Words("; ".join(part.en for part in both), "；".join(part.zh for part in both)))


def _chosen(evidence: Evidence) -> list[float]:
    """Chosen drop-out rates of all groups, each once."""
    known = evidence.study.get("chosen") or {}
    return sorted({float(rate) for rate in known.values()})


def _claims(evidence: Evidence, lines: Mapping[str, Sequence[Line]]) -> list[Row]:
    rows: list[Row] = []
    multi: dict[str, float] = {}
    for task, question in evidence.questions.items():
        for method in ("single", "multi"):
            values = list(by_unit(evidence.of(task, method, "final"), question, ("accuracy", "mean")).values())  # fmt: skip
            mean = float(np.mean(values)) if values else None
            if method == "multi" and mean is not None:
                multi[task] = mean
            name = Words(f"{question.title.en}: {METHODS[method].en}", f"{question.title.zh}：{METHODS[method].zh}")  # fmt: skip
            rows.append(
                (text(name), _printed(f"claims.{task}.{method}"), number(mean, 1, percent=True))
            )
        best = believed(lines[task])
        gain = empty()
        if best is not None:
            places = places_of(lines[task])
            gain = interval(best.difference, places, percent=True, sign=True).marked("believed")
        name = Words(f"{question.title.en}: gain, points", f"{question.title.zh}：提升（百分点）")
        rows.append((text(name), _printed(f"claims.{task}.gain"), gain))
    better, of = _better(evidence)
    said = empty()
    if of:
        said = Cell(Words(f"{better} of {of}", f"{of}项中{better}项"), {"": better, "of": of})
        said = said.marked("of-scores")
    rows.append((text(Words("better with multi-task learning", "多任务更优者")), _printed("claims.everything_better"), said))  # fmt: skip
    apart = empty()
    if len(multi) == 2:
        gap = 100 * (multi["differential"] - multi["stage"])
        apart = Cell(digits(gap, 1, sign=True), {"": gap})
    rows.append((text(Words("task 1 above task 2, points", "任务一高于任务二（百分点）")), _printed("claims.task_1_above_task_2"), apart))  # fmt: skip
    return rows


def _better(evidence: Evidence) -> tuple[int, int]:
    """How many scores of classes are higher with multi-task learning, and how many there are."""
    better = of = 0
    for task, question in evidence.questions.items():
        runs = evidence.of(task, "multi", "final"), evidence.of(task, "single", "final")
        for score in SCORES:
            for one in question.classes if score != "accuracy" else ():
                first, second = paired(*runs, question, (score, one))
                if len(first):
                    of += 1
                    better += bool(first.mean() > second.mean())
    return better, of
