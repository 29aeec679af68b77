"""The square around the lungs: there and back, no aliasing, nothing lost at the border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.prepare.geometry import Frame, frame_around, frame_of_film

shapes = st.tuples(st.integers(64, 4000), st.integers(64, 4000))


@st.composite
def films_with_boxes(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    height, width = draw(shapes)
    top, left = draw(st.integers(0, height - 2)), draw(st.integers(0, width - 2))
    return (height, width), (
        top,
        left,
        draw(st.integers(top + 1, height)),
        draw(st.integers(left + 1, width)),
    )


sizes = st.sampled_from([32, 64, 256, 512, 1024])


@settings(max_examples=60, deadline=None)
@given(films_with_boxes(), sizes)
def test_the_box_and_its_margin_lie_in_the_square_where_the_film_has_them(case, size) -> None:
    shape, box = case
    frame = frame_around(box, shape, size)
    (top, bottom), (left, right) = frame.inside
    for start, end, first, last, length in (
        (top, bottom, box[0], box[2], shape[0]),
        (left, right, box[1], box[3], shape[1]),
    ):
        margin = 0.05 * (last - first)
        assert start <= max(0, first - margin) + 1
        assert end >= min(length, last + margin) - 1
    network = frame.to_network(box)
    assert min(network) >= -1e-6
    assert max(network) <= size + 1e-6


@settings(max_examples=60, deadline=None)
@given(films_with_boxes(), sizes)
def test_boxes_go_to_the_network_and_come_back(case, size) -> None:
    shape, box = case
    frame = frame_around(box, shape, size)
    there = frame.to_network(box)
    inner = (there[0] + 1e-6, there[1] + 1e-6, there[2] - 1e-6, there[3] - 1e-6)
    assert frame.to_film(inner) == box


@settings(max_examples=60, deadline=None)
@given(films_with_boxes(), sizes, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_network_boxes_lie_inside_their_film_boxes(case, size, edges) -> None:
    shape, box = case
    frame = frame_around(box, shape, size)
    top, bottom = sorted(edges[:2])
    left, right = sorted(edges[2:])
    asked = (top * size, left * size, bottom * size, right * size)
    film = frame.to_film(asked)
    back = frame.to_network(film)
    (first_row, last_row), (first_column, last_column) = frame.inside
    assert first_row <= film[0] <= film[2] <= last_row
    assert first_column <= film[1] <= film[3] <= last_column
    bounds = frame.to_network((first_row, first_column, last_row, last_column))
    assert back[0] <= max(asked[0], bounds[0]) + 1e-6
    assert back[3] >= min(asked[3], bounds[3]) - 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(40, 400), st.integers(40, 400), sizes.filter(lambda s: s <= 64))
def test_a_crop_keeps_the_mean_of_what_it_shows(height, width, size) -> None:
    rng = np.random.default_rng(height * 1000 + width)
    film = rng.random((height, width), dtype=np.float32)
    frame = frame_of_film((height, width), size)
    crop = frame.crop(film)
    assert crop.shape == (size, size)
    assert crop.min() >= 0
    assert crop.max() <= 1 + 1e-6
    expected = film.sum() / frame.side**2
    assert crop.mean() == pytest.approx(expected, abs=0.02)


def test_the_same_scale_in_both_directions() -> None:
    frame = frame_around((100, 200, 900, 600), (1000, 1200), 256)
    top, left, bottom, right = frame.to_network((100, 200, 500, 600))
    assert bottom - top == pytest.approx(right - left)


def test_a_square_wider_than_the_film_is_filled_with_black() -> None:
    film = np.ones((400, 300), dtype=np.float32)
    frame = frame_of_film((400, 300), 64)
    assert (frame.top, frame.left, frame.side) == (-1, -51, 402)
    crop = frame.crop(film)
    assert crop[32, :7].max() == 0
    assert crop[32, -7:].max() == 0
    assert crop[32, 20:40].min() == pytest.approx(1)


def test_a_fine_grating_becomes_grey_and_not_a_coarse_one() -> None:
    film = np.zeros((2600, 2600), dtype=np.float32)
    film[:, ::2] = 1  # beyond what 512 columns can show
    crop = frame_around((50, 50, 2550, 2550), film.shape, 512, 0.0).crop(film)
    assert crop.std() < 0.01
    slow = np.broadcast_to(0.5 + 0.5 * np.sin(np.arange(2600) * (2 * np.pi / 3.1)), film.shape)
    crop = frame_of_film(film.shape, 512).crop(slow.astype(np.float32))
    assert crop[8:-8, 8:-8].std() < 0.03  # 0.35 before; plain sampling would keep all of it


def test_positions_are_kept_to_a_tenth_of_a_pixel() -> None:
    rows, columns = np.mgrid[0:1500, 0:1300].astype(np.float32)
    spot = np.exp(-((rows - 700.5) ** 2 + (columns - 500.5) ** 2) / (2 * 30.0**2)).astype(
        np.float32
    )
    frame = frame_around((100, 50, 1400, 1250), spot.shape, 256)
    crop = frame.crop(spot)
    grid = np.arange(256) + 0.5
    found = (crop.sum(axis=1) @ grid / crop.sum(), crop.sum(axis=0) @ grid / crop.sum())
    truth = frame.to_network((701, 501, 701, 501))  # edges: the centre of pixel 700 is 700.5 + 0.5
    assert found == pytest.approx(truth[:2], abs=0.1)


def test_a_square_that_fits_is_only_cut_out() -> None:
    film = np.random.default_rng(0).random((200, 200), dtype=np.float32)
    frame = Frame(20, 30, 64, 64, (200, 200))
    assert np.array_equal(frame.crop(film), film[20:84, 30:94])


def test_read_only_films_are_taken() -> None:
    film = np.ones((100, 100), dtype=np.float32)
    film.flags.writeable = False
    assert frame_of_film((100, 100), 32).crop(film).shape == (32, 32)
    assert frame_of_film((100, 100), 100).crop(film).flags.writeable


def test_labels_follow_the_pixels_from_any_grid() -> None:
    labels = np.zeros((300, 300), dtype=np.uint8)
    labels[60:120, 150:240] = 3
    frame = frame_around((0, 0, 1500, 1500), (1500, 1500), 128, 0.0)
    assert frame.to_film((0, 0, 128, 128)) == (0, 0, 1500, 1500)
    coarse = frame.crop_labels(labels)
    fine = frame.crop_labels(np.kron(labels, np.ones((5, 5), dtype=np.uint8)))
    assert np.array_equal(coarse, fine)
    assert (coarse == 3).mean() == pytest.approx((labels == 3).mean(), rel=0.05)
    assert frame.crop_labels(labels, 32).shape == (32, 32)


def test_labels_outside_the_film_are_none() -> None:
    labels = np.full((10, 10), 7, dtype=np.uint8)
    cropped = Frame(-50, -50, 200, 20, (100, 100)).crop_labels(labels)
    assert (cropped == 7).sum() == 100
    assert cropped[:5].max() == 0


def test_nonsense_is_refused() -> None:
    with pytest.raises(RecordError, match="positive"):
        Frame(0, 0, 0, 64, (10, 10))
    with pytest.raises(RecordError, match="outside"):
        Frame(20, 0, 5, 64, (10, 10))
    with pytest.raises(RecordError, match="film of"):
        frame_of_film((10, 10), 32).crop(np.zeros((11, 10), dtype=np.float32))
