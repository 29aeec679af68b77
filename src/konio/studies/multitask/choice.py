"""What the cross-validation decides: the dropout of every group, and how warm its probabilities are.

Both look at films that their own networks were not trained on, and never at the test films.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from konio import metrics
from konio.errors import StudyError
from konio.studies.multitask.predictions import read_predictions
from konio.studies.multitask.presets import Group
from konio.studies.runner import Finished
from konio.tasks import MISSING


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes from the cross-validation to the final trainings.

    Args:
        dropouts: group to the dropout with the best mean score; the smaller one of equals.
        temperatures: group to question to temperature, fitted on the pooled answers of the measured films of all
            folds at that dropout.
        scores: group to dropout to mean score.
    """

    dropouts: Mapping[str, float]
    temperatures: Mapping[str, Mapping[str, float]]
    scores: Mapping[str, Mapping[float, float]]

    def to_json(self) -> dict[str, Any]:
        """``chosen`` and ``temperatures`` of ``study.json``."""
        return {
            "chosen": dict(self.dropouts),
            "temperatures": {name: dict(own) for name, own in self.temperatures.items()},
        }


def choose(trials: Iterable[Finished], groups: Iterable[Group], folds: int) -> Choice:
    """Choose by the cross-validation.

    The score of a trial is the mean accuracy of its questions on the films its fold measured.

    Args:
        trials: finished ones of the cross-validation.
        groups: of the preset.
        folds: how many trials a dropout must have; with fewer it is no candidate.

    Raises:
        StudyError: if a group has no complete dropout.

    References:
        Paper A, tables 2 and 3: the dropout with the best averages over ten folds.
    """
    by_group: dict[str, dict[float, list[Finished]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if trial.settings["dropout"] is not None:
            by_group[trial.settings["group"]][trial.settings["dropout"]].append(trial)
    dropouts, temperatures, scores = {}, {}, {}
    for group in groups:
        complete = {d: own for d, own in by_group[group.name].items() if len(own) >= folds}
        if not complete:
            raise StudyError(
                f"the cross-validation of {group.name} is not complete, so that no dropout can be chosen; "
                "see failure.json of its trials and run the same command again"
            )
        means = {
            d: math.fsum(t.result["score"] for t in own) / len(own) for d, own in complete.items()
        }
        best = min(means, key=lambda d: (-means[d], d))
        dropouts[group.name], scores[group.name] = best, means
        temperatures[group.name] = _temperatures(complete[best], group.tasks)
    return Choice(dropouts, temperatures, scores)


def _temperatures(trials: Iterable[Finished], tasks: Iterable[str]) -> dict[str, float]:
    found = [read_predictions(trial.folder) for trial in trials]
    fitted = {}
    for name in tasks:
        truth = np.concatenate([own.tasks[name].truth for own in found])
        logits = np.concatenate([own.tasks[name].logits for own in found])
        present = truth != MISSING
        if present.any():
            fitted[name] = metrics.fit_temperature(logits[present], truth[present])
    return fitted
