"""Wording of conclusions (A.3) and what forbids a diagnosis (A.1, A.2, C.2)."""

from __future__ import annotations

import pytest

from konio.errors import RecordError
from konio.standards.diagnosis import DISEASES, obstacles, phrase, quality_consequence
from konio.tasks import STAGE


@pytest.mark.parametrize(
    ("stage", "disease", "zh", "en"),
    [
        ("I", "矽肺", "职业性矽肺壹期", "Occupational silicosis, stage I"),
        # the two examples printed in A.3
        ("II", "煤工尘肺", "职业性煤工尘肺贰期", "Occupational coal workers' pneumoconiosis, stage II"),
        ("III", "石棉肺", "职业性石棉肺叁期", "Occupational asbestosis, stage III"),
        ("0", "矽肺", "无尘肺", "No pneumoconiosis"),
        ("0", None, "无尘肺", "No pneumoconiosis"),
        # no name given: no disease and no occupation is made up
        ("II", None, "尘肺贰期（未注明尘肺名称）", "Pneumoconiosis, stage II (name of the disease not stated)"),
        ("II", "其他尘肺", "职业性其他尘肺贰期", "Occupational other pneumoconiosis, stage II"),
    ],
)  # fmt: skip
def test_phrase(stage, disease, zh, en):
    assert phrase(stage, disease) == (en, zh)


def test_every_disease_and_stage_has_its_own_phrase():
    phrases = {phrase(stage, d).zh for d in DISEASES for stage in STAGE.classes if stage != "0"}
    assert len(phrases) == 13 * 3
    assert all(p.startswith("职业性") and p.endswith("期") for p in phrases)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(RecordError, match="矽肺"):
        phrase("I", "silicosis")
    with pytest.raises(RecordError, match="use one of"):
        phrase("IV", "矽肺")


@pytest.mark.parametrize(
    ("grade", "first", "usable"), [(1, True, True), (2, True, True), (3, False, True), (4, False, False)]
)  # fmt: skip
def test_quality_grades(grade, first, usable):
    got = quality_consequence(grade)
    assert (got.first_diagnosis, got.usable, got.clause) == (first, usable, f"C.2.{grade}")
    assert got.consequence.en
    assert got.consequence.zh


def test_there_is_no_grade_five():
    with pytest.raises(RecordError, match="1 to 4"):
        quality_consequence(5)


@pytest.mark.parametrize(
    ("history", "films", "grade", "first", "clauses"),
    [
        (True, 2, 1, True, ()),
        (True, 2, 3, False, ()),
        (True, 2, 3, True, ("C.2.3",)),
        (True, 2, 4, False, ("C.2.4",)),
        (True, 1, 2, True, ("A.2",)),
        (False, 1, 4, True, ("A.1", "C.2.4", "A.2")),
    ],
)
def test_obstacles(history, films, grade, first, clauses):
    found = obstacles(
        exposure_history=history,
        films_half_a_year_apart=films,
        quality_grade=grade,
        first_diagnosis=first,
    )
    assert tuple(o.clause for o in found) == clauses
    assert all(o.binding == (o.clause != "A.2") for o in found)
