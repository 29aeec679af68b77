"""An estimate of the time left is given when there is one."""

from __future__ import annotations

from konio.learning.pace import Pace


def paced(*moments: float) -> Pace:
    seconds = iter(moments)
    return Pace(lambda: next(seconds))


def test_nothing_is_guessed_from_the_start_of_the_workers() -> None:
    pace = paced(30.0, 31.0)
    assert pace.left(1, 3600) is None
    assert pace.left(2, 3600) is None, "a second tells nothing yet"


def test_the_pace_is_that_of_what_was_done_since_the_first() -> None:
    pace = paced(100.0, 110.0, 120.0)
    pace.left(200, 1200)
    assert pace.left(300, 1200) == 90.0
    assert pace.left(400, 1200) == 80.0


def test_nothing_is_left_at_the_end() -> None:
    assert paced(0.0).left(1, 1) == 0.0


def test_a_count_that_stands_still_has_no_pace() -> None:
    pace = paced(0.0, 50.0)
    pace.left(5, 10)
    assert pace.left(5, 10) is None
