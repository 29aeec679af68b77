import dataclasses

import numpy as np
import pytest
import torch

from konio.learning.lungs_films import NO_CHANGE, Opacity, apply_change, draw_change, no_lungs

SIDE = 64


def toy():
    rows, columns = np.ogrid[:SIDE, :SIDE]
    right = ((rows - 30) / 18) ** 2 + ((columns - 18) / 9) ** 2 <= 1
    left = ((rows - 30) / 18) ** 2 + ((columns - 46) / 9) ** 2 <= 1
    film = np.where(right | left, 0.1, 0.8).astype(np.float32)
    return film, (right + 2 * left).astype(np.uint8)


def test_no_change_is_no_change():
    film, sides = toy()
    image, masks = apply_change(film, sides, NO_CHANGE)
    np.testing.assert_allclose(image.numpy(), film, atol=1e-6)
    assert np.array_equal(masks[0].numpy() > 0.5, sides == 1)
    assert np.array_equal(masks[1].numpy() > 0.5, sides == 2)


def test_the_same_change_gives_the_same_film():
    film, sides = toy()
    change = draw_change(np.random.default_rng(5))
    assert change == draw_change(np.random.default_rng(5))
    for one, other in zip(
        apply_change(film, sides, change), apply_change(film, sides, change), strict=True
    ):
        assert torch.equal(one, other)


def test_films_stay_in_range_and_are_never_altered():
    film, sides = toy()
    before = film.copy()
    for seed in range(30):
        image, masks = apply_change(film, sides, draw_change(np.random.default_rng(seed)))
        assert image.shape == (SIDE, SIDE)
        assert masks.shape == (2, SIDE, SIDE)
        assert 0 <= float(image.min()) <= float(image.max()) <= 1
        assert np.array_equal(film, before)


def test_mirroring_makes_the_right_lung_the_left_one():
    film, sides = toy()
    film[25:30, 15:20] = 0.5
    image, masks = apply_change(film, sides, dataclasses.replace(NO_CHANGE, mirror=True))
    assert np.array_equal(masks[0].numpy() > 0.5, sides[:, ::-1] == 2)
    np.testing.assert_allclose(image.numpy(), film[:, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    "move",
    [{"turn": 0.2}, {"zoom": (1.2, 0.9)}, {"shift": (0.2, -0.1)}, {"mirror": True, "turn": -0.1}],
)
def test_film_and_mask_move_together(move):
    film, sides = toy()
    image, masks = apply_change(film, sides, dataclasses.replace(NO_CHANGE, **move))
    lung = masks.amax(dim=0)
    assert float(image[lung > 0.95].max()) < 0.2
    beside = (lung < 0.05) & (torch.nn.functional.max_pool2d(lung[None], 5, 1, 2)[0] > 0.95)
    assert beside.sum() > 50
    assert float(image[beside].min()) > 0.6


def test_disease_is_drawn_into_the_lung_and_the_mask_keeps_it():
    film, sides = toy()
    dense = Opacity(place=0.5, radii=(0.08, 0.06), turn=0.3, level=0.9, strength=1.0, softness=0.1)
    image, masks = apply_change(film, sides, dataclasses.replace(NO_CHANGE, opacities=(dense,)))
    _, plain = apply_change(film, sides, NO_CHANGE)
    assert torch.equal(masks, plain)
    brighter = (image.numpy() - film) > 0.5
    assert brighter.sum() > 20
    assert (brighter & (sides > 0)).sum() > 0.5 * brighter.sum()
    assert (image.numpy() - film).min() > -1e-6


def test_veil_dots_marks_and_edges_alter_the_film_alone():
    film, sides = toy()
    change = dataclasses.replace(
        NO_CHANGE, veil=(0.8, 0.0), dots=(0.05, 0.4), marks=((0.0, 0.0, 0.1, 0.1, 1.0),),
        edges=(0.0, 0.0, 0.0, 0.1),
    )  # fmt: skip
    image, masks = apply_change(film, sides, change)
    assert torch.equal(masks, apply_change(film, sides, NO_CHANGE)[1])
    assert float(image[masks[0] > 0.5].mean()) > float(image[masks[1] > 0.5].mean()) + 0.1
    assert float(image[0, 0]) == 1
    assert float(image[:, -6:].max()) == 0
    assert float(image[20:, :6].min()) > 0.5


def test_pictures_without_lungs_are_of_many_kinds_and_in_range():
    film, _ = toy()
    rng = np.random.default_rng(0)
    made = [no_lungs(film, rng) for _ in range(40)]
    assert all(one.shape == film.shape and one.min() >= 0 and one.max() <= 1 for one in made)
    assert len({one.tobytes() for one in made}) > 25
    assert not any(np.array_equal(one, film) for one in made)
