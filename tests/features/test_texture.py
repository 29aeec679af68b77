"""Zone textures: laws of a picture that is smoothed, moved or spotted, and a linear model that sees the spots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from konio.errors import RecordError
from konio.features.texture import texture_features, texture_names, texture_table
from konio.tasks import ZONES

SIDE = 96


def zones(side: int = 24) -> np.ndarray:
    """Six rectangles: right lung on the left of the picture, three levels."""
    labels = np.zeros((side, side), np.uint8)
    third = side // 3
    for k in range(3):
        rows = slice(k * third, (k + 1) * third)
        labels[rows, 2 : side // 2 - 1] = 1 + k
        labels[rows, side // 2 + 1 : side - 2] = 4 + k
    return labels


def film(seed: int, spots: int = 0, zone: str = "ru") -> np.ndarray:
    """Smooth ground with noise, and bright spots in one zone."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    grey = 110 + 30 * np.sin(rows / 25) + 20 * columns / SIDE + rng.normal(0, 4, (SIDE, SIDE))
    place = ZONES.index(zone)
    top, left = (place % 3) * SIDE // 3, 12 if place < 3 else SIDE // 2 + 8
    for _ in range(spots):
        r, c = top + rng.integers(3, 28), left + rng.integers(2, 24)
        grey += 60 * np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 4)
    return np.clip(grey, 0, 255).astype(np.uint8)


def named(image: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return dict(zip(texture_names(), texture_features(image, labels).tolist(), strict=True))


def test_there_are_sixty_names_and_all_differ():
    assert len(texture_names()) == len(set(texture_names())) == 60
    assert texture_features(film(0), zones()).shape == (60,)


def test_numbers_of_a_zone_are_those_of_its_pixels():
    image, labels = film(1), zones()
    found = named(image, labels)
    fine = np.kron(labels, np.ones((4, 4), np.uint8))
    grey = image[fine == 1] / 255
    assert found["ru.mean"] == pytest.approx(grey.mean(), abs=1e-6)
    assert found["ru.deviation"] == pytest.approx(grey.std(), abs=1e-6)


def test_spots_raise_spread_and_skewness_of_their_zone_alone():
    plain, spotted = named(film(2), zones()), named(film(2, spots=12, zone="lm"), zones())
    for band in ("band-2", "band-3"):
        assert spotted[f"lm.{band}.spread"] > plain[f"lm.{band}.spread"] + 0.3
        assert spotted[f"lm.{band}.skewness"] > plain[f"lm.{band}.skewness"] + 0.3
        assert spotted[f"ru.{band}.spread"] == pytest.approx(plain[f"ru.{band}.spread"], abs=1e-6)


def test_brightness_moves_the_mean_and_no_band():
    image = film(3)
    brighter = named((image + 20).astype(np.uint8), zones())
    for name, value in named(image, zones()).items():
        if name.endswith(".mean"):
            assert brighter[name] == pytest.approx(value + 20 / 255, abs=1e-6)
        else:
            assert brighter[name] == pytest.approx(value, abs=2e-3), name


def test_what_lies_outside_the_lungs_changes_nothing():
    image, labels = film(4), zones()
    outside = np.kron(labels, np.ones((4, 4), np.uint8)) == 0
    other = np.where(outside, 255, image).astype(np.uint8)
    assert texture_features(other, labels) == pytest.approx(texture_features(image, labels))


def test_a_zone_that_is_absent_and_a_film_without_contrast_stay_finite():
    labels = zones()
    labels[labels == 5] = 0
    found = named(film(5), labels)
    assert all(found[name] == 0 for name in found if name.startswith("lm."))
    flat = texture_features(np.full((64, 64), 90, np.uint8), zones())
    assert np.isfinite(flat).all()
    assert np.isfinite(texture_features(film(5), np.zeros((8, 8), np.uint8))).all()


def test_skewness_is_that_of_scipy():
    image, labels = film(6, spots=6), zones()
    inside = np.kron(labels, np.ones((4, 4), np.uint8))
    from scipy.ndimage import gaussian_filter

    mask = (inside > 0).astype(np.float32)
    grey = (image / np.float32(255)) * mask
    smooth = [
        gaussian_filter(grey, s) / np.maximum(gaussian_filter(mask, s), 1e-3) for s in (0.8, 1.6)
    ]
    band = (smooth[0] - smooth[1])[inside == 1]
    found = named(image, labels)
    assert found["ru.band-2.skewness"] == pytest.approx(stats.skew(band), rel=1e-3)
    assert found["ru.band-2.spread"] == pytest.approx(np.log(band.std() + 4e-5), rel=1e-3)


def test_a_linear_model_tells_spotted_films_from_plain_ones():
    from konio.features import fit

    images = np.stack([film(seed, spots=10 * (seed % 2), zone="rl") for seed in range(60)])
    labels = np.broadcast_to(zones(), (60, 24, 24))
    table = texture_table(images, labels, range(60))
    truth = np.arange(60) % 2
    model = fit("logistic", table[:40], truth[:40], seed=0)
    assert (model.predict(table[40:]) == truth[40:]).mean() >= 0.9


def test_a_table_has_one_row_a_position():
    images = np.stack([film(seed) for seed in range(3)])
    labels = np.broadcast_to(zones(), (3, 24, 24))
    table = texture_table(images, labels, [2, 0])
    assert table[1].tolist() == texture_features(images[0], zones()).tolist()
    assert texture_table(images, labels, []).shape == (0, 60)


@pytest.mark.parametrize("shapes", [((8, 9), (4, 4)), ((8, 8), (4,)), ((0, 0), (4, 4))])
def test_what_is_no_square_is_refused(shapes):
    with pytest.raises(RecordError, match="square film"):
        texture_features(np.zeros(shapes[0]), np.zeros(shapes[1]))
