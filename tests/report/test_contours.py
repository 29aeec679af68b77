"""Outlines: stepped ones enclose the mask exactly, smooth ones the same area, never a cell away from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Picture

from konio.lungs import zones_from_mask
from konio.records import Lungs
from konio.report.contours import lung_outlines, smoothed, stepped
from konio.tasks import ZONES


def area(curve: np.ndarray) -> float:
    """Signed, of a closed curve of ``(row, column)`` points; the mask on the right hand is positive."""
    rows, columns = curve.T
    return float(np.dot(columns, np.roll(rows, -1)) - np.dot(rows, np.roll(columns, -1))) / 2


def ellipse(side: int, down: float, across: float, turned: float) -> np.ndarray:
    rows, columns = (np.mgrid[:side, :side] + 0.5) - side / 2
    v = rows * np.cos(turned) + columns * np.sin(turned)
    u = columns * np.cos(turned) - rows * np.sin(turned)
    return (v / down) ** 2 + (u / across) ** 2 < 1


def to_curve(points: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Distance of each point to a closed curve."""
    start, way = curve, np.roll(curve, -1, axis=0) - curve
    length = (way**2).sum(axis=1).clip(1e-12)
    along = (((points[:, None] - start) * way).sum(axis=2) / length).clip(0, 1)
    return np.hypot(*np.moveaxis(start + along[..., None] * way - points[:, None], 2, 0)).min(
        axis=1
    )


def apart(curves: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Farthest that a point of some curves lies from others."""
    points = np.concatenate(curves)
    return float(np.min([to_curve(points, other) for other in others], axis=0).max())


@given(arrays.arrays(bool, (7, 6)))
def test_stepped_borders_enclose_exactly_the_mask(mask: np.ndarray) -> None:
    assert sum(area(loop) for loop in stepped(mask)) == pytest.approx(mask.sum())


@given(arrays.arrays(bool, (6, 6)), st.integers(0, 5))
def test_a_row_crosses_the_border_where_the_mask_changes(mask: np.ndarray, row: int) -> None:
    crossings = 0
    for loop in stepped(mask):
        for (r0, c0), (r1, c1) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            crossings += c0 == c1 and min(r0, r1) <= row < max(r0, r1)
    assert crossings == np.abs(np.diff(np.pad(mask[row].astype(int), 1))).sum()


@given(arrays.arrays(bool, (9, 8)))
def test_no_point_of_any_mask_moves_by_more_than_a_cell(mask: np.ndarray) -> None:
    for loop in stepped(mask):
        assert np.hypot(*(smoothed(loop) - loop).T).max() <= 1 + 1e-9


@given(st.floats(12, 45), st.floats(12, 45), st.floats(0, 3.1))
def test_the_smooth_outline_encloses_the_same_area(
    down: float, across: float, turned: float
) -> None:
    mask = ellipse(100, down, across, turned)
    (loop,) = stepped(mask)
    assert area(smoothed(loop)) == pytest.approx(mask.sum(), rel=0.01)


@pytest.mark.parametrize("radius", [15.0, 40.3, 80.0])
def test_a_circle_on_the_grid_becomes_a_circle_again(radius: float) -> None:
    (loop,) = stepped(ellipse(200, radius, radius, 0))
    stairs = np.abs(np.hypot(*(loop - 100).T) - radius).max()
    curve = np.abs(np.hypot(*(smoothed(loop) - 100).T) - radius)
    assert curve.max() < 0.35
    assert curve.mean() < 0.12
    assert stairs > 0.6


def test_stairs_of_a_slanted_edge_become_a_slanted_edge() -> None:
    """One step down every nine cells, as a lung's side has it."""
    rows, columns = np.mgrid[:160, :160]
    (loop,) = stepped((columns > 20 + rows / 9) & (columns < 140) & (rows > 10) & (rows < 150))
    side = (loop[:, 0] > 40) & (loop[:, 0] < 120) & (loop[:, 1] < 60)
    away = smoothed(loop)[side] @ np.array([-1 / 9, 1]) - 20
    assert np.ptp(away) < 0.15
    assert np.ptp(loop[side] @ np.array([-1 / 9, 1])) > 0.85


def test_a_small_part_does_not_vanish() -> None:
    mask = np.zeros((12, 12), bool)
    mask[4:7, 4:6] = True
    (loop,) = stepped(mask)
    assert area(smoothed(loop)) > 0.75 * mask.sum()
    (single,) = stepped(np.pad(np.ones((1, 1), bool), 2))
    assert area(smoothed(single)) > 0.2


def lungs_with_angles() -> Lungs:
    """Two lungs with a slanted inner border, a dome and a pointed costophrenic angle, 200 x 200 cells."""
    rows, columns = np.mgrid[:200, :200]
    mask = np.zeros((200, 200), bool)
    for sign, middle in ((-1, 62), (1, 138)):
        outward = sign * (columns - middle)
        lung = ((rows - 110) / 90) ** 2 + (outward / 38) ** 2 < 1
        dome = rows > 150 + 0.02 * (outward + 30) ** 2 * (outward < 10) + 1.1 * outward * (
            outward >= 10
        )
        mask |= lung & ~dome & (outward > -24 + (rows - 100) / 11)
    zones = zones_from_mask(mask)
    return Lungs(zones > 0, zones, (1200, 1000))


@pytest.fixture(scope="module")
def lungs() -> Lungs:
    return lungs_with_angles()


def on_grid(curve: np.ndarray, lungs: Lungs) -> np.ndarray:
    return curve[:, ::-1] / lungs.scale


def test_outlines_stay_within_a_cell_of_their_mask(lungs: Lungs) -> None:
    drawn = lung_outlines(lungs)
    named = {"both": (lungs.mask, drawn.lungs)}
    named |= {zone: (lungs.zone(zone), drawn.zones[zone]) for zone in ZONES}
    for name, (mask, curves) in named.items():
        smooth = [on_grid(curve, lungs) for curve in curves]
        assert sum(map(area, smooth)) == pytest.approx(mask.sum(), rel=0.01), name
        assert apart(smooth, list(stepped(mask))) <= 1.05, name
        assert apart(list(stepped(mask)), smooth) <= 1.05, name


def test_zones_fill_their_lung_and_meet_in_the_same_points(lungs: Lungs) -> None:
    drawn = lung_outlines(lungs)
    whole = sum(area(curve[:, ::-1]) for curve in drawn.lungs)
    parts = sum(area(curve[:, ::-1]) for curves in drawn.zones.values() for curve in curves)
    assert parts == pytest.approx(whole, rel=0.002)
    ends = [on_grid(curve, lungs) for curves in drawn.zones.values() for curve in curves]
    assert apart(ends, [on_grid(curve, lungs) for curve in drawn.lungs]) < 0.1
    for upper, lower in (("ru", "rm"), ("rm", "rl"), ("lu", "lm"), ("lm", "ll")):
        shared = {
            tuple(point) for curve in drawn.zones[upper] for point in curve.round(6).tolist()
        } & {tuple(point) for curve in drawn.zones[lower] for point in curve.round(6).tolist()}
        assert len(shared) >= 2, (upper, lower)


def test_outlines_are_smooth_and_short(lungs: Lungs) -> None:
    """No stairs: a right angle stands at most at the few corners that a lung has."""
    for curve in lung_outlines(lungs).lungs:
        way = np.diff(np.concatenate([curve, curve[:1]]), axis=0)
        heading = np.arctan2(*way.T)
        turn = np.abs((np.diff(np.append(heading, heading[0])) + np.pi) % (2 * np.pi) - np.pi)
        assert (turn > np.radians(40)).sum() <= 8
        assert len(curve) < 300


@pytest.mark.data
def test_real_lungs_keep_their_area(real: Path) -> None:
    """Lungs as physicians drew them, on the grid of the lung finder."""
    drawn = sorted((real / "nlm-tb" / "montgomery-lungs").glob("*.png"))[::12]
    assert len(drawn) >= 10
    for path in drawn:
        with Picture.open(path) as opened:
            grid = opened.convert("L")
        grid.thumbnail((512, 512), Picture.Resampling.BOX)
        zones = zones_from_mask(np.asarray(grid) > 127)
        lungs = Lungs(zones > 0, zones, zones.shape)
        outlines = lung_outlines(lungs)
        whole = sum(area(on_grid(curve, lungs)) for curve in outlines.lungs)
        assert whole == pytest.approx(lungs.mask.sum(), rel=0.001), path.name
        for zone, curves in outlines.zones.items():
            part = sum(area(on_grid(curve, lungs)) for curve in curves)
            assert part == pytest.approx(lungs.zone(zone).sum(), rel=0.01), (path.name, zone)


def test_zones_that_do_not_reach_the_border_keep_their_bends() -> None:
    zones = np.zeros((40, 40), np.uint8)
    zones[5:30, 5:15], zones[12:20, 8:12], zones[5:30, 20:30] = 1, 2, 4
    drawn = lung_outlines(Lungs(zones > 0, zones, (40, 40)))
    (inner,) = drawn.zones["rm"]
    assert sorted(map(tuple, inner.tolist())) == [(8, 12), (8, 20), (12, 12), (12, 20)]
    assert drawn.zones["rl"] == ()
