"""Scores of maps: by hand, at chance for a constant map, defined for every bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import UsageError
from konio.explain.measures import TOP_PERCENT, energy_share, pointing_score, top_iou

MASK = np.zeros((10, 10), bool)
MASK[2:4, 2:7] = True  # ten of a hundred pixels


def warm(rows: slice, columns: slice, value: float = 1.0) -> np.ndarray:
    heat = np.zeros((10, 10), np.float32)
    heat[rows, columns] = value
    return heat


def test_a_map_of_the_lesion_itself_is_perfect() -> None:
    heat = MASK.astype(np.float32)
    assert pointing_score(heat, MASK) == 1
    assert energy_share(heat, MASK) == 1
    assert top_iou(heat, MASK, 10) == 1


def test_by_hand() -> None:
    heat = warm(slice(2, 4), slice(2, 4)) + warm(slice(8, 10), slice(0, 3), 2.0)
    assert pointing_score(heat, MASK) == 0
    assert energy_share(heat, MASK) == pytest.approx(4 / 16)
    # The ten warmest: six outside, four inside; union 10 + 10 - 4.
    assert top_iou(heat, MASK, 10) == pytest.approx(4 / 16)
    # The eight warmest: six outside and two of four tied inside.
    assert top_iou(heat, MASK, 8) == pytest.approx(2 / 16)


def test_the_pointing_game_forgives_a_tolerance() -> None:
    heat = warm(slice(6, 7), slice(4, 5))
    assert [pointing_score(heat, MASK, tolerance) for tolerance in (0, 2, 3)] == [0, 0, 1]


def test_equally_warm_pixels_count_by_their_share() -> None:
    heat = warm(slice(3, 5), slice(3, 5))  # two rows, one of them on the mask
    assert pointing_score(heat, MASK) == 0.5


@given(level=st.floats(0.01, 100), percent=st.sampled_from(TOP_PERCENT), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_a_constant_map_scores_exactly_chance(level: float, percent: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((10, 10)) < 0.3
    mask[0, 0] = True
    heat, area = np.full((10, 10), level), mask.mean()
    assert pointing_score(heat, mask) == pytest.approx(area)
    assert energy_share(heat, mask) == pytest.approx(area)
    common = percent * area
    assert top_iou(heat, mask, percent) == pytest.approx(common / (percent + 100 * area - common))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_laws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heat, mask = rng.random((12, 12)), rng.random((12, 12)) < 0.4
    mask[3, 3] = True
    for score in (pointing_score, energy_share):
        assert 0 <= score(heat, mask) <= 1
        assert score(7 * heat, mask) == pytest.approx(score(heat, mask))
        assert score(heat, mask) + score(heat, ~mask) == pytest.approx(1)
    assert 0 <= top_iou(heat, mask, 10) <= 1
    assert top_iou(heat, mask, 100) == pytest.approx(mask.mean())


def test_nothing_said_and_nothing_to_find_are_nan() -> None:
    silent, nothing = np.zeros((10, 10)), np.zeros((10, 10), bool)
    heat = warm(slice(0, 3), slice(0, 3))
    for value in (
        pointing_score(silent, MASK),
        energy_share(silent, MASK),
        top_iou(silent, MASK, 5),
        pointing_score(heat, nothing),
        top_iou(heat, nothing, 5),
    ):
        assert math.isnan(value)
    assert energy_share(heat, nothing) == 0


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="one grid"):
        energy_share(np.ones((3, 3)), MASK)
    with pytest.raises(UsageError, match="not negative"):
        energy_share(np.full((10, 10), -1.0), MASK)
    with pytest.raises(UsageError, match="finite"):
        pointing_score(np.full((10, 10), np.nan), MASK)
    with pytest.raises(UsageError, match="percent"):
        top_iou(np.ones((10, 10)), MASK, 0)
