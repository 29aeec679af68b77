"""Pictures: the film is not enhanced, heat lies where it belongs, outlines close."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image as Picture

from konio.assess import HeatMap
from konio.errors import RecordError
from konio.records import Image, Source
from konio.report import pictures


def film(pixels: np.ndarray) -> Image:
    source = Source("x.png", "0" * 64, "png", *pixels.shape)
    return Image(pixels.astype(np.float32), None, "radiograph", source)


def test_a_small_film_is_shown_grey_level_for_grey_level() -> None:
    levels = np.arange(256, dtype=np.float32).reshape(16, 16) / 255
    assert (np.asarray(pictures.film_picture(film(levels))) == np.arange(256).reshape(16, 16)).all()


def test_a_large_film_is_averaged_by_areas() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.random((60, 40), dtype=np.float32)
    shown = np.asarray(pictures.film_picture(film(pixels), 30), float) / 255
    blocks = pixels.reshape(30, 2, 20, 2).mean(axis=(1, 3))
    assert shown.shape == (30, 20)
    assert np.abs(shown - blocks).max() <= 0.5 / 255 + 1e-6


def test_the_embedded_film_is_lossless() -> None:
    picture = Picture.fromarray(np.random.default_rng(2).integers(0, 255, (40, 30), np.uint8))
    kind, _, content = pictures.film_uri(picture).partition(",")
    assert kind == "data:image/png;base64"
    again = Picture.open(io.BytesIO(base64.b64decode(content)))
    assert (np.asarray(again) == np.asarray(picture)).all()


def test_more_evidence_is_never_paler() -> None:
    opacity = pictures.heat_colours(np.linspace(0, 1, 200))[:, 3].astype(int)
    assert opacity[0] == 0
    assert (np.diff(opacity) >= 0).all()
    assert opacity[-1] > 200


def test_heat_is_laid_over_its_box_only() -> None:
    values = np.ones((4, 4), np.float32)
    heat = HeatMap("stage", "II", values, (20.0, 10.0, 40.0, 30.0))
    plain = np.asarray(pictures.heat_on_film(film(np.full((60, 60), 0.5)), None))
    warm = np.asarray(pictures.heat_on_film(film(np.full((60, 60), 0.5)), heat))
    changed = (plain != warm).any(axis=2)
    expected = np.zeros((60, 60), bool)
    expected[20:40, 10:30] = True
    assert (changed == expected).all()


def test_heat_that_reaches_beyond_the_film_is_cut() -> None:
    heat = HeatMap("stage", "II", np.ones((4, 4), np.float32), (-20.0, -20.0, 90.0, 90.0))
    assert pictures.heat_on_film(film(np.full((60, 60), 0.5)), heat).size == (60, 60)


@pytest.mark.parametrize("box", [(5.0, 0.0, 5.0, 4.0), (0.0, 4.0, 4.0, 3.0)])
def test_a_heat_map_needs_an_area(box) -> None:
    with pytest.raises(RecordError, match="area"):
        HeatMap("stage", "II", np.ones((2, 2), np.float32), box)


def test_zone_outlines_are_in_film_pixels(two_lungs) -> None:
    lungs = two_lungs((960, 480))
    outlines = pictures.zone_outlines(lungs)
    assert list(outlines) == ["ru", "rm", "rl", "lu", "lm", "ll"]
    (path,) = [part for part in outlines["lu"].split("Z") if part]
    points = np.array([point.split() for point in path.strip("M").split("L")], float)
    rows, columns = lungs.zone("lu").nonzero()
    assert points[:, 0].min() == pytest.approx(columns.min() * 5, abs=5)
    assert points[:, 0].max() == pytest.approx((columns.max() + 1) * 5, abs=5)
    assert points[:, 1].min() == pytest.approx(rows.min() * 10, abs=10)
    assert points[:, 1].max() == pytest.approx((rows.max() + 1) * 10, abs=10)
