"""Pictures: the film is not enhanced, heat lies where it belongs, outlines close."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
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


@given(arrays.arrays(bool, (7, 6)))
def test_outlines_enclose_exactly_the_mask(mask: np.ndarray) -> None:
    area = 0.0
    for loop in pictures.outline_loops(mask):
        rows, columns = np.array(loop, float).T
        area += float(np.dot(columns, np.roll(rows, -1)) - np.dot(rows, np.roll(columns, -1))) / 2
    assert area == pytest.approx(mask.sum())


@given(arrays.arrays(bool, (6, 6)), st.integers(0, 5))
def test_a_row_crosses_the_outline_where_the_mask_changes(mask: np.ndarray, row: int) -> None:
    crossings = 0
    for loop in pictures.outline_loops(mask):
        for (r0, c0), (r1, c1) in zip(loop, [*loop[1:], loop[0]], strict=True):
            crossings += c0 == c1 and min(r0, r1) <= row < max(r0, r1)
    assert crossings == np.abs(np.diff(np.pad(mask[row].astype(int), 1))).sum()


def test_zone_outlines_are_in_film_pixels(two_lungs) -> None:
    lungs = two_lungs((960, 480))
    outlines = pictures.zone_outlines(lungs)
    assert list(outlines) == ["ru", "rm", "rl", "lu", "lm", "ll"]
    points = np.array(
        [
            list(map(float, part.split()))
            for part in outlines["lu"].strip("MZ").replace("Z", "L").replace("M", "").split("L")
            if part
        ]
    )
    rows, columns = lungs.zone("lu").nonzero()
    assert points[:, 0].min() == columns.min() * 5
    assert points[:, 1].min() == rows.min() * 10
    assert points[:, 1].max() == (rows.max() + 1) * 10
