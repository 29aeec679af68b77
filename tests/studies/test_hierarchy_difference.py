"""Two levels less four classes at once: sign, size, what varies, and what the page says of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from konio import metrics
from konio.significance import Interval
from konio.studies.hierarchy.difference import Difference, difference, difference_table, verdict
from konio.studies.hierarchy.presets import PRESETS
from konio.studies.hierarchy.results import Outcome
from konio.studies.tables import say

TRUTH = np.repeat([0, 1, 2, 3], [40, 120, 40, 30])
PATIENTS = tuple(f"P{k // 2}" for k in range(len(TRUTH)))


def way(right: float, seed: int, third: float | None = None) -> Outcome:
    """Answers of one training that are right so often, of stage III another share."""
    rng = np.random.default_rng(seed)
    share = np.where(TRUTH == 3, right if third is None else third, right)
    wrong = (TRUTH + rng.integers(1, 4, len(TRUTH))) % 4
    return Outcome(TRUTH, np.where(rng.random(len(TRUTH)) < share, TRUTH, wrong), PATIENTS)


def ways(right: float, seeds: int, first: int, third: float | None = None) -> list[Outcome]:
    return [way(right, first + seed, third) for seed in range(seeds)]


def test_above_zero_the_first_way_is_better() -> None:
    good, bad = ways(0.9, 4, 0), ways(0.6, 3, 100)
    found, back = difference(good, bad, draws=300), difference(bad, good, draws=300)
    assert found.gap.low > 0.15
    assert back.gap.high < -0.15
    means = [np.mean([metrics.macro_recall(own.confusion) for own in both]) for both in (good, bad)]
    assert found.gap.estimate == pytest.approx(means[0] - means[1])
    assert back.gap.estimate == pytest.approx(-found.gap.estimate)
    assert found.first == pytest.approx([own.macro_recall for own in good])
    assert found.second == back.first
    assert found.films == len(TRUTH)


def test_one_way_against_itself_is_nothing() -> None:
    alone = ways(0.8, 1, 0)
    assert difference(alone, alone, draws=50).gap == Interval(0.0, 0.0, 0.0)
    several = ways(0.8, 5, 0)
    found = difference(several, several, draws=300)
    assert found.gap.estimate == 0
    assert found.gap.low < 0 < found.gap.high


def test_a_stage_alone_is_asked_alone() -> None:
    good, bad = ways(0.8, 3, 0, third=0.95), ways(0.8, 3, 0, third=0.5)
    third = difference(good, bad, (3,), draws=300)
    assert third.gap.low > 0.2
    assert third.films == 30
    assert third.first == pytest.approx([own.recalls[3] for own in good])
    rest = difference(good, bad, (0, 1, 2), draws=300)
    assert rest.gap.estimate == 0


def test_other_seeds_and_other_patients_both_widen_the_interval() -> None:
    def width(one: list[Outcome], other: list[Outcome]) -> float:
        gap = difference(one, other, draws=400).gap
        return gap.high - gap.low

    same = [way(0.8, 0)] * 6
    uneven = [way(0.95, 0), way(0.95, 0), way(0.95, 0), way(0.6, 1), way(0.6, 1), way(0.6, 1)]
    base = [way(0.7, 50)] * 6
    assert width(uneven, base) > 1.5 * width(same, base)
    few = np.r_[0:8, 40:52, 160:168, 200:206]
    cut = [Outcome(o.truth[few], o.stage[few], tuple(PATIENTS[k] for k in few)) for o in (same[0], base[0])]  # fmt: skip
    assert width(cut[:1] * 6, cut[1:] * 6) > 1.5 * width(same, base)
    assert difference(same, base, draws=50) == difference(same, base, draws=50)


def test_the_page_says_which_way_it_went() -> None:
    def said(low: float, high: float) -> tuple[str, str]:
        one = Difference((0.9,), (0.8,), Interval((low + high) / 2, low, high), 230)
        found = verdict((one, dataclasses.replace(one, films=30)))
        return say(found.text), found.tone

    assert "larger macro-recall." in said(0.01, 0.2)[0]
    assert said(0.01, 0.2)[1] == "good"
    assert "smaller" in said(-0.2, -0.01)[0]
    assert "not settled" in said(-0.1, 0.1)[0]
    assert "(30 films)" in said(-0.1, 0.1)[0]
    both = difference(ways(0.9, 2, 0), ways(0.6, 2, 9), draws=50), difference(ways(0.9, 2, 0), ways(0.6, 2, 9), (3,), draws=50)  # fmt: skip
    shown = difference_table(PRESETS["small"], both)
    assert [row[1].numbers[""] for row in shown.rows] == [230, 30]  # type: ignore[union-attr]
    assert "+" in say(shown.rows[0][4].text)  # type: ignore[index]
    assert [column.published for column in shown.columns] == [False] * 5 + [True]
