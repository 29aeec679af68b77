"""Implanting: only lungs change, healthy tissue is left, the truth is marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from konio.errors import UsageError
from konio.phantom import implant, radiograph


@pytest.fixture(scope="module")
def normal() -> tuple[np.ndarray, np.ndarray]:
    film = radiograph(2, "healthy", 256)
    return film.display[:, 8:-8], film.lungs[:, 8:-8]


def test_opacities_brighten_where_they_are_marked(normal: tuple[np.ndarray, np.ndarray]) -> None:
    film, lungs = normal
    out = implant(film, lungs, 3, "dust-II", (430 / 256, 430 / 256))
    change = out.display - film
    marked = out.lesions > 0
    assert out.display.shape == film.shape and out.display.dtype == np.float32
    assert change[marked].mean() > 0.003
    far = ~lungs
    assert np.abs(change[far]).mean() < 0.02 * np.abs(change[marked]).mean()
    assert out.labels["stage"] == "II" and out.staging is not None
    assert not out.spacing_assumed


def test_the_same_seed_gives_the_same_film(normal: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (implant(*normal, 9, "tuberculosis") for _ in range(2))
    np.testing.assert_array_equal(first.display, second.display)
    assert first.spacing_assumed
    assert 1.0 < first.spacing_mm[0] < 2.5
    assert first.labels["differential"] == "tuberculosis"


def test_films_and_masks_that_do_not_fit_are_refused(normal: tuple[np.ndarray, np.ndarray]) -> None:
    film, lungs = normal
    with pytest.raises(UsageError, match="grid"):
        implant(film, lungs[:-1], 1)
    with pytest.raises(UsageError, match=r"0\.\.1"):
        implant(film * 3, lungs, 1)
    with pytest.raises(UsageError, match="zones"):
        implant(film, np.zeros_like(lungs), 1)


@pytest.mark.data
@pytest.mark.parametrize("wish", ["dust-III", "tuberculosis"])
def test_a_real_film_carries_them_inside_its_own_lungs(real: Path, wish: str) -> None:
    """Montgomery County: a film as it was taken, and its lungs as physicians drew them, at half the size."""
    film, drawn = (
        _halved(real / "nlm-tb" / folder)
        for folder in ("montgomery/mc_0003.jpg", "montgomery-lungs/mc_0003.png")
    )
    lungs = drawn > 0.5
    out = implant(film, lungs, 3, wish)
    change = np.abs(out.display - film)
    marked = out.lesions > 0
    assert out.spacing_assumed and 0.8 < out.spacing_mm[0] < 1.6
    assert marked.sum() > 100
    assert (marked & lungs).sum() > 0.9 * marked.sum()
    assert change[marked].mean() > 0.01
    assert change[~lungs].mean() < 0.05 * change[marked].mean()
    np.testing.assert_array_equal(out.lungs, lungs)
    assert out.labels["differential"] == wish.partition("-")[0]


def _halved(path: Path) -> np.ndarray:
    with Picture.open(path) as opened:
        grey = opened.convert("L")
        small = grey.resize((grey.width // 2, grey.height // 2), Picture.Resampling.BOX)
    return np.asarray(small, np.float32) / 255
