"""Who is a 0 is said by the recipe and never guessed."""

from __future__ import annotations

import pytest

from konio.errors import UsageError
from konio.hierarchy import diseased, stage_of, stages
from konio.records import Case
from konio.tasks import MISSING


def case(differential: str | None, stage: str | None) -> Case:
    return Case("film", "patient", {"differential": differential, "stage": stage})


HEALTHY, SICK = case("healthy", None), case("tuberculosis", None)
EXPOSED, FIRST, THIRD = case("dust", "0"), case("dust", "I"), case("dust", "III")
UNKNOWN, UNSTAGED, STAGE_ONLY = case(None, None), case("dust", None), case(None, "II")
ALL = (HEALTHY, SICK, EXPOSED, FIRST, THIRD, UNKNOWN, UNSTAGED, STAGE_ONLY)


@pytest.mark.parametrize(
    ("zero", "healthy", "exposed"),
    [("healthy", 0, MISSING), ("exposed", MISSING, 0), ("both", 0, 0)],
)
def test_the_three_readings_of_zero(zero, healthy: int, exposed: int) -> None:
    found = stages(ALL, zero).tolist()
    assert found == [healthy, MISSING, exposed, 1, 3, MISSING, MISSING, 2]


def test_level_one_asks_for_disease() -> None:
    assert diseased(stages(ALL, "both")).tolist() == [0, MISSING, 0, 1, 1, MISSING, MISSING, 1]


def test_another_reading_is_refused() -> None:
    with pytest.raises(UsageError, match="class 0 are healthy, exposed, both"):
        stage_of(FIRST, "nobody")
