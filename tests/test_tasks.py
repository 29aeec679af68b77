"""The one table of questions: the nine of a nodule say what LIDC-IDRI's readers were asked."""

from __future__ import annotations

from konio.networks import rated
from konio.nodules import NOMINAL, SCALES, labels
from konio.tasks import ALL_TASKS, DIAMETER_GRADES_MM, NODULE_TASKS, RADIOGRAPH_TASKS


def test_nine_questions_with_calcification_alone_unordered() -> None:
    assert len(NODULE_TASKS) == 9
    assert [task.name for task in NODULE_TASKS if not task.ordered] == ["calcification"]
    assert set(NODULE_TASKS.names).isdisjoint(RADIOGRAPH_TASKS.names)
    assert len(ALL_TASKS) == len(NODULE_TASKS) + len(RADIOGRAPH_TASKS)


def test_grades_are_those_the_readers_had() -> None:
    for task in NODULE_TASKS:
        if task.name != "diameter":
            assert tuple(answer.en for answer in task.answers) == SCALES[task.name]
            assert task.classes == tuple(str(grade + 1) for grade in range(len(task)))
            assert task.ordered is (task.name not in NOMINAL)


def test_diameters_grow_by_half_and_limits_agree() -> None:
    assert DIAMETER_GRADES_MM[:3] == (4.0, 6.0, 9.0)
    assert rated.LARGE_MM == labels.LARGE_MM
    assert tuple(1 + 4 * limit for limit in rated.MIDDLE) == (labels.LOW, labels.HIGH)
