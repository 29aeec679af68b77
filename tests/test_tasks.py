"""The one table of questions: the nine of a nodule say what LIDC-IDRI's readers were asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12).filter(lambda shares: sum(shares) > 0.01)
)
def test_the_middle_is_the_answer_with_the_least_expected_error(weights: list[float]) -> None:
    shares = [weight / sum(weights) for weight in weights]
    place = RADIOGRAPH_TASKS["zone_lm"].chosen(shares)

    def error(answer: int) -> float:
        return sum(share * abs(grade - answer) for grade, share in enumerate(shares))

    assert error(place) <= min(map(error, range(12))) + 1e-9


def test_only_the_zones_are_answered_by_the_middle() -> None:
    split = [0.4, 0.3, 0.3]
    for task in ALL_TASKS:
        assert task.by_middle is (task.zone is not None)
        shares = (split + [0.0] * len(task))[: len(task)]
        assert task.chosen(shares) == (1 if task.by_middle else 0)
