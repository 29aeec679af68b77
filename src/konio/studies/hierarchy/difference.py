"""Do two levels with cut point and cost beat four classes at once? One difference, whatever its sign, and one interval to believe.

Both ways answer the same test films. A new hospital that trains anew has other patients and other trained networks, so both are
drawn anew: patients within each stage, and the seeds of either way on their own, since seed 7 of one has nothing in common with
seed 7 of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.significance import Interval, patient_bootstrap
from konio.studies.cells import count, digits, empty, interval, spread, text
from konio.studies.hierarchy.figures import NAMES, four_words
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.results import Outcome, Results
from konio.studies.page import Paragraph, Tone
from konio.studies.reported import read
from konio.studies.tables import Cell, Column, Table, say
from konio.tasks import STAGE

#: The way that is held against four classes at once.
TWO: Final = "two_level_cut_cost"
_DRAWS: Final = 2000
#: Chance of the bootstrap comes from this seed, so that the same trials give the same page.
_SEED: Final = 20240707
_EVERY: Final = tuple(range(len(STAGE)))
_THIRD: Final = (STAGE.index("III"),)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two levels less four classes at once.

    Args:
        first: of two levels, one a seed.
        second: of four classes at once, one a seed.
        gap: mean difference with its interval over patients and seeds.
        films: that were measured.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]
    gap: Interval
    films: int


def difference(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    stages: Sequence[int] = _EVERY,
    draws: int = _DRAWS,
) -> Difference:
    """The mean recall of some stages of one way less that of another, paired by film.

    Args:
        first: of one way, one outcome a seed, all of the same films.
        second: of the other way, of these films too; may be of another number of seeds.
        stages: 0..3, whose recalls are averaged; all give the macro-recall.
        draws: of the bootstrap.
    """
    truth, patients = first[0].truth, first[0].patients
    right = [np.stack([own.stage == truth for own in way]).astype(np.float64) for way in (first, second)]  # fmt: skip
    seeds = np.random.default_rng([_SEED, 1])

    def recall(gaps: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
        own = [gaps[rows[truth[rows] == stage]] for stage in stages]
        return float(np.mean([each.mean() for each in own])) if all(map(len, own)) else np.nan

    def drawn(rows: NDArray[np.int64]) -> float:
        one, other = (way[seeds.integers(len(way), size=len(way))].mean(axis=0) for way in right)
        return recall(one - other, rows)

    found = patient_bootstrap(
        drawn,
        patients,
        np.random.default_rng(_SEED),
        draws=draws,
        strata=[str(stage) for stage in truth],
        bca=False,
    ).percentile
    films = np.arange(len(truth))
    each = [tuple(recall(run, films) for run in way) for way in right]
    estimate = float(np.mean(each[0]) - np.mean(each[1]))
    measured = int(np.isin(truth, stages).sum())
    return Difference(each[0], each[1], Interval(estimate, found.low, found.high), measured)


def differences(preset: Preset, found: Mapping[int, Results]) -> tuple[Difference, Difference]:
    """Of the macro-recall, and of the recall of stage III.

    Args:
        preset: names the network of four classes.
        found: seed to results.
    """
    first = [own.two_levels[TWO] for own in found.values()]
    second = [own.networks[preset.best] for own in found.values()]
    return difference(first, second), difference(first, second, _THIRD)


def difference_table(preset: Preset, both: tuple[Difference, Difference]) -> Table:
    """Macro-recall and recall of stage III of both ways, and their difference.

    Args:
        preset: of the study.
        both: from `differences`.
    """
    names = (Words("macro-recall", "宏查全率"), Words("recall of stage III", "Ⅲ期查全率"))
    rows = []
    for name, one, printed in zip(names, both, (_printed(preset), empty()), strict=True):
        gap = interval(one.gap, 3, sign=True)
        strong = Cell(gap.text, gap.numbers, gap.marks, strong=True)
        values = (spread(one.first, 3), spread(one.second, 3))
        rows.append((text(name), count(one.films), *values, strong, printed))
    ours = Words("ours", "本研究")
    return Table(
        Words("Two levels with cut point and cost less four classes at once", "设截断点与代价的两级判定减四分类"),
        (
            Column(Words("measure", "指标")),
            Column(Words("films", "胸片"), ours),
            Column(NAMES[TWO], ours),
            Column(four_words(preset), ours),
            Column(Words("difference (95 %)", "差值（95 %）"), ours),
            Column(Words("difference", "差值"), Words("thesis", "论文"), published=True),
        ),
        tuple(rows),
        footnotes=read("hierarchy").footnotes,
        note=Words(
            "Above 0 two levels are better. Columns of one way: mean ± standard deviation over seeds. Interval: patients within each "
            "stage and the seeds of either way drawn anew together; the split stays, and with it the films that the cut point is chosen on.",
            "大于 0 表示两级更优。各方法列为多随机种子的均值±标准差。区间：各期内患者与两方法各自的随机种子同时重抽样；划分（含选取截断点的胸片）不变。",
        ),
        name="table-difference",
    )  # fmt: skip


def _printed(preset: Preset) -> Cell:
    """The thesis' own difference, with what is wrong with either of its numbers."""
    one, other = (read("hierarchy")[f"table-2-4.{name}"] for name in (TWO, preset.best))
    gap = (one.value or 0.0) - (other.value or 0.0)
    flaws = tuple(dict.fromkeys((*one.flaws, *other.flaws)))
    return Cell(digits(gap, 4, sign=True), {"": round(gap, 4)}, flaws)


def verdict(both: tuple[Difference, Difference]) -> Paragraph:
    """One sentence: better, worse or not settled.

    Args:
        both: from `differences`.
    """
    shown = [interval(one.gap, 3, sign=True).text for one in both]
    gap = both[0].gap
    word, tone = _word(gap)
    return Paragraph(
        Words(
            f"Two levels with cut point and cost against four classes at once: macro-recall {say(shown[0])}, recall of stage III "
            f"{say(shown[1])} ({both[1].films} films). {word.en}",
            f"设截断点与代价的两级判定对四分类：宏查全率差 {say(shown[0], 'zh')}，Ⅲ期查全率差 {say(shown[1], 'zh')}（{both[1].films} 张）。{word.zh}",
        ),
        tone,
    )


def _word(gap: Interval) -> tuple[Words, Tone]:
    """What the interval of the macro-recall says."""
    if gap.low > 0:
        return Words("Two levels have the larger macro-recall.", "两级的宏查全率更高。"), "good"
    if gap.high < 0:
        return Words("Two levels have the smaller macro-recall.", "两级的宏查全率更低。"), "warn"
    return (
        Words(
            "Which has the larger macro-recall is not settled: the interval holds 0.",
            "宏查全率孰高尚无定论：区间包含 0。",
        ),
        "plain",
    )
