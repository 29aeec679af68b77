"""Ribs and chest drawn afterwards are those of the film."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from konio.phantom import PhantomFilm, radiograph
from konio.phantom.bones import draw_bones


@pytest.fixture(scope="module")
def film() -> PhantomFilm:
    return radiograph(3, "dust-II", size=192)


def test_the_ribs_are_among_the_bones_that_were_drawn(film: PhantomFilm) -> None:
    assert film.anatomy is not None
    ribs = film.anatomy.rib_mask()
    drawn = film.anatomy
    bone = draw_bones(copy.deepcopy(drawn.bones), drawn.chest, drawn.frame)
    assert ribs.shape == film.pixels.shape
    assert np.all(bone[ribs] > 0.3)
    assert 0.1 < ribs.mean() < 0.5


def test_ribs_are_brighter_than_what_lies_between_them(film: PhantomFilm) -> None:
    assert film.anatomy is not None
    ribs = film.anatomy.rib_mask()
    for zone in range(1, 7):
        inside = film.zones == zone
        assert film.display[inside & ribs].mean() > film.display[inside & ~ribs].mean()


def test_the_chest_holds_the_lungs_and_not_the_corners(film: PhantomFilm) -> None:
    assert film.anatomy is not None
    chest = film.anatomy.chest_mask()
    assert (film.lungs & ~chest).sum() < 0.01 * film.lungs.sum()
    assert not chest[:5, :5].any()
    assert film.lungs.sum() < chest.sum() < 0.8 * chest.size


def test_asking_twice_gives_the_same_and_another_disease_the_same_ribs(film: PhantomFilm) -> None:
    other = radiograph(3, "healthy", size=192)
    assert film.anatomy is not None
    assert other.anatomy is not None
    assert np.array_equal(film.anatomy.rib_mask(), film.anatomy.rib_mask())
    assert np.array_equal(film.anatomy.rib_mask(), other.anatomy.rib_mask())
    assert np.array_equal(film.anatomy.chest_mask(), other.anatomy.chest_mask())
