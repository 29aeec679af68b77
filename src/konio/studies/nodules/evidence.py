"""What the finished trainings say, gathered question by question and compared fold by fold and seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from konio.significance import Interval, nadeau_bengio_interval, nadeau_bengio_p
from konio.studies.nodules.design import MULTI, SINGLE
from konio.studies.runner import Finished, finished

#: Scores of two classes, in the order of the tables.
SCORES: Final = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc")

#: (fold, seed) to a score.
Cells = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Finished trials of a study.

    Args:
        trials: by name.
        folds: of the design; decides how far intervals are widened for shared nodules.
    """

    trials: Sequence[Finished]
    folds: int

    @classmethod
    def read(cls, out: Path, folds: int) -> Evidence:
        """Everything that is finished in a folder."""
        return cls(tuple(finished(out, "nodules")), folds)

    def cells(self, group: str, question: str, score: str, classes: int = 2) -> Cells:
        """One score of one question by fold and seed; only where it is defined."""
        part = "scores" if classes == 2 else "three"
        found: Cells = {}
        for trial in self.trials:
            value = trial.result.get(part, {}).get(question, {}).get(score)
            if trial.settings["group"] == group and value is not None:
                found[(trial.settings["fold"], trial.settings["seed"])] = float(value)
        return found

    def interval(self, group: str, question: str, score: str, classes: int = 2) -> Interval | None:
        """Mean with its interval over folds and seeds, widened for the nodules that folds share; ``None`` without any.

        Scores are shares, so the interval is cut at 0 and 1.
        """
        cells = self.cells(group, question, score, classes)
        found = spread_interval(cells.values(), self.folds)
        if found is None:
            return None
        return Interval(found.estimate, *(float(v) for v in np.clip((found.low, found.high), 0, 1)))

    def difference(
        self, group: str, other: str, question: str, score: str
    ) -> tuple[Interval, float] | None:
        """``group`` minus ``other`` on the same folds and seeds, and its p value; ``None`` below two pairs."""
        a, b = self.cells(group, question, score), self.cells(other, question, score)
        both = sorted(set(a) & set(b))
        if len(both) < 2:
            return None
        values = np.array([a[key] - b[key] for key in both])
        share = 1 / (self.folds - 1)
        return nadeau_bengio_interval(values, share), nadeau_bengio_p(values, share)

    def single(self, question: str) -> str:
        """Name of the group that answers one question alone."""
        return SINGLE + question

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups with a finished training; multi-task first."""
        names = dict.fromkeys(trial.settings["group"] for trial in self.trials)
        return tuple(sorted(names, key=lambda name: (name != MULTI, name)))


def spread_interval(values: Iterable[float], folds: int) -> Interval | None:
    """Mean and corrected interval; without bounds where there is one value, ``None`` where there is none."""
    known = np.array([float(v) for v in values if math.isfinite(v)])
    if not len(known):
        return None
    if len(known) == 1:
        return Interval(float(known[0]), math.nan, math.nan)
    return nadeau_bengio_interval(known, 1 / (folds - 1))


def mean_over(scores: Mapping[str, Interval | None]) -> float:
    """Mean of the estimates that are defined; NaN without any."""
    known = [found.estimate for found in scores.values() if found is not None]
    return math.fsum(known) / len(known) if known else math.nan
