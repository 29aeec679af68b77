"""Subgroups: shares against counts by hand, and small cells that cannot be had by subtraction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from konio.errors import RecordError
from konio.studies.subgroups import FEWEST, subgroup_table, subgroups
from konio.studies.tables import say, to_csv

FILMS = 90
PATIENTS = [f"p{i}" for i in range(FILMS)]
SEX = ["m"] * 60 + ["f"] * 30
RIGHT = np.array([i % 3 != 0 for i in range(FILMS)])


def groups(covariate, values, **more):
    found = subgroups([{covariate: v} for v in values], PATIENTS[: len(values)], [RIGHT[: len(values)]], **more)  # fmt: skip
    return {group.value: group for group in found}


def test_shares_and_their_intervals():
    found = groups("sex", SEX)
    assert {v: (g.films, g.patients) for v, g in found.items()} == {"f": (30, 30), "m": (60, 60)}
    share = found["m"].right[0]
    theirs = stats.binomtest(40, 60).proportion_ci(method="wilson")
    assert share == pytest.approx((40 / 60, theirs.low, theirs.high))


def test_numbers_with_many_values_become_thirds_that_hold_every_film():
    found = groups("age", [str(20 + i % 50) for i in range(FILMS)])
    assert len(found) == 3
    assert sum(group.films for group in found.values()) == FILMS
    bounds = [tuple(map(float, value.split("–"))) for value in found]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(bounds))


def test_few_numbers_stay_as_they_are_and_in_order():
    assert list(groups("year", ["10", "9", "2"] * 30)) == ["2", "9", "10"]


def test_names_of_files_and_single_values_form_no_group():
    assert groups("zones", [f"zones-{i}.png" for i in range(FILMS)]) == {}
    assert groups("site", ["one"] * FILMS) == {}
    assert groups("site", ["", "unknown", "NA"] * 30) == {}


def test_unknown_values_are_left_out():
    found = groups("sex", ["m", "f", ""] * 30)
    assert sum(group.films for group in found.values()) == 60


def test_one_small_cell_hides_a_second_one():
    found = groups("dust", ["coal"] * 50 + ["silica"] * 34 + ["other"] * 6)
    assert {v: g.hidden for v, g in found.items()} == {"coal": "", "silica": "complement", "other": "small"}  # fmt: skip
    assert found["silica"].right == (None,)
    two = groups("dust", ["coal"] * 76 + ["silica"] * 8 + ["other"] * 6)
    assert {v: g.hidden for v, g in two.items()} == {"coal": "", "silica": "small", "other": "small"}  # fmt: skip


def test_small_counts_patients_not_films():
    patients = ["one"] * 30 + PATIENTS[30:]
    found = subgroups([{"sex": "f" if i < 30 else "m"} for i in range(FILMS)], patients, [RIGHT])
    assert {g.value: g.hidden for g in found} == {"f": "small", "m": "complement"}


def test_several_films_of_a_patient_widen_the_interval():
    doubled = [f"p{i // 2}" for i in range(FILMS)]
    right = np.repeat(RIGHT[: FILMS // 2], 2)
    (first, _) = subgroups([{"sex": s} for s in SEX], doubled, [right])
    films = subgroups([{"sex": s} for s in SEX], PATIENTS, [right])[0]
    wide, narrow = first.right[0], films.right[0]
    assert wide is not None and narrow is not None
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


def test_a_hidden_cell_leaves_no_number_in_any_file():
    found = subgroups([{"dust": "coal" if i < 84 else "other"} for i in range(FILMS)], PATIENTS, [RIGHT, RIGHT])  # fmt: skip
    table = subgroup_table(found, ("multi", "single"), "Subgroups", "table-11")
    lines = [line for line in to_csv(table).splitlines() if line.startswith("dust,")]
    assert len(lines) == 2
    assert not any(sign in line for line in lines for sign in ("84", "6,", "0."))
    assert f"under {FEWEST}" in say(table.rows[2][2].text)  # type: ignore[index]


def test_uneven_lists_are_refused():
    with pytest.raises(RecordError, match="same length"):
        subgroups([{}], PATIENTS, [RIGHT])
