"""The study's figures: confusions of networks and levels, the curve of the cut point, and how the trainings went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from konio.report.words import Words
from konio.studies.drawings import Curve, draw_confusion, draw_curves
from konio.studies.figures import Figure, Language, canvas, label
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.results import Results
from konio.studies.reported import read
from konio.studies.tables import Text
from konio.studies.training_curves import mean_curves

STAGES: Final[tuple[Text, ...]] = ("0", "I", "II", "III")
ILL: Final[tuple[Text, ...]] = (Words("0", "0"), Words("diseased", "患病"))

#: Trainings of fewer epochs are drawn with a mark for each.
_FEW: Final = 20
#: Words of networks and rows.
NAMES: Final = {
    "alexnet": Words("AlexNet", "AlexNet"),
    "vgg16": Words("VGG16", "VGG16"),
    "resnet34": Words("ResNet34", "ResNet34"),
    "densenet121": Words("DenseNet121", "DenseNet121"),
    "two_level": Words("Two levels", "两级"),
    "two_level_cost": Words("Two levels, cost", "两级，代价"),
    "two_level_cut": Words("Two levels, cut point", "两级，截断点"),
    "two_level_cut_cost": Words("Two levels, cut point and cost", "两级，截断点与代价"),
    "level-1": Words("Level 1", "第一级"),
    "level-2": Words("Level 2", "第二级"),
    "level-2-cost": Words("Level 2, cost", "第二级，代价"),
}


def four_words(preset: Preset, name: str = "") -> Words:
    """What a network of four classes at once is called.

    Args:
        preset: of the study.
        name: of the network; the best one's where empty.
    """
    if preset.kept:
        return Words("Four classes at once, kept features", "四分类，保存的特征")
    return NAMES[name or preset.best]


def four_class_figure(preset: Preset, shown: Results) -> Figure:
    """Confusion of every base classifier (figure 2.8)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(max(4.6, 3.0 * len(preset.networks)), 3.0, 1, len(preset.networks))
        for place, name in enumerate(preset.networks):
            matrix = shown.networks[name].confusion
            draw_confusion(axes[0, place], matrix, STAGES, language, four_words(preset, name))
        return drawing

    return Figure(
        "figure-2-8",
        Words("Base classifiers, four classes at once", "基分类器四分类混淆矩阵"),
        draw,
        Words("Films of the test part; rows are the truth.", "测试部分；行为真实类别。"),
    )


def level_figure(shown: Results) -> Figure:
    """Confusion of level 1, and of level 2 without and with cost (figure 2.9)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(9.0, 3.0, 1, 3)
        for place, (name, classes) in enumerate(
            (("level-1", ILL), ("level-2", STAGES[1:]), ("level-2-cost", STAGES[1:]))
        ):
            draw_confusion(axes[0, place], shown.levels[name], classes, language, NAMES[name])
        return drawing

    return Figure("figure-2-9", Words("Each level alone", "各级混淆矩阵"), draw)


def cut_figure(found: Mapping[int, Results]) -> Figure:
    """Macro-recall over the cut point, ours and the thesis' (figure 2.10); the mean and deviation over seeds."""
    printed = read("hierarchy")

    def draw(language: Language) -> Any:
        drawing, axes = canvas(7.0, 4.0)
        sides = (("validation", Words("validation", "验证")), ("test", Words("test", "测试")))
        costs = (("with_cost", Words("with cost", "代价")), ("without_cost", Words("without cost", "无代价")))  # fmt: skip
        curves = []
        for side, side_words in sides:
            for cost, words in costs:
                name = Words(f"{words.en}, {side_words.en}", f"{words.zh}，{side_words.zh}")
                own = [getattr(one, side)[cost] for one in found.values()]
                curves.append(_banded(name, own[0].points, [one.macro_recall for one in own]))
        for cost, words in costs:
            facts = printed.below(f"table-2-6.{cost}")
            x = [float(key) for key in facts]
            y = [fact.value for fact in facts.values()]
            curves.append(
                Curve(Words(f"thesis, {words.en}", f"论文，{words.zh}"), x, y, published=True)  # type: ignore[arg-type]
            )
        draw_curves(axes[0, 0], curves, language, markers=True)
        label(axes[0, 0], Words("cut point", "截断点"), Words("macro-recall", "宏查全率"), language)
        return drawing

    return Figure(
        "figure-2-10",
        Words("Macro-recall over the cut point", "宏查全率随截断点的变化"),
        draw,
        Words(
            "The thesis' curves break the bound of its own level 2 (0.863 without cost, 0.868 with). Bands, where there are several "
            "seeds: their standard deviation.",
            "论文曲线超出其第二级所允许的上限（无代价 0.863，代价 0.868）。多个随机种子时，阴影为其标准差。",
        ),
    )


def _banded(name: Words, x: Sequence[float], runs: Sequence[Sequence[float]]) -> Curve:
    """The mean over seeds, with their standard deviation where there are several."""
    values = np.array(runs, np.float64)
    mean = values.mean(axis=0)
    if len(values) == 1:
        return Curve(name, x, mean)
    spread = values.std(axis=0, ddof=1)
    return Curve(name, x, mean, mean - spread, mean + spread)


def training_figure(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """How the four-class trainings went (figure 4.5).

    Args:
        curves: network to one curve a seed (`konio.studies.training_curves`).
    """
    panels = (
        ("training", Words("loss, training", "训练损失")),
        ("loss", Words("loss, validation", "验证损失")),
        ("macro_recall", Words("macro-recall, validation", "验证宏查全率")),
    )

    def draw(language: Language) -> Any:
        drawing, axes = canvas(9.6, 3.2, 1, len(panels))
        for place, (column, words) in enumerate(panels):
            lines = []
            for name, own in curves.items():
                epochs, mean, spread = mean_curves(own, column)
                band = (mean - spread, mean + spread) if len(own) > 1 else (None, None)
                lines.append(Curve(NAMES[name], epochs, mean, *band))
            draw_curves(axes[0, place], lines, language, markers=len(lines[0].x) < _FEW)  # type: ignore[arg-type]
            label(axes[0, place], Words("epoch", "轮"), words, language)
            axes[0, place].xaxis.get_major_locator().set_params(integer=True)
        return drawing

    caption = Words(
        "Four classes at once. The training loss is of random crops of films drawn to the targets, the validation loss of ten crops of "
        "films as they are: the two differ without any overfitting. Bands: standard deviation over seeds.",
        "四分类训练。训练损失为按目标比例采样胸片的随机裁剪，验证损失为原样胸片的十次裁剪：二者不同并不意味着过拟合。阴影为多随机种子标准差。",
    )
    return Figure(
        "figure-4-5", Words("Training of the base classifiers", "基分类器的训练过程"), draw, caption
    )


def two_level_figure(shown: Results) -> Figure:
    """Confusion of the two levels with and without cost, with the chosen cut points (figure 2.11)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(6.4, 3.0, 1, 2)
        for place, name in enumerate(("two_level_cut", "two_level_cut_cost")):
            matrix = shown.two_levels[name].confusion
            draw_confusion(axes[0, place], matrix, STAGES, language, NAMES[name])
        return drawing

    return Figure(
        "figure-2-11", Words("Two levels with their cut points", "设截断点的两级判定"), draw
    )
