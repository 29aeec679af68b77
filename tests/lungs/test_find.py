import numpy as np
import pytest
from tests.lungs.films import SEGMENTER, image, lungs_of, toy

from konio.errors import RefusedError
from konio.lungs import find_lungs
from konio.lungs.find import exclusive
from konio.records import Image, Source

SHAPES = [(300, 300), (400, 300), (300, 400), (777, 640)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mask_lies_where_the_lungs_are_on_a_film_of_any_shape(shape):
    lungs = find_lungs(image(toy(shape)), SEGMENTER)
    assert max(lungs.mask.shape) == 512
    assert lungs.shape_px == shape
    right, left = lungs_of(lungs.mask.shape)
    truth = right | left
    assert 2 * (lungs.mask & truth).sum() / (lungs.mask.sum() + truth.sum()) > 0.98
    top, start, bottom, end = lungs.box_px
    wanted = np.array([0.15 * shape[0], 0.17 * shape[1], 0.75 * shape[0], 0.83 * shape[1]])
    assert np.abs(np.array([top, start, bottom, end]) - wanted).max() < 0.01 * max(shape)


def test_a_point_of_the_film_has_its_zone():
    lungs = find_lungs(image(toy((600, 300))), SEGMENTER)
    assert lungs.zone_at(0.2 * 600, 0.3 * 300) == "ru"
    assert lungs.zone_at(0.7 * 600, 0.7 * 300) == "ll"
    assert lungs.zone_at(10, 10) is None
    assert lungs.zone_at(-1, 90) is None
    assert lungs.zone_at(600, 90) is None


def without(side):
    film = toy()
    half = film.shape[1] // 2
    film[:, :half] = film[:, :half] if side == "left" else 0.8
    if side == "left":
        film[:, half:] = 0.8
    return film


REFUSED = {
    "one lung": without("left"),
    "the other lung": without("right"),
    "on its side": np.rot90(toy()).copy(),
    "tiny": np.pad(toy((40, 40)), 130, constant_values=0.8),
    "blank": np.full((64, 64), 0.5),
    "noise": np.random.default_rng(0).random((256, 256)),
    "bright lungs": 1 - toy(),
    "sliver": np.random.default_rng(0).random((3, 900)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_two_lungs_is_refused(name):
    with pytest.raises(RefusedError) as refusal:
        find_lungs(image(REFUSED[name]), SEGMENTER)
    assert refusal.value.code == "no-lungs"
    assert refusal.value.detail


def standing_film(shape=(300, 300)):
    """The toy film with the abdomen and the darker neck that a real one has."""
    film = toy(shape) - 0.15 * (toy(shape) > 0.5)
    film[int(0.78 * shape[0]) :] = 0.95
    film[: int(0.12 * shape[0])] = 0.6
    return film


@pytest.mark.parametrize("shape", SHAPES)
def test_a_film_on_its_head_is_refused_for_that(shape):
    film = standing_film(shape)
    assert find_lungs(image(film), SEGMENTER).mask.any()
    for turned in (film[::-1], film[::-1, ::-1]):
        with pytest.raises(RefusedError) as refusal:
            find_lungs(image(turned.copy()), SEGMENTER)
        assert refusal.value.code == "upside-down"
        assert "header" not in refusal.value.reason


def test_a_ct_is_no_film():
    volume = np.zeros((3, 8, 8), np.int16)
    ct = Image(volume, None, "ct", Source("toy", "0" * 64, "memory", 8, 8))
    with pytest.raises(RefusedError, match="not a chest radiograph"):
        find_lungs(ct, SEGMENTER)


def test_contested_pixels_go_to_the_surer_lung():
    sides = np.array([[[0.9, 0.6, 0.9, 0.5]], [[0.7, 0.8, 0.1, 0.6]]], np.float32)
    found = exclusive(sides)
    assert (found > 0.5).sum(axis=0).tolist() == [[1, 1, 1, 1]]
    assert (found[0] > 0.5).tolist() == [[True, False, True, False]]
