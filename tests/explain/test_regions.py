"""Boxes where the evidence lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from konio.errors import RecordError
from konio.explain.regions import RegionRule, end_at, enlarge, find_regions
from konio.prepare.geometry import Frame
from konio.records import Lungs

FRAME = Frame(100, 200, 1024, 512, (1400, 1400))


def spots(*places: tuple[int, int, float]) -> np.ndarray:
    heat = np.zeros((128, 128), dtype=np.float32)
    for row, column, value in places:
        heat[row : row + 10, column : column + 10] = value
    return heat


def lungs() -> Lungs:
    zones = np.zeros((140, 140), dtype=np.uint8)
    zones[10:40, 20:60] = 1
    zones[10:40, 80:120] = 4
    return Lungs(zones > 0, zones, (1400, 1400))


def test_a_spot_becomes_its_box_in_film_pixels() -> None:
    (region,) = find_regions("stage", spots((20, 30, 1.0)), FRAME, lungs())
    # one cell of the map is 4 network pixels is 8 film pixels
    assert region.box_px == (100 + 160, 200 + 240, 100 + 240, 200 + 320)
    assert region.task == "stage"
    assert region.zone == "ru"
    assert region.share == pytest.approx(1.0)


def test_regions_are_ordered_by_share_and_equal_ones_by_place() -> None:
    heat = spots((80, 10, 0.8), (20, 100, 1.0), (20, 30, 1.0))
    regions = find_regions("stage", heat, FRAME, lungs())
    assert [region.box_px[:2] for region in regions] == [(260, 440), (260, 1000), (740, 280)]
    assert [region.zone for region in regions] == ["ru", "lu", None]
    assert sum(region.share for region in regions) == pytest.approx(1.0)
    assert find_regions("stage", heat, FRAME, lungs()) == regions


def test_weak_and_small_parts_are_left_out() -> None:
    heat = spots((20, 30, 1.0), (80, 10, 0.4))
    assert len(find_regions("stage", heat, FRAME)) == 1
    assert len(find_regions("stage", heat, FRAME, rule=RegionRule(threshold=0.3))) == 2
    assert len(find_regions("stage", heat, FRAME, rule=RegionRule(threshold=0.3, most=1))) == 1
    assert len(find_regions("stage", heat, FRAME, rule=RegionRule(0.3, 4, 0.5))) == 1


def test_diagonal_neighbours_are_one_part() -> None:
    heat = np.zeros((128, 128), dtype=np.float32)
    heat[10, 10] = heat[11, 11] = 1
    (region,) = find_regions("stage", heat, FRAME, rule=RegionRule(most=9))
    assert region.box_px == (180, 280, 196, 296)


def test_share_is_the_energy_inside_the_box() -> None:
    heat = spots((20, 30, 1.0), (80, 10, 0.25))
    (region,) = find_regions("stage", heat, FRAME)
    assert region.share == pytest.approx(0.8)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_without_evidence_has_no_regions(value: float) -> None:
    assert find_regions("stage", np.full((16, 16), value, np.float32), FRAME) == ()


def test_regions_stay_on_the_film() -> None:
    frame = Frame(-50, -50, 200, 64, (100, 100))
    for region in find_regions("stage", np.ones((16, 16), np.float32), frame):
        assert region.box_px == (0, 0, 100, 100)
    outside = np.zeros((16, 16), np.float32)
    outside[0, 0] = 1
    assert find_regions("stage", outside, frame) == ()


def test_enlarging_keeps_energy_and_place() -> None:
    heat = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    fine = enlarge(heat, 128)
    assert fine.shape == (3, 128, 128)
    assert fine.mean() == pytest.approx(float(heat.mean()), rel=0.02)
    one = torch.zeros(16, 16)
    one[3, 12] = 1
    row, column = np.unravel_index(enlarge(one, 160).argmax(), (160, 160))
    assert (row // 10, column // 10) == (3, 12)


def test_nonsense_is_refused() -> None:
    with pytest.raises(RecordError, match="square"):
        find_regions("stage", np.zeros((3, 4), np.float32), FRAME)
    with pytest.raises(RecordError, match="shares"):
        RegionRule(threshold=0)


def test_a_map_ends_at_a_mask_of_its_own_grid() -> None:
    heat, seen = np.ones((2, 4, 4), np.float32), np.zeros((4, 4), bool)
    seen[1:3, 1] = True
    ended = end_at(heat, seen)
    assert (ended == heat * seen).all()
    assert (end_at(ended, seen) == ended).all()
    with pytest.raises(RecordError, match="own grid"):
        end_at(heat, seen[:2])
