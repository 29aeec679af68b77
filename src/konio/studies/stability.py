"""How often the answer to one case flips over seeds and folds, and which labels are worth a second look.

Many networks of one kind answer the same film. Where they disagree among themselves the film is hard or out of the ordinary; where
they agree with one another and not with the label, the label may be wrong. Neither proves anything: it says where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from konio.errors import RecordError
from konio.tasks import MISSING

#: From this share of agreeing runs on, an answer other than the label puts the label in doubt.
SURE: Final = 0.8
#: From this chance on that two runs disagree, a case is called unsteady.
UNSTEADY: Final = 0.3

Reason = Literal["", "label", "unsteady"]


@dataclass(frozen=True, slots=True)
class CaseStability:
    """One case under many runs.

    Args:
        position: of the case.
        truth: its label, a class position.
        runs: how many answered it.
        counts: answers of each class.
        flips: chance that two different runs disagree, 0..1; ``nan`` with a single run.
        right: share of runs that agree with the label.
    """

    position: int
    truth: int
    runs: int
    counts: tuple[int, ...]
    flips: float
    right: float

    @property
    def answer(self) -> int:
        """The most frequent answer, the first of equals."""
        return int(np.argmax(self.counts))

    @property
    def agreement(self) -> float:
        """Share of runs that give it."""
        return max(self.counts) / self.runs

    @property
    def reason(self) -> Reason:
        """Why the label is worth a second look, or ``""``."""
        if self.answer != self.truth and self.agreement >= SURE and self.runs > 1:
            return "label"
        return "unsteady" if self.flips >= UNSTEADY else ""


def stability(answers: ArrayLike, truth: ArrayLike, classes: int) -> tuple[CaseStability, ...]:
    """Every case that was answered and has a label.

    Args:
        answers: ``(runs, cases)`` class positions, `MISSING` where a run did not see the case.
        truth: ``(cases,)`` class positions or `MISSING`.
        classes: number of classes.

    Returns:
        One entry for each such case, by position.

    Raises:
        RecordError: if the tables do not fit or hold other classes.

    Examples:
        >>> round(stability([[0, 1], [1, 1], [0, 1]], [0, 1], 2)[0].flips, 3)
        0.667
    """
    table, labels = np.asarray(answers, dtype=np.int64), np.asarray(truth, dtype=np.int64)
    if table.ndim != 2 or table.shape[1:] != labels.shape or classes < 2:
        raise RecordError(
            f"answers of shape {table.shape} do not fit {labels.shape} labels; give runs by cases"
        )
    for values in (table, labels):
        if values.size and (values.min() < MISSING or values.max() >= classes):
            raise RecordError(
                f"class positions must lie in {MISSING}..{classes - 1}, got {values.min()}..{values.max()}; "
                "name the right number of classes"
            )
    counts = np.stack(
        [(table == k).sum(axis=0) for k in range(classes)], axis=1
    )  # (cases, classes)
    runs = counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        same = (counts * (counts - 1)).sum(axis=1) / (runs * (runs - 1))
    found = []
    for place in np.flatnonzero((runs > 0) & (labels != MISSING)):
        own = counts[place]
        found.append(
            CaseStability(
                position=int(place),
                truth=int(labels[place]),
                runs=int(runs[place]),
                counts=tuple(own.tolist()),
                flips=float(1 - same[place]),
                right=float(own[labels[place]] / runs[place]),
            )
        )
    return tuple(found)


def for_review(cases: Sequence[CaseStability], most: int = 24) -> tuple[CaseStability, ...]:
    """The cases whose label is worth a second look, of both kinds: the unsteady ones first, then those that all runs contradict.

    Each kind has half of the places; those that one leaves over go to the other. Of the unsteady ones those come first whose most
    frequent answer is not their label.

    Args:
        cases: from `stability`.
        most: how many at most.
    """
    doubted = [case for case in cases if case.reason == "label"]
    unsteady = [case for case in cases if case.reason == "unsteady"]
    doubted.sort(key=lambda case: (-case.agreement, -case.runs, case.position))
    unsteady.sort(
        key=lambda case: (case.answer == case.truth, -case.flips, case.right, case.position)
    )
    first = max(most - most // 2, most - len(doubted))
    return tuple([*unsteady[:first], *doubted][:most])
