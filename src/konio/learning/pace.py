"""How long the rest of a count takes, by its pace so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: Seconds of counting before a pace is believed: workers that have just started say nothing about it.
_SETTLED: Final = 5.0


class Pace:
    """Seconds left of a count that has begun.

    The count starts with the first thing done, so that the start of workers is in no estimate.

    Args:
        clock: seconds, never going back.

    Examples:
        >>> seconds = iter([10.0, 20.0])
        >>> pace = Pace(lambda: next(seconds))
        >>> pace.left(1, 11), pace.left(3, 11)
        (None, 40.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: tuple[float, int] | None = None

    def left(self, done: int, whole: int) -> float | None:
        """Seconds left, ``None`` while it is too early to say; 0 at the end."""
        now = self._clock()
        if done >= whole:
            return 0.0
        if self._begun is None:
            self._begun = (now, done)
        since, first = self._begun
        if done <= first or now - since < _SETTLED:
            return None
        return (now - since) / (done - first) * (whole - done)
