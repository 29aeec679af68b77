"""Implanting: only lungs change, healthy tissue is left, the truth is marked."""

from __future__ import annotations

import numpy as np
import pytest

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
