"""The study's figures of fine-grained features: components, t-SNE, learning curves, confusions (figures 3.7 to 3.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.studies.drawings import Curve, draw_confusion, draw_curves
from konio.studies.figures import COLOURS, Figure, Language, canvas, label
from konio.studies.hierarchy.figures import STAGES
from konio.studies.hierarchy.results import Fine
from konio.studies.tables import say

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
_QUALITATIVE: Final = Words(
    "A picture, no measurement: distances between groups mean little.",
    "仅作示意：组间距离没有定量意义。",
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
            points, truth = _embedded(one, "embedded")
            _scatter(axes[0, place], points, truth)
            axes[0, place].set_title(say(FEATURES[name], language))
            axes[0, place].set_xticks([])
            axes[0, place].set_yticks([])
        axes[0, 0].legend()
        return drawing

    title = Words("t-SNE of the features, two dimensions", "特征的 t-SNE（二维）")
    return Figure("figure-3-7", title, draw, _QUALITATIVE)


def solid_figure(fine: Mapping[str, Fine]) -> Figure:
    """t-SNE of the test part's features in three dimensions (figure 3.7)."""

    def draw(language: Language) -> Any:
        drawing, _ = canvas(3.4 * len(fine), 3.6)
        drawing.clear()
        for place, (name, one) in enumerate(fine.items(), start=1):
            points, truth = _embedded(one, "embedded_3d")
            axes = drawing.add_subplot(1, len(fine), place, projection="3d")
            _scatter(axes, points, truth)
            axes.set_title(say(FEATURES[name], language))
            for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
                axis.set_ticklabels([])
            if place == 1:
                axes.legend(loc="upper left")
        return drawing

    title = Words("t-SNE of the features, three dimensions", "特征的 t-SNE（三维）")
    return Figure("figure-3-7-3d", title, draw, _QUALITATIVE)


def _embedded(one: Fine, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and stages of the test part."""
    with np.load(one.folder / "features.npz", allow_pickle=False) as kept:
        return kept[name], kept["truth"]


def _scatter(axes: Any, points: NDArray[np.float64], truth: NDArray[np.int64]) -> None:
    for stage, colour in enumerate(COLOURS[: len(STAGES)]):
        own = points[truth == stage]
        axes.scatter(*own.T, s=9, color=colour, label=say(STAGES[stage]))


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
