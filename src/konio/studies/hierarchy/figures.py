"""The study's figures: confusions of networks and levels, and the curve of the cut point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from konio.report.words import Words
from konio.studies.drawings import Curve, draw_confusion, draw_curves
from konio.studies.figures import COLOURS, Figure, Language, canvas, label
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.results import Fine, Results
from konio.studies.reported import read
from konio.studies.tables import Text, say

STAGES: Final[tuple[Text, ...]] = ("0", "I", "II", "III")
ILL: Final[tuple[Text, ...]] = (Words("0", "0"), Words("diseased", "患病"))

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


#: Words of features and of the classifiers that are drawn.
FEATURES: Final[Mapping[str, Words]] = {
    "four-flattened": Words("four classes, flattened", "四分类，展平"),
    "four-pooled": Words("four classes, pooled", "四分类，池化"),
    "two-flattened": Words("two levels, flattened", "两级，展平"),
    "two-pooled": Words("two levels, pooled", "两级，池化"),
}
CLASSIFIERS: Final[Mapping[str, Words]] = {
    "logistic": Words("logistic regression", "逻辑回归"),
    "svm": Words("SVM", "SVM"),
    "forest": Words("random forest", "随机森林"),
}


def four_class_figure(preset: Preset, shown: Results) -> Figure:
    """Confusion of every base classifier (figure 2.8)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(3.0 * len(preset.networks), 3.0, 1, len(preset.networks))
        for place, name in enumerate(preset.networks):
            matrix = shown.networks[name].confusion
            draw_confusion(axes[0, place], matrix, STAGES, language, NAMES[name])
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


def cut_figure(shown: Results) -> Figure:
    """Macro-recall over the cut point, ours and the thesis' (figure 2.10)."""
    printed = read("hierarchy")

    def draw(language: Language) -> Any:
        drawing, axes = canvas(7.0, 4.0)
        sides = (("validation", Words("validation", "验证")), ("test", Words("test", "测试")))
        costs = (("with_cost", Words("with cost", "代价")), ("without_cost", Words("without cost", "无代价")))  # fmt: skip
        curves = []
        for side, side_words in sides:
            own = shown.validation if side == "validation" else shown.test
            for cost, words in costs:
                name = Words(f"{words.en}, {side_words.en}", f"{words.zh}，{side_words.zh}")
                curves.append(Curve(name, own[cost].points, own[cost].macro_recall))
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
            "The thesis' curves break the bound of its own level 2 (0.863 without cost, 0.868 with).",
            "论文曲线超出其第二级所允许的上限（无代价 0.863，代价 0.868）。",
        ),
    )


def scree_figure(fine: Mapping[str, Fine]) -> Figure:
    """Share of the variance of each principal component (figure 3.8)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(6.0, 3.4)
        curves = []
        for name, one in fine.items():
            shares = one.result["scree"]
            curves.append(Curve(FEATURES[name], range(1, len(shares) + 1), shares))
        draw_curves(axes[0, 0], curves, language, markers=True)
        label(
            axes[0, 0],
            Words("component", "主成分"),
            Words("share of variance", "方差占比"),
            language,
        )
        return drawing

    return Figure("figure-3-8", Words("Principal components of the features", "特征的主成分"), draw)


def embedded_figure(fine: Mapping[str, Fine]) -> Figure:
    """t-SNE of the test part's features in two dimensions (figure 3.7)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(3.4 * len(fine), 3.4, 1, len(fine))
        for place, (name, one) in enumerate(fine.items()):
            with np.load(one.folder / "features.npz", allow_pickle=False) as kept:
                points, truth = kept["embedded"], kept["truth"]
            for stage, colour in enumerate(COLOURS[:4]):
                own = points[truth == stage]
                axes[0, place].scatter(
                    own[:, 0], own[:, 1], s=9, color=colour, label=say(STAGES[stage])
                )
            axes[0, place].set_title(say(FEATURES[name], language))
            axes[0, place].set_xticks([])
            axes[0, place].set_yticks([])
        axes[0, 0].legend()
        return drawing

    caption = Words(
        "A picture, no measurement: distances between groups mean little.",
        "仅作示意：组间距离没有定量意义。",
    )
    return Figure("figure-3-7", Words("t-SNE of the features", "特征的 t-SNE"), draw, caption)


def learning_figure(one: Fine) -> Figure:
    """Five-fold learning curves of the classifiers (figure 3.9)."""

    def draw(language: Language) -> Any:
        drawing, axes = canvas(9.0, 3.2, 1, 3)
        for place, (name, curve) in enumerate(one.result["curves"].items()):
            lines = []
            for side, words in (
                ("training", Words("training", "训练")),
                ("validation", Words("validation", "验证")),
            ):
                values = np.array(curve[side], float)
                known = ~np.isnan(values).any(axis=0)
                mean, spread = values[:, known].mean(axis=0), values[:, known].std(axis=0, ddof=1)
                x = np.array(curve["cases"])[known]
                lines.append(Curve(words, x, mean, mean - spread, mean + spread))
            draw_curves(axes[0, place], lines, language, markers=True)
            label(
                axes[0, place],
                Words("films", "胸片数"),
                Words("macro-recall", "宏查全率"),
                language,
                CLASSIFIERS[name],
            )
        return drawing

    caption = Words(
        "Mean and standard deviation over five folds by patient.", "按患者五折的均值与标准差。"
    )
    return Figure(
        "figure-3-9", Words("Learning curves of the classifiers", "分类器的学习曲线"), draw, caption
    )


def fine_confusion_figure(fine: Mapping[str, Fine]) -> Figure:
    """Confusion of the classifiers on sixteen components (figure 3.10)."""
    shown = [name for name in fine if name.endswith("flattened")]

    def draw(language: Language) -> Any:
        drawing, axes = canvas(9.0, 3.0 * len(shown), len(shown), 3)
        for row, name in enumerate(shown):
            for place, kind in enumerate(CLASSIFIERS):
                matrix = np.array(fine[name].scores(kind, 16)["confusion"])
                title = f"{say(CLASSIFIERS[kind], language)}\n{say(FEATURES[name], language)}"
                draw_confusion(axes[row, place], matrix, STAGES, language, title)
        return drawing

    return Figure(
        "figure-3-10", Words("Classifiers on sixteen components", "16 个主成分上的分类器"), draw
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
