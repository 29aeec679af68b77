"""What several studies draw: curves with bands, dots with intervals, a confusion table, reliability, boxes with arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.report.words import Words
from konio.studies.figures import COLOURS, INK, LINE, PAPER, Language, label
from konio.studies.tables import Text, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from konio.significance import Interval


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line with an optional band.

    Args:
        name: for the legend.
        x: ``(n,)``.
        y: ``(n,)``.
        low: lower edge of the band, or ``None``.
        high: upper edge.
        published: whether somebody else printed it; drawn grey and dashed.
    """

    name: Text
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    published: bool = False


def draw_curves(
    axes: Axes, curves: Sequence[Curve], language: Language, *, markers: bool = False
) -> None:
    """Lines with bands and a legend."""
    places = iter(COLOURS * 3)
    for curve in curves:
        colour = PAPER if curve.published else next(places)
        axes.plot(
            curve.x, curve.y, color=colour, label=say(curve.name, language),
            marker="o" if markers else None, markersize=3.5, linewidth=1.6,
            linestyle="--" if curve.published else "-",
        )  # fmt: skip
        if curve.low is not None and curve.high is not None:
            axes.fill_between(
                np.asarray(curve.x), np.asarray(curve.low), np.asarray(curve.high),
                color=colour, alpha=0.16, linewidth=0,
            )  # fmt: skip
    axes.legend()


def draw_roc(axes: Axes, curves: Sequence[Curve], language: Language, title: Text = "") -> None:
    """Receiver operating characteristics in a square with the diagonal of chance."""
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.0)
    draw_curves(axes, curves, language)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.legend(loc="lower right")
    words = Words("1 − specificity", "1 − 特异度"), Words("Sensitivity", "灵敏度")
    label(axes, *words, language, title)


@dataclass(frozen=True, slots=True)
class Dot:
    """One estimate with its interval.

    Args:
        name: of the row.
        ours: what was measured, or ``None``.
        published: what a paper printed, or ``None``.
        series: colour and legend entry.
    """

    name: Text
    ours: Interval | None
    published: float | None = None
    series: Text = ""


def draw_dots(
    axes: Axes, dots: Sequence[Dot], language: Language, *, zero: float | None = None
) -> None:
    """Estimates with intervals, one below the other; a paper's number is a grey diamond beside ours.

    Args:
        axes: where.
        dots: rows from the top; neighbours with one name share a row.
        language: of the words.
        zero: where a line of no effect stands.
    """
    names = list(dict.fromkeys(say(dot.name, language) for dot in dots))
    series = list(dict.fromkeys(say(dot.series, language) for dot in dots))
    if zero is not None:
        axes.axvline(zero, color=INK, linewidth=0.8)
    labelled: set[str] = set()
    for dot in dots:
        place = series.index(say(dot.series, language))
        height = names.index(say(dot.name, language)) + (place - (len(series) - 1) / 2) * 0.24
        name = series[place]
        if dot.ours is not None:
            axes.plot([dot.ours.low, dot.ours.high], [height] * 2, color=COLOURS[place], linewidth=1.6)  # fmt: skip
            axes.plot(
                dot.ours.estimate, height, "o", color=COLOURS[place], markersize=5,
                label=None if name in labelled or not name else name,
            )  # fmt: skip
            labelled.add(name)
        if dot.published is not None:
            paper = say(Words("printed in the paper", "论文所印"), language)
            axes.plot(
                dot.published, height, "D", color=PAPER, markersize=4.5, fillstyle="none",
                label=None if paper in labelled else paper,
            )  # fmt: skip
            labelled.add(paper)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    if labelled - {""}:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)


def draw_confusion(
    axes: Axes, matrix: NDArray[Any], classes: Sequence[Text], language: Language, title: Text = ""
) -> None:
    """Counts with each row's share as its shade; rows are the truth."""
    rows = np.asarray(matrix, dtype=np.float64)
    share = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="GnBu", vmin=0, vmax=1.15)
    for (row, column), value in np.ndenumerate(rows):
        shown = f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
        colour = "white" if share[row, column] > 0.7 else INK
        axes.text(column, row, shown, ha="center", va="center", color=colour)
    names = [say(name, language) for name in classes]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    label(axes, Words("answer", "回答"), Words("truth", "真实"), language, title)


def draw_reliability(
    axes: Axes, curves: Mapping[Text, tuple[ArrayLike, ArrayLike]], language: Language, title: Text
) -> None:
    """Confidence against accuracy; on the diagonal, probabilities mean what they say.

    Args:
        axes: where.
        curves: name to confidence ``(bins,)`` and accuracy ``(bins,)``.
        language: of the words.
        title: above.
    """
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.0)
    for colour, (name, (confidence, accuracy)) in zip(COLOURS, curves.items(), strict=False):
        axes.plot(confidence, accuracy, "o-", color=colour, markersize=4, label=say(name, language))
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.legend(loc="upper left")
    words = (
        Words("mean probability of the answer", "回答的平均概率"),
        Words("share that is right", "正确比例"),
    )
    label(axes, *words, language, title)


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a flow chart.

    Args:
        text: lines in it.
        x: middle, 0..1.
        y: middle, 0..1 from the bottom.
        width: 0..1.
        height: 0..1.
        to: positions of the boxes its arrows lead to.
        accent: whether it stands out.
    """

    text: Text
    x: float
    y: float
    width: float = 0.3
    height: float = 0.12
    to: tuple[int, ...] = ()
    accent: bool = False


def draw_flow(axes: Axes, boxes: Sequence[Box], language: Language) -> None:
    """Boxes with arrows from edge to edge, in a square without axes."""
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for box in boxes:
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        colours = ("#d7e8e8", COLOURS[0]) if box.accent else ("#f6f7f6", PAPER)
        axes.add_patch(
            FancyBboxPatch(
                corner,
                box.width,
                box.height,
                boxstyle="round,pad=0,rounding_size=0.012",
                facecolor=colours[0],
                edgecolor=colours[1],
                linewidth=1.0,
            )
        )
        axes.text(box.x, box.y, say(box.text, language), ha="center", va="center", fontsize=8.5)
        for other in (boxes[place] for place in box.to):
            down = box.y > other.y + 1e-6
            start = (box.x, box.y - box.height / 2) if down else (box.x + box.width / 2, box.y)
            end = (other.x, other.y + other.height / 2) if down else (other.x - other.width / 2, other.y)  # fmt: skip
            axes.add_patch(
                FancyArrowPatch(
                    start,
                    end,
                    arrowstyle="-|>",
                    mutation_scale=11,
                    color=INK,
                    linewidth=0.9,
                    shrinkA=1,
                    shrinkB=1,
                )
            )
