"""Splits: no patient on two sides, every class keeps its share, the generator decides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.cohort import Cohort, Split, check_leakage, folds, holdout, six_way
from konio.errors import CohortError
from konio.records import Case

WAYS = ("healthy", "tuberculosis", "0", "I", "II", "III")


def case(number: int, way: str, patient: str | None = None) -> Case:
    if way in WAYS[:2]:
        labels = {"differential": way, "stage": None}
    else:
        labels = {"differential": "dust", "stage": way}
    return Case(f"/films/{number}.dcm", patient or f"p{number:05d}", labels)


def paper_cohort() -> Cohort:
    """The numbers of paper A: 1200 healthy, 1200 tuberculosis, 300 of each stage."""
    ways = [w for w in WAYS for _ in range(1200 if w in WAYS[:2] else 300)]
    return Cohort(tuple(case(i, way) for i, way in enumerate(ways)), Path("/films"))


def ways_of(cohort: Cohort, positions: tuple[int, ...]) -> Counter[str]:
    return Counter(six_way(cohort.cases[i]) for i in positions)


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    patients = draw(st.integers(2, 30))
    numbered = []
    for patient in range(patients):
        for _ in range(draw(st.integers(1, 3))):
            way = draw(st.sampled_from(WAYS))
            numbered.append(case(len(numbered), way, f"p{patient}"))
    return Cohort(tuple(numbered), Path("/films"))


@given(cohorts(), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_folds_part_no_patient_and_test_each_film_once(cohort, count, seed):
    if count > len(cohort.patients):
        with pytest.raises(CohortError, match="folds cannot be made"):
            folds(cohort, count, np.random.default_rng(seed))
        return
    splits = folds(cohort, count, np.random.default_rng(seed))
    tested = sorted(i for split in splits for i in split.test)
    assert tested == list(range(len(cohort)))
    for split in splits:
        assert sorted((*split.train, *split.test)) == tested
        left = {cohort.cases[i].patient_id for i in split.train}
        assert not left & {cohort.cases[i].patient_id for i in split.test}
        assert split.test


@given(cohorts(), st.floats(0.1, 0.6), st.integers(0, 2**32 - 1))
def test_holdout_parts_no_patient(cohort, fraction, seed):
    try:
        split = holdout(cohort, fraction, np.random.default_rng(seed))
    except CohortError as why:
        assert "one side would be empty" in str(why)
        return
    assert sorted((*split.train, *split.test)) == list(range(len(cohort)))
    assert not {cohort.cases[i].patient_id for i in split.train} & {
        cohort.cases[i].patient_id for i in split.test
    }
    assert 0 < len(split.test) <= len(cohort) * fraction + 0.5


def test_the_paper_s_split():
    cohort = paper_cohort()
    split = holdout(cohort, 0.1, np.random.default_rng(7))
    assert (len(split.train), len(split.test)) == (3240, 360)
    assert ways_of(cohort, split.test) == {
        "healthy": 120, "tuberculosis": 120, "0": 30, "I": 30, "II": 30, "III": 30
    }  # fmt: skip
    for fold in folds(cohort, 10, np.random.default_rng(7)):
        assert ways_of(cohort, fold.test) == ways_of(cohort, split.test)


def test_uneven_classes_are_dealt_evenly():
    ways = ["healthy"] * 13 + ["I"] * 7 + ["III"] * 4
    cohort = Cohort(tuple(case(i, w) for i, w in enumerate(ways)), Path("/films"))
    splits = folds(cohort, 5, np.random.default_rng(1))
    assert max(len(s.test) for s in splits) - min(len(s.test) for s in splits) <= 1
    for way in ("healthy", "I", "III"):
        counts = [ways_of(cohort, s.test)[way] for s in splits]
        assert max(counts) - min(counts) <= 1


def test_a_class_keeps_its_share_even_where_another_has_many_films_of_one_patient():
    films = [case(i, "I", "many") for i in range(4)] + [case(10 + i, "III") for i in range(4)]
    cohort = Cohort(tuple(films), Path("/films"))
    for split in folds(cohort, 2, np.random.default_rng(0)):
        assert ways_of(cohort, split.test)["III"] == 2


def test_the_generator_decides_and_row_order_does_not():
    cohort = paper_cohort()
    turned = Cohort(cohort.cases[::-1], cohort.root)

    def aside(which: Cohort, seed: int) -> set[str]:
        split = holdout(which, 0.1, np.random.default_rng(seed))
        return {which.cases[i].patient_id for i in split.test}

    assert aside(cohort, 3) == aside(cohort, 3) == aside(turned, 3)
    assert aside(cohort, 3) != aside(cohort, 4)


def test_a_patient_counts_as_the_highest_of_the_films():
    films = [case(i, "I") for i in range(10)]
    films += [case(100 + i, "III", f"p{i:05d}") for i in range(5)]
    cohort = Cohort(tuple(films), Path("/films"))
    for split in folds(cohort, 5, np.random.default_rng(0)):
        assert ways_of(cohort, split.test) == {"I": 2, "III": 1}


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 2.0])
def test_a_fraction_outside_its_range(fraction):
    with pytest.raises(CohortError, match="between 0 and 1"):
        holdout(paper_cohort(), fraction, np.random.default_rng(0))


def test_six_ways():
    assert six_way(Case("/a", "p", {"differential": "dust", "stage": None})) == "dust"
    assert six_way(Case("/a", "p", {})) == "unknown"
    assert [six_way(case(0, way)) for way in WAYS] == list(WAYS)


@pytest.fixture
def films(tmp_path: Path) -> list[Case]:
    made = []
    for i in range(4):
        (tmp_path / f"{i}.dcm").write_bytes(bytes([i]) * 8)
        made.append(Case(str(tmp_path / f"{i}.dcm"), f"p{i}", {}))
    return made


def test_a_clean_split_passes(films):
    check_leakage(films[:2], films[2:])
    check_leakage(films[:2], films[2:], pixel_hash=lambda path: path)


def test_a_patient_on_both_sides_is_named(films):
    again = Case(films[3].path, "p0", {})
    with pytest.raises(CohortError, match=r"1 patients stand on both sides.*p0"):
        check_leakage(films[:2], [films[2], again])


def test_the_same_bytes_on_both_sides_are_named(films, tmp_path):
    (tmp_path / "copy.dcm").write_bytes((tmp_path / "1.dcm").read_bytes())
    copy = Case(str(tmp_path / "copy.dcm"), "somebody else", {})
    with pytest.raises(CohortError, match=r"1 images .*1\.dcm = .*copy\.dcm"):
        check_leakage(films[:2], [*films[2:], copy])


def test_the_same_pixels_in_another_file_are_named(films):
    hashes = {films[0].path: "x", films[3].path: "x"}
    with pytest.raises(CohortError, match=r"0\.dcm = .*3\.dcm"):
        check_leakage(films[:2], films[2:], pixel_hash=lambda path: hashes.get(path, path))


def test_a_series_is_compared_as_a_whole(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.dcm").write_bytes(b"slice")
    left, right = (Case(str(tmp_path / name), name, {}) for name in ("one", "two"))
    with pytest.raises(CohortError, match="same pixels"):
        check_leakage([left], [right])


def test_a_file_that_went_away(films):
    gone = [Case(f"/nowhere/{i}.dcm", f"q{i}", {}) for i in range(2)]
    with pytest.raises(CohortError, match="cannot be read"):
        check_leakage([gone[0]], [gone[1]])


def test_split_is_a_value():
    assert Split((0,), (1,)) == Split((0,), (1,))
