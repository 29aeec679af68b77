"""The contract of samplers, over the whole registry, and the thesis' numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import CohortError
from konio.learning.sampling import SAMPLERS, oversample, undersample

THESIS = np.repeat([0, 1, 2, 3], [316, 2533, 389, 79])
TARGETS = (16, 25, 16, 10)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_keeps_the_contract(name: str) -> None:
    places = SAMPLERS[name](THESIS, TARGETS, rng())
    assert places.dtype == np.int64
    assert places.min() >= 0
    assert places.max() < len(THESIS)
    assert set(THESIS[places]) == {0, 1, 2, 3}
    assert np.array_equal(places, SAMPLERS[name](THESIS, TARGETS, rng()))
    assert np.array_equal(places, np.sort(places))


def test_the_thesis_counts() -> None:
    # Dossier 4.2 B2: 1621 / 2533 / 1621 / 1013 from 316 / 2533 / 389 / 79.
    counts = np.bincount(THESIS[oversample(THESIS, TARGETS, rng())])
    assert counts.tolist() == [1621, 2533, 1621, 1013]
    less = np.bincount(THESIS[undersample(THESIS, TARGETS, rng())])
    assert less.tolist() == [126, 198, 126, 79]


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=5),
    st.integers(0, 1000),
    st.data(),
)
def test_oversampling_leaves_none_out_and_treats_equals_alike(counts, seed, data) -> None:
    targets = data.draw(
        st.lists(st.floats(0.5, 20), min_size=len(counts), max_size=len(counts)), "targets"
    )
    labels = rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    seen = np.bincount(oversample(labels, targets, rng(seed)), minlength=len(labels))
    unit = max(c / t for c, t in zip(counts, targets, strict=True))
    for number, (count, target) in enumerate(zip(counts, targets, strict=True)):
        own = seen[labels == number]
        assert own.min() >= 1
        assert own.max() - own.min() <= 1
        assert own.sum() == max(round(target * unit), count)


@pytest.mark.parametrize("sampler", [oversample, undersample])
def test_a_class_missing_and_bad_targets_are_refused(sampler) -> None:
    with pytest.raises(CohortError, match="no film of class 2, so that"):
        sampler(np.array([0, 1, 1, 3]), TARGETS, rng())
    for targets in ((1, 0, 1), (1, -1, 2), (1, float("nan"), 1), (1,)):
        with pytest.raises(CohortError, match="above zero"):
            sampler(np.array([0, 1, 2]), targets, rng())
    with pytest.raises(CohortError, match="do not fit classes 0 to 2"):
        sampler(np.array([0, 1, 2]), (1, 1), rng())
