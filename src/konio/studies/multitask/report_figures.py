"""Figures 1 to 3 of the paper, and those it lacks: the effect with its intervals, calibration, confusion, stability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from konio import metrics
from konio.report.words import Words
from konio.significance import Interval, nadeau_bengio_factor, roc_band
from konio.studies.drawings import (
    Box,
    Curve,
    Dot,
    draw_confusion,
    draw_dots,
    draw_flow,
    draw_reliability,
    draw_roc,
)
from konio.studies.figures import Figure, Language, canvas
from konio.studies.multitask.report_areas import fold_areas
from konio.studies.multitask.report_effect import Line
from konio.studies.multitask.report_pooled import FOLDS, TEST, sources
from konio.studies.multitask.report_runs import (
    METHODS,
    Evidence,
    Floats,
    Question,
    Run,
    joined,
    pair_of,
)
from konio.studies.reported import read
from konio.studies.stability import CaseStability
from konio.studies.tables import Text, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


_EFFECT: Final = Words(
    "The lines of Table 6. Diamond: difference of the means that the paper prints, from other patients.",
    "对应表6各行。菱形：论文所印均值之差，来自其他患者。",
)


def workflow_figure(evidence: Evidence) -> Figure:
    """Figure 1: the way from films to tables, with this study's numbers."""
    design, cohort = evidence.study["design"], evidence.study["cohort"]
    parts = {part: sum(row.part == part for row in evidence.cases) for part in ("train", "test", "extra")}  # fmt: skip
    rates = " / ".join(f"{rate:.2f}" for rate in design["dropouts"])
    made_up = cohort["made_up"]
    who = Words("made-up patients", "虚构患者") if made_up else Words("patients", "患者")
    films, extra = len(evidence.measured), parts["extra"]
    patients = len({row.patient_id for row in evidence.measured})
    more = (
        Words(f"\n+ {extra} made-up films", f"\n另加{extra}张虚构胸片") if extra else Words("", "")
    )
    times = evidence.repeats
    again = Words(f", {times} times", f"，{times}次") if times > 1 else Words("", "")
    boxes = [
        Box(Words(f"{films} films, {patients} {who.en}{more.en}", f"{films}张胸片，{patients}名{who.zh}{more.zh}"), 0.5, 0.93, 0.5, 0.11, (1,)),
        Box(Words("lungs found (U-Net or mask), cut, resized", "肺野定位（U-Net或掩模）、裁剪、缩放"), 0.5, 0.75, 0.5, 0.1, (2, 3)),
        Box(Words(f"train {parts['train']}", f"训练集 {parts['train']}"), 0.25, 0.575, 0.3, 0.09, (4,)),
        Box(Words(f"test {parts['test']}", f"测试集 {parts['test']}"), 0.78, 0.575, 0.3, 0.09, (6,)),
        Box(Words(f"{design['folds']}-fold cross-validation{again.en}\ndrop-out {rates}", f"{design['folds']}折交叉验证{again.zh}\n丢弃率 {rates}"), 0.25, 0.39, 0.44, 0.13, (5,)),
        Box(Words(f"drop-out and temperature chosen;\nall of train learned again, {len(design['seeds'])} seeds", f"选定丢弃率与温度；\n全训练集重训，{len(design['seeds'])}个种子"), 0.25, 0.17, 0.44, 0.13, (6,)),
        Box(Words("scores, intervals,\ntables and figures", "指标、区间、\n表与图"), 0.78, 0.17, 0.3, 0.13, (), True),
    ]  # fmt: skip
    if not evidence.tested:
        boxes[3] = Box(Words("no test set:\nheld-out folds are measured", "无测试集：\n评价留出折"), 0.78, 0.575, 0.34, 0.11, (6,))  # fmt: skip
        boxes[5] = Box(Words("temperature from inner\nvalidation films", "温度取自内部验证样本"), 0.25, 0.17, 0.44, 0.13, (6,))  # fmt: skip

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(7.2, 4.3)
        draw_flow(axes[0, 0], boxes, language)
        return drawing

    return Figure(
        "figure-1",
        Words("Figure 1. What was done", "图1 研究流程"),
        draw,
        _workflow_caption(evidence),
    )


def _workflow_caption(evidence: Evidence) -> Words:
    if evidence.tested:
        first = Words(
            "The test set is set aside before anything else and reaches neither training, selection nor calibration.",
            "测试集最先留出，不参与训练、选择与校准。",
        )
    else:
        first = Words(
            "No film is set aside for a test: every film is measured once, by networks of the fold that held it out.",
            "未设测试集：每例仅由留出该例的一折网络评价。",
        )
    refused = len(evidence.study["cohort"].get("refused") or {})
    if not refused:
        return first
    return Words(
        f"{first.en} Films that were refused ({refused}) are not counted.",
        f"{first.zh}被拒绝的胸片（{refused}例）不计。",
    )


def roc_figure(evidence: Evidence, task: str) -> Figure | None:
    """Figures 2 and 3: mean ROC over the folds with a 95 % band, class by class; ``None`` below two folds."""
    question = evidence.questions[task]
    method = evidence.pair[0]
    curves = _bands(question, evidence.best(task, method))
    if not curves:
        return None
    place = {"differential": "2", "stage": "3"}[task]

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(4.8, 4.5)
        draw_roc(axes[0, 0], curves, language)
        return drawing

    word = METHODS[method]
    return Figure(
        f"figure-{place}",
        Words(
            f"Figure {place}. {say(question.title)}: mean ROC over folds, {word.en}",
            f"图{place} {say(question.title, 'zh')}：各折平均ROC，{word.zh}",
        ),
        draw,
        _band_caption(evidence),
    )


def _band_caption(evidence: Evidence) -> Words:
    folds, again = evidence.study["design"]["folds"], evidence.repeats
    factor = nadeau_bengio_factor(folds, 1 / (folds - 1))
    several = Words("", "")
    if again > 1:
        several = Words(
            f" The {again} curves of a fold are averaged first and count once.",
            f"同一折的{again}条曲线先取平均，只计一次。",
        )
    return Words(
        f"Each class against the rest. Band: mean ± t · s / √k over the {folds} folds at every false positive rate, as the paper draws "
        f"it.{several.en} Folds share training films, and the band is not corrected for that: it would be {factor:.2f} times as wide. AUC: mean "
        "of the folds, not the area of the mean curve; its corrected interval stands in Table 9.",
        f"各类别对其余。带：各假阳性率处{folds}折的均值±t·s/√k，与论文画法相同。{several.zh}各折共用训练样本，此带未作校正；校正后宽{factor:.2f}倍。"
        "AUC为各折均值，而非平均曲线下面积；其校正区间见表9。",
    )


def _bands(question: Question, runs: Sequence[Run]) -> list[Curve]:
    curves = []
    start = 1 if len(question.kept) == 2 else 0
    for k in range(start, len(question.kept)):
        folds = fold_curves(runs, k)
        if len(folds) < 2:
            continue
        band = roc_band(folds)
        auc = f"{float(np.mean(fold_areas(runs, k))):.3f}"
        words = question.words[k]
        name = Words(f"{words.en}, AUC {auc}", f"{words.zh}，AUC {auc}")
        curves.append(Curve(name, band.fpr, band.tpr, band.low, band.high))
    return curves


def fold_curves(runs: Sequence[Run], place: int) -> list[tuple[Floats, Floats]]:
    """One curve a fold, the repeats of a fold averaged at every false positive rate: they are judged on the same films.

    Args:
        runs: of the cross-validation.
        place: of the class that is told from the rest.
    """
    grid = np.linspace(0, 1, 101)
    found: dict[int | None, list[Floats]] = {}
    for run in runs:
        positive = run.truth == place
        if not 0 < positive.sum() < len(positive):
            continue
        fpr, tpr, _ = metrics.roc_curve(positive, run.probabilities()[:, place])
        found.setdefault(run.fold, []).append(np.interp(grid, fpr, tpr))
    return [(grid, np.mean(own, axis=0)) for own in found.values()]


def effect_figure(evidence: Evidence, lines: Mapping[str, Sequence[Line]]) -> Figure | None:
    """Figure 4: the difference in accuracy by every kind of evidence; the paper's own beside ours."""
    shown = {task: [line for line in own if line.difference is not None] for task, own in lines.items()}  # fmt: skip
    shown = {task: own for task, own in shown.items() if own}
    if not shown:
        return None
    new, old = (METHODS[name] for name in evidence.pair if name is not None)
    tall = 1.5 + 0.3 * max(len(own) for own in shown.values())

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(8.6, max(2.6, tall), 1, len(shown))
        for place, (task, own) in enumerate(shown.items()):
            dots = [_dot(evidence, task, line) for line in own]
            draw_dots(axes[0, place], dots, language, zero=0)
            axes[0, place].set_title(say(evidence.questions[task].title, language))
            axes[0, place].set_xlabel(
                say(Words("points of accuracy", "准确率（百分点）"), language)
            )
            if place:
                axes[0, place].set_yticklabels([])
        return drawing

    return Figure(
        "figure-4",
        Words(
            f"Figure 4. {new.en.capitalize()} minus {old.en}: accuracy with 95 % intervals",
            f"图4 {new.zh}减{old.zh}：准确率差及95%区间",
        ),
        draw,
        _EFFECT
        if evidence.pair == ("multi", "single")
        else Words("The lines of Table 6.", "对应表6各行。"),
    )


def _dot(evidence: Evidence, task: str, line: Line) -> Dot:
    printed = None
    if line.note == "training" and evidence.pair == ("multi", "single"):
        reported = read("multitask")
        table = {"differential": "table-4", "stage": "table-5"}[task]
        values = [reported[f"{table}.accuracy.mean.{m}"].value or 0.0 for m in ("multi", "single")]
        printed = values[0] - values[1]
    scaled = None if line.difference is None else Interval(*(100 * v for v in line.difference))
    return Dot(line.name, scaled, printed)


def confusion_figure(evidence: Evidence) -> Figure | None:
    """Figure 5: confusion of each question, one answer a film."""
    method = evidence.pair[0]
    panels = [
        (question, place, pooled[method])
        for task, question in evidence.questions.items()
        for place, pooled in sources(evidence, task, (method,))[:1]
    ]
    if not panels:
        return None

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(4.2 * len(panels), 3.9, 1, len(panels))
        for own, (question, place, pooled) in zip(axes[0], panels, strict=True):
            matrix = metrics.confusion(pooled.truth, pooled.predicted, len(question.kept))
            title = Words(f"{say(question.title)}, {place.en}", f"{say(question.title, 'zh')}，{place.zh}")  # fmt: skip
            draw_confusion(own, matrix, _short(question), language, title)
        return drawing

    word = METHODS[method]
    return Figure(
        "figure-5",
        Words(f"Figure 5. What is taken for what, {word.en}", f"图5 混淆矩阵，{word.zh}"),
        draw,
        Words("Films; shade: share of the row.", "单位：例；颜色深浅为行内占比。"),
    )


def _short(question: Question) -> list[Words]:
    if question.task.name == "stage":
        return [Words(name, name) for name in question.classes]
    return list(question.words)


def calibration_figure(evidence: Evidence) -> Figure | None:
    """Figure 6: reliability before and after the temperature; ``None`` where none was fitted."""
    method = pair_of(evidence)[0]
    panels = []
    for task, question in evidence.questions.items():
        final = evidence.of(task, method, "final")
        warm = [r for r in final or evidence.best(task, method) if r.temperature is not None]
        if warm:
            panels.append((joined(question.title, TEST if final else FOLDS), warm))
    if not panels:
        return None

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(4.2 * len(panels), 4.0, 1, len(panels))
        for own, (title, runs) in zip(axes[0], panels, strict=True):
            truth = np.concatenate([run.truth for run in runs])
            curves: dict[Text, tuple[ArrayLike, ArrayLike]] = {}
            for name, on in ((Words("before", "缩放前"), False), (Words("after", "缩放后"), True)):
                table = np.concatenate([run.probabilities(calibrated=on) for run in runs])
                diagram = metrics.reliability(table, truth, 10, adaptive=True)
                curves[name] = (diagram.confidence, diagram.accuracy)
            draw_reliability(own, curves, language, title)
        return drawing

    return Figure(
        "figure-6",
        Words("Figure 6. Do probabilities mean what they say", "图6 概率是否可信"),
        draw,
        Words(
            "Ten bins of equal mass over all networks; on the diagonal, of the answers given with 80 %, 80 % are right.",
            "全部网络的回答等频分为十箱；对角线上，概率80%的回答有80%正确。",
        ),
    )


def stability_figure(
    evidence: Evidence, cases: Mapping[str, Sequence[CaseStability]]
) -> Figure | None:
    """Figure 7: how many films have how many of the networks on the side of their label."""
    shown = {task: [c for c in own if c.runs > 1] for task, own in cases.items()}
    shown = {task: own for task, own in shown.items() if own}
    if not shown:
        return None

    def draw(language: Language) -> Drawing:
        drawing, axes = canvas(4.2 * len(shown), 3.0, 1, len(shown))
        for own, (task, found) in zip(axes[0], shown.items(), strict=True):
            own.hist([100 * c.right for c in found], bins=np.linspace(0, 100, 11), color="#0d5f63", rwidth=0.92)  # fmt: skip
            own.set_xlabel(
                say(Words("networks that give the label, %", "回答与标签一致的网络，%"), language)
            )
            own.set_ylabel(say(Words("films", "胸片"), language))
            own.set_title(say(evidence.questions[task].title, language))
        return drawing

    return Figure(
        "figure-7",
        Words("Figure 7. How steady the answers are", "图7 回答的稳定性"),
        draw,
        Words(
            "On the left the films that nearly all networks answer otherwise than their label: look at these first.",
            "左端为几乎所有网络均与标签相左的胸片，应优先复核。",
        ),
    )
