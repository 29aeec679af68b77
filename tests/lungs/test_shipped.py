"""The shipped network on made-up patients, and on a few real films where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from tests.lungs.films import image

from konio.errors import RefusedError
from konio.lungs import find_lungs, load_segmenter
from konio.phantom import radiograph

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KONIO_DATA", ROOT.parent / "shared" / "data"))
real = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real films in {DATA}; set KONIO_DATA"),
]


@pytest.fixture(scope="module")
def segmenter():
    return load_segmenter()


def picture(path):
    with Picture.open(path) as opened:
        return np.asarray(opened.convert("L"), np.float32) / 255


def on_film(lungs):
    shape = (lungs.shape_px[1], lungs.shape_px[0])
    return np.asarray(Picture.fromarray(lungs.mask).resize(shape, Picture.Resampling.NEAREST))


def dice(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def test_disease_of_stage_iii_deletes_no_lung(segmenter):
    film = radiograph(np.random.default_rng((900_000, 5)), "dust-III", size=384)
    lungs = find_lungs(image(film.display), segmenter)
    found = on_film(lungs)
    assert dice(found, film.lungs) > 0.96
    assert (found & film.lungs).sum() / film.lungs.sum() > 0.95
    large = (film.lesions == 2) & film.lungs
    assert large.any()
    assert (found & large).sum() / large.sum() > 0.95
    both = found & film.lungs
    zones = np.asarray(
        Picture.fromarray(lungs.zones).resize(film.zones.shape, Picture.Resampling.NEAREST)
    )
    assert (zones == film.zones)[both].mean() > 0.95


def test_the_same_film_gives_the_same_lungs(segmenter):
    film = image(radiograph(3, size=256).display)
    one, other = find_lungs(film, segmenter), find_lungs(film, load_segmenter())
    assert np.array_equal(one.zones, other.zones)


@pytest.mark.parametrize("change", [lambda film: 1 - film, lambda film: np.rot90(film).copy()])
def test_a_negative_and_a_film_on_its_side_are_refused(segmenter, change):
    film = change(radiograph(4, size=256).display)
    with pytest.raises(RefusedError, match="no two lungs"):
        find_lungs(image(film), segmenter)


@pytest.mark.parametrize("wish", ["healthy", "tuberculosis", "dust-II", "dust-III"])
def test_made_up_films_stand_upright_and_turned_ones_do_not(segmenter, wish):
    film = radiograph(np.random.default_rng((900_001, 3)), wish, size=384).display
    assert find_lungs(image(film), segmenter).mask.any()
    for turned in (film[::-1].copy(), film[::-1, ::-1].copy()):
        with pytest.raises(RefusedError) as refusal:
            find_lungs(image(turned), segmenter)
        assert refusal.value.code == "upside-down"


@pytest.mark.parametrize("name", ["mc_0003", "mc_0036", "mc_0101"])
class TestMontgomery:
    pytestmark = real

    def test_the_outline_is_the_published_one(self, segmenter, name):
        film = picture(DATA / "nlm-tb" / "montgomery" / f"{name}.jpg")
        truth = picture(DATA / "nlm-tb" / "montgomery-lungs" / f"{name}.png") > 0
        assert dice(on_film(find_lungs(image(film), segmenter)), truth) > 0.93


@pytest.mark.parametrize(
    "path", ["nlm-tb/shenzhen/CHNCXR_0001_0.jpg", "nih-sample/images/00001864_003.png"]
)
class TestOtherHospitals:
    pytestmark = real

    def test_turned_over_it_is_refused(self, segmenter, path):
        film = picture(DATA / path)
        for turned in (film[::-1].copy(), film[::-1, ::-1].copy()):
            with pytest.raises(RefusedError) as refusal:
                find_lungs(image(turned), segmenter)
            assert refusal.value.code == "upside-down"

    def test_two_lungs_are_found(self, segmenter, path):
        lungs = find_lungs(image(picture(DATA / path)), segmenter)
        assert 0.1 < lungs.mask.mean() < 0.5
        assert set(np.unique(lungs.zones)) == set(range(7))


class TestSlices:
    pytestmark = real

    def test_slices_of_a_ct_are_refused(self, segmenter):
        with np.load(DATA / "lidc-slices" / "slices_hu.npz", allow_pickle=False) as data:
            patches = data["hu"][::700].astype(np.float32)
        for patch in patches:
            with pytest.raises(RefusedError, match="no two lungs"):
                find_lungs(image(np.clip((patch + 1000) / 1400, 0, 1)), segmenter)
