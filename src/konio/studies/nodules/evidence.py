"""What the finished trainings say, gathered question by question and compared fold by fold.

Seeds of one fold learn from the same nodules and answer the same ones: they are averaged before anything is said about chance,
so that an interval rests on as many numbers as there are folds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from konio.significance import Interval, nadeau_bengio_interval, nadeau_bengio_p
from konio.studies.nodules.design import MULTI, SINGLE, STUDY_NAME, study_of
from konio.studies.runner import Finished, Trial, finished

#: Scores of two classes, in the order of the tables.
SCORES: Final = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc")

#: The multi-task network's answers to all questions, out of which malignancy is told; asked for by this name as a group is.
FROM_ANSWERS: Final = "from-answers"

#: Fold to a score, the mean over the fold's seeds.
Cells = dict[int, float]
#: Baseline to question to fold to scores.
Baselines = Mapping[str, Mapping[str, Mapping[int, Mapping[str, float]]]]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Finished trials of a study, and what needs no network on the same folds.

    Args:
        trials: of this study and no other.
        folds: of the design; decides how far intervals are widened for shared nodules.
        baselines: number of classes to `konio.studies.nodules.baselines.baseline_scores`; each is asked for by its name as a
            group of networks is.
    """

    trials: Sequence[Finished]
    folds: int
    baselines: Mapping[int, Baselines] = field(default_factory=dict)

    def cells(self, group: str, question: str, score: str, classes: int = 2) -> Cells:
        """One score of one question by fold, the mean over its seeds; only where it is defined."""
        known = self.baselines.get(classes, {})
        if group in known:
            runs = {fold: [own.get(score)] for fold, own in known[group].get(question, {}).items()}
        else:
            runs = self._runs(group, question, score, classes)
        found = {}
        for fold, values in sorted(runs.items()):
            defined = [float(v) for v in values if v is not None and math.isfinite(v)]
            if defined:
                found[fold] = math.fsum(defined) / len(defined)
        return found

    def _runs(
        self, group: str, question: str, score: str, classes: int
    ) -> dict[int, list[float | None]]:
        part = "scores" if classes == 2 else "three"
        if group == FROM_ANSWERS:
            group, part = MULTI, "from_answers" if classes == 2 else ""
        found: dict[int, list[float | None]] = {}
        for trial in self.trials:
            if trial.settings["group"] == group:
                value = trial.result.get(part, {}).get(question, {}).get(score)
                found.setdefault(trial.settings["fold"], []).append(value)
        return found

    def interval(self, group: str, question: str, score: str, classes: int = 2) -> Interval | None:
        """Mean with its interval over folds, widened for the nodules that folds share; ``None`` without any.

        Scores are shares, so the interval is cut at 0 and 1.
        """
        cells = self.cells(group, question, score, classes)
        found = spread_interval(cells.values(), self.folds)
        if found is None:
            return None
        return Interval(found.estimate, *(float(v) for v in np.clip((found.low, found.high), 0, 1)))

    def difference(
        self, group: str, other: str, question: str, score: str, classes: int = 2
    ) -> tuple[Interval, float] | None:
        """``group`` minus ``other`` on the same folds, and its p value; ``None`` below two pairs.

        Once every fold is finished this is the difference of the two means that `interval` gives.
        """
        a = self.cells(group, question, score, classes)
        b = self.cells(other, question, score, classes)
        both = sorted(set(a) & set(b))
        if len(both) < 2:
            return None
        values = np.array([a[fold] - b[fold] for fold in both])
        share = 1 / (self.folds - 1)
        return nadeau_bengio_interval(values, share), nadeau_bengio_p(values, share)

    def seeds(self, group: str) -> int:
        """How many trainings of a fold are finished at most."""
        return max(map(len, self._runs(group, "", "", 2).values()), default=0)

    def single(self, question: str) -> str:
        """Name of the group that answers one question alone."""
        return SINGLE + question

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups with a finished training; multi-task first."""
        names = dict.fromkeys(trial.settings["group"] for trial in self.trials)
        return tuple(sorted(names, key=lambda name: (name != MULTI, name)))


def own_trials(out: Path, fingerprint: str) -> tuple[Finished, ...]:
    """Finished trials in a folder that are of the study with this fingerprint; what another one left there is no evidence."""
    study = study_of((), fingerprint)
    return tuple(
        trial
        for trial in finished(out, STUDY_NAME)
        if trial.fingerprint == study.trial_fingerprint(Trial(trial.name, trial.settings))
    )


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
