"""Opacities: mass, size, density per zone, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from konio.phantom.canvas import MIDDLE, SMALL, new_canvas, six_zones
from konio.phantom.opacities import DENSITY, FORMS, SmallPlan, ball_mass, draw_small, paint_balls
from konio.phantom.shapes import draw_outline, fill
from konio.phantom.strokes import add_points, add_tubes, along, near


def lungs(size: int = 256) -> np.ndarray:
    field = np.zeros((size, size), bool)
    rows = slice(size // 8, size * 7 // 8)
    field[rows, size // 8 : size * 7 // 16] = True
    field[rows, size * 9 // 16 : size * 7 // 8] = True
    return field


def canvas(size: int = 256):
    field = lungs(size)
    return new_canvas(
        np.where(field, np.float32(120), np.float32(0)), field, six_zones(field), 430 / size, 0.25
    )


def test_points_keep_their_mass_and_second_moment() -> None:
    picture = np.zeros((64, 64), np.float32)
    one = np.ones(1, np.float32)
    add_points(picture, one * 31.3, one * 30.6, one * 2.5, one * 7.0)
    grid = np.arange(64)
    assert picture.sum() == pytest.approx(7.0, rel=1e-4)
    assert (picture.sum(1) * grid).sum() / 7 == pytest.approx(31.3, abs=0.02)
    spread = (picture.sum(0) * (grid - 30.6) ** 2).sum() / 7
    assert spread == pytest.approx(2.5**2, rel=0.02)


def test_the_mass_of_an_opacity_does_not_depend_on_the_films_size() -> None:
    sums = []
    for size in (256, 512):
        film = canvas(size)
        place = (np.full(3, size * 0.5, np.float32), np.full(3, size * 0.3, np.float32))
        paint_balls(film, place, np.full(3, 4.0, np.float32), 0.75, SMALL)
        sums.append(float(film.soft.sum()) * film.spacing**2)
    volume = 3 * np.pi / 6 * 4.0**3 * 0.75 * MIDDLE**2
    assert sums == pytest.approx([volume, volume], rel=1e-3)
    assert ball_mass(np.full(1, 4.0), 0.75, 1.0)[0] * 3 == pytest.approx(volume, rel=1e-4)


def test_tubes_keep_their_mass_when_they_are_thinner_than_a_pixel() -> None:
    sums = []
    for radius in (0.2, 2.0):
        picture = np.zeros((64, 64), np.float32)
        ends = np.array([[12.0, 20.0]], np.float32), np.array([[52.0, 44.0]], np.float32)
        add_tubes(picture, *ends, np.full(1, radius, np.float32), np.ones(1, np.float32))
        sums.append(float(picture.sum()))
    length = np.hypot(40, 24)
    assert sums[0] == pytest.approx(np.pi * 0.2**2 * length, rel=0.08)
    assert sums[1] == pytest.approx(np.pi * 2.0**2 * length, rel=0.05)


def test_distance_to_a_line() -> None:
    line = near(np.array([10.0, 10.0, 30.0]), np.array([5.0, 25.0, 25.0]), 6.0, 40)
    full = np.full((40, 40), np.inf)
    full[line.box] = line.distance
    assert full[14, 12] == pytest.approx(4.0)
    assert full[20, 22] == pytest.approx(3.0)
    assert full[20, 32] == np.inf
    place = along(line, np.array([0.0, 1.0, 3.0], np.float32))
    assert place[20 - line.box[0].start, 24 - line.box[1].start] == pytest.approx(2.0)


@pytest.mark.parametrize("letter", sorted(FORMS))
def test_density_per_zone_is_what_the_table_says(letter: str) -> None:
    level = 10
    counts = []
    for seed in range(4):
        film = canvas()
        plan = SmallPlan((level, 0, 0, 0, 0, 0), (0.9,) * 6, letter, letter)
        draw_small(np.random.default_rng(seed), film, plan)
        marked = film.lesions == SMALL
        assert marked[film.zones == 1].any()
        if not FORMS[letter].irregular:
            assert not marked[film.zones == 3].any()
            mean = FORMS[letter].mm * 1.3
            one = float(ball_mass(np.full(1, mean), 1.0, film.spacing)[0])
            counts.append(float(film.soft.sum()) / one)
    area = float((canvas().zones == 1).sum()) * (canvas().spacing / 10) ** 2
    if counts:
        from konio.phantom.opacities import density_at

        over = density_at(FORMS[letter], canvas().spacing) - 0.25
        spread = np.exp(4.5 * FORMS[letter].spread ** 2)
        wanted = DENSITY[level] * FORMS[letter].factor * area * 0.9 * over * spread
        assert np.mean(counts) == pytest.approx(wanted, rel=0.25)


def test_coverage_leaves_the_rest_of_a_zone_empty() -> None:
    film = canvas(512)
    plan = SmallPlan((11, 11, 11, 11, 11, 11), (0.5,) * 6, "p", "p")
    draw_small(np.random.default_rng(1), film, plan)
    block = 8
    marked = (film.lesions == SMALL).reshape(512 // block, block, 512 // block, block).any((1, 3))
    inside = film.field.reshape(512 // block, block, 512 // block, block).all((1, 3))
    assert 0.4 < marked[inside].mean() < 0.8


def test_higher_levels_mark_more() -> None:
    sums = []
    for level in range(12):
        film = canvas()
        draw_small(
            np.random.default_rng(level), film, SmallPlan((level,) * 6, (0.9,) * 6, "q", "q")
        )
        sums.append(float(film.soft.sum()))
    assert sums[0] == 0
    assert sums == sorted(sums)


def test_an_outline_measures_what_it_fills() -> None:
    rng = np.random.default_rng(4)
    film = canvas(512)
    for _ in range(5):
        outline = draw_outline(rng, 25.0, 12.0)
        box, radius = fill(film, outline, 250.0, 250.0, float(rng.uniform(0, 3)))
        points = np.argwhere(radius < 1) * film.spacing
        gap = points[:, None, :] - points[None, :, :]
        squares = (gap**2).sum(2)
        long, short = outline.diameters()
        assert np.sqrt(squares.max()) + film.spacing == pytest.approx(long, abs=1.7)
        i, j = np.unravel_index(squares.argmax(), squares.shape)
        across = points @ (np.array([-gap[i, j, 1], gap[i, j, 0]]) / np.sqrt(squares[i, j]))
        assert across.max() - across.min() + film.spacing == pytest.approx(short, abs=3.5)
        assert box[0].start > 0


def test_six_zones_are_thirds_from_apex_to_dome() -> None:
    field = lungs(160)
    field[140:150, 20:24] = True
    zones = six_zones(field)
    assert [int((zones[:, :70] == k).any(1).sum()) for k in (1, 2)] == [40, 40]
    assert zones[145, 21] == 3
    assert zones[30, 100] == 4
    assert not six_zones(np.zeros((8, 8), bool)).any()
