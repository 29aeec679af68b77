"""Principal components are learned from the training part alone; t-SNE keeps what is near near."""

from __future__ import annotations

import numpy as np
import pytest

from konio.errors import UsageError
from konio.features.reduce import THESIS_COMPONENTS, embed, fit_components

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 30)) * np.linspace(5, 0.1, 30) + 7


@pytest.mark.parametrize("count", THESIS_COMPONENTS)
def test_components_are_orthonormal_and_their_shares_fall(count: int) -> None:
    found = fit_components(X, count, seed=0)
    assert np.allclose(found.axes @ found.axes.T, np.eye(count), atol=1e-8)
    assert np.all(np.diff(found.shares) <= 1e-12)
    assert found.project(X).shape == (40, count)
    assert np.allclose(found.project(X).mean(axis=0), 0, atol=1e-8)


def test_they_agree_with_the_singular_values() -> None:
    found = fit_components(X, 8, seed=0)
    values = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    assert np.allclose(found.shares, values[:8] / values.sum())
    assert np.allclose(found.project(X).var(axis=0) * 40, values[:8])


def test_all_components_keep_every_distance() -> None:
    found = fit_components(X, 30, seed=0)
    assert found.shares.sum() == pytest.approx(1)
    before, after = X[3] - X[8], np.subtract(*found.project(X[[3, 8]]))
    assert np.linalg.norm(before) == pytest.approx(float(np.linalg.norm(after)))


def test_the_test_part_has_no_say() -> None:
    one = fit_components(X[:30], 4, seed=0)
    assert np.allclose(one.mean, X[:30].mean(axis=0))
    moved = X.copy()
    moved[30:] = 1e6
    other = fit_components(moved[:30], 4, seed=0)
    assert np.array_equal(one.axes, other.axes)
    assert np.array_equal(one.project(X[30:]), other.project(X[30:]))


def test_a_constant_table_has_no_variance_to_share() -> None:
    with np.errstate(invalid="ignore"):
        found = fit_components(np.ones((5, 4)), 2, seed=0)
    assert found.shares.tolist() == [0, 0]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_t_sne_keeps_clouds_apart_and_repeats_itself(dimensions: int) -> None:
    x = np.vstack([RNG.normal(size=(30, 60)), RNG.normal(size=(30, 60)) + 12])
    flat = embed(x, dimensions, seed=1)
    assert flat.shape == (60, dimensions)
    # What t-SNE promises is who is next to whom, not where a cloud's middle lies.
    apart = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    assert ((nearest < 30) == (np.arange(60) < 30)).mean() > 0.9
    assert np.array_equal(flat, embed(x, dimensions, seed=1))


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="1 to 30"):
        fit_components(X, 31, seed=0)
    with pytest.raises(UsageError, match="finite"):
        fit_components(np.full((4, 4), np.nan), 2, seed=0)
    with pytest.raises(UsageError, match="same features"):
        fit_components(X, 2, seed=0).project(X[:, :5])
    for x, dimensions, perplexity in ((X, 4, 30.0), (X[:3], 2, 30.0), (X, 2, 0.0)):
        with pytest.raises(UsageError, match="t-SNE"):
            embed(x, dimensions, seed=0, perplexity=perplexity)
