"""Maps against the truth of made-up patients: masks on the network's square, perfect and blind maps, means."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from konio.errors import UsageError
from konio.explain.known import GRID, SCORES, KnownFilm, chance, known_film, mean_scores, score_map
from konio.phantom import PhantomFilm, radiograph
from konio.prepare import Preparation
from konio.records import Image, Lungs


@pytest.fixture(scope="module")
def film() -> PhantomFilm:
    return radiograph(11, "dust-III", size=256)


@pytest.fixture(scope="module")
def known(film: PhantomFilm) -> KnownFilm:
    return known_film(film, Preparation(size=128))


def test_masks_lie_on_the_square_that_the_network_sees(known: KnownFilm, film: PhantomFilm) -> None:
    assert known.image.shape == (1, 128, 128)
    assert known.zones is not None
    assert known.lungs.shape == known.ribs.shape == known.chest.shape == (GRID, GRID)
    # The square is the lungs' box with a margin: it holds all lung and no more than a part of the film.
    assert known.lungs.mean() > film.lungs.mean()
    assert known.chest[known.lungs].mean() > 0.99
    dark = known.image[0].numpy().repeat(2, 0).repeat(2, 1)
    assert dark[known.lungs].mean() < dark[~known.lungs].mean()
    assert set(np.unique(known.lesions)) <= {0, 1, 2, 3, 4}


def test_lesions_belong_to_an_answer(known: KnownFilm) -> None:
    large = known.lesions_of("large_opacity", "present")
    stage = known.lesions_of("stage", "III")
    assert large.any()
    assert stage[large].all()
    assert stage.sum() > large.sum()
    assert not known.lesions_of("stage", "0").any()
    assert not known.lesions_of("differential", "healthy").any()


def test_a_map_of_the_lesions_beats_chance_and_a_map_of_the_corner_does_not(
    known: KnownFilm,
) -> None:
    lesions = known.lesions_of("stage", "III")
    right = score_map(torch.from_numpy(lesions.astype(np.float32)), known, lesions)
    blind, corner = chance(known, lesions), torch.zeros(4, 4)
    corner[0, 0] = 1
    wrong = score_map(corner, known, lesions)
    assert tuple(right) == SCORES
    assert right["in_lesions"] == right["pointing"] == 1
    assert right["in_lungs"] > 0.97
    assert blind["in_lesions"] == pytest.approx(lesions.mean())
    assert blind["in_lungs"] == pytest.approx(known.lungs.mean())
    assert blind["outside_chest"] == pytest.approx(1 - known.chest.mean())
    assert wrong["pointing"] == wrong["pointing_near"] == 0
    assert wrong["outside_chest"] > blind["outside_chest"]


def test_a_map_that_ends_at_the_lungs_is_scored_in_them_alone(known: KnownFilm) -> None:
    lesions = known.lesions_of("stage", "III")
    even = chance(known, lesions, ended=True)
    assert even["in_lungs"] == 1  # the network was told of the true lungs
    assert even["outside_chest"] < 0.01
    assert even["pointing"] == pytest.approx(lesions[known.lungs].mean())
    assert even["pointing"] > 2 * chance(known, lesions)["pointing"]
    outside = torch.from_numpy(~known.lungs).float()
    assert math.isnan(score_map(outside, known, lesions, ended=True)["in_lungs"])


def test_the_network_may_be_told_of_lungs_that_were_found(film: PhantomFilm) -> None:
    def half(image: Image) -> Lungs:
        zones = film.zones.copy()
        zones[zones > 3] = 0
        return Lungs(zones > 0, zones, image.shape)

    told = known_film(film, Preparation(size=128), half)
    assert told.lungs[told.seen].all()
    assert told.seen.sum() < 0.8 * told.lungs.sum()
    assert told.zones is not None
    assert not told.zones[3:].any()
    even = chance(told, told.lesions_of("stage", "III"), ended=True)
    assert even["in_lungs"] == 1


def test_where_nothing_is_to_be_found_only_the_anatomy_is_scored(known: KnownFilm) -> None:
    scores = chance(known, known.lesions_of("stage", "0"))
    undefined = {name for name, value in scores.items() if math.isnan(value)}
    assert undefined == {"pointing", "pointing_near", "iou_5", "iou_10", "iou_20", "in_lesions"}
    silent = score_map(torch.zeros(4, 4), known, known.lesions_of("stage", "III"))
    assert all(math.isnan(value) for value in silent.values())


def test_means_leave_out_what_is_not_defined_and_say_how_many_are_left() -> None:
    found = mean_scores([{"a": 1.0, "b": math.nan}, {"a": 0.0, "b": math.nan}, {"a": math.nan}])
    assert (found["a"].value, found["a"].films) == (0.5, 2)
    assert math.isnan(found["b"].value)
    assert found["b"].films == 0
    assert mean_scores([]) == {}


def test_a_film_without_lungs_or_anatomy_is_refused(film: PhantomFilm) -> None:
    with pytest.raises(UsageError, match="anatomy"):
        known_film(dataclasses.replace(film, anatomy=None), Preparation(size=128))
    with pytest.raises(UsageError, match="lungs"):
        known_film(dataclasses.replace(film, lungs=np.zeros_like(film.lungs)), Preparation(size=128))  # fmt: skip
