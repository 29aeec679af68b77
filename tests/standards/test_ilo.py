"""ILO: profusion over affected zones, and the three sizes of large opacities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.standards.gbz import LargeOpacity
from konio.standards.ilo import large_opacity_category, whole_lung_profusion
from konio.tasks import PROFUSIONS, ZONES


def zones(*profusions: str) -> dict[str, str]:
    return dict(zip(ZONES, profusions, strict=True))


@pytest.mark.parametrize(
    ("profusions", "expected"),
    [
        (("0/0",) * 6, "0/0"),
        (("0/-",) * 5 + ("0/1",), "0/1"),
        (("1/1",) * 6, "1/1"),
        # 2/2 and 1/1 lie three categories apart: the lesser zones are ignored
        (("2/2", "1/1", "1/1", "1/1", "1/1", "1/1"), "2/2"),
        # 2/1 and 1/1 lie two apart: all zones count, (6 + 5 * 4) / 6 = 4.33
        (("2/1", "1/1", "1/1", "1/1", "1/1", "1/1"), "1/1"),
        # zones that are not affected do not pull the mean down
        (("1/1", "1/1", "0/1", "0/0", "0/0", "0/0"), "1/1"),
        # halves go up: (7 + 6) / 2
        (("2/2", "2/1", "0/0", "0/0", "0/0", "0/0"), "2/2"),
    ],
)
def test_whole_lung_profusion(profusions, expected):
    assert whole_lung_profusion(zones(*profusions)) == expected


@given(st.fixed_dictionaries({zone: st.sampled_from(PROFUSIONS) for zone in ZONES}))
def test_whole_lung_profusion_lies_within_three_categories_of_the_densest_zone(graded):
    highest = max(PROFUSIONS.index(p) for p in graded.values())
    assert highest - 2 <= PROFUSIONS.index(whole_lung_profusion(graded)) <= highest


@given(st.sampled_from(PROFUSIONS))
def test_equal_zones_keep_their_category(profusion):
    assert whole_lung_profusion(dict.fromkeys(ZONES, profusion)) == profusion


@pytest.mark.parametrize(
    ("sizes", "area", "expected"),
    [
        ([], None, "0"),
        ([(10.1, 5)], None, "A"),
        ([(50, 40)], None, "A"),
        ([(25, 20), (25, 20)], None, "A"),
        ([(50.1, 40)], 9000.0, "B"),
        ([(30, 20), (30, 20)], 9000.0, "B"),
        ([(120, 100)], 9000.0, "C"),
        ([(120, 100)], math.pi / 4 * 12000, "B"),  # equal to the zone is not more than the zone
    ],
)
def test_large_opacity_category(sizes, area, expected):
    assert large_opacity_category([LargeOpacity(*s) for s in sizes], area) == expected


def test_b_and_c_need_the_area_of_the_right_upper_zone():
    with pytest.raises(RecordError, match="right upper zone"):
        large_opacity_category([LargeOpacity(60, 20)])


def test_every_zone_has_to_be_graded():
    with pytest.raises(RecordError, match="six zones"):
        whole_lung_profusion({"ru": "1/1"})
