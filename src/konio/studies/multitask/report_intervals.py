"""What a page shows where all films are of one patient, of whom `konio.significance.clustered` gives no interval: every film counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from konio.significance import (
    Interval,
    clustered_delong_interval,
    clustered_wilson,
    delong_interval,
    wilson,
)


def share(right: ArrayLike, patients: Sequence[str]) -> Interval:
    """Share of right answers with Wilson's interval by patients.

    Args:
        right: ``(N,)`` bool, one film or more.
        patients: ``(N,)`` of each film; of one patient alone every film counts.
    """
    if len(set(patients)) > 1:
        return clustered_wilson(right, patients)
    answers = np.asarray(right, dtype=bool)
    return wilson(int(answers.sum()), len(answers))


def area(positive: ArrayLike, score: ArrayLike, patients: Sequence[str]) -> Interval:
    """Area under the ROC curve with DeLong's interval by patients.

    Args:
        positive: ``(N,)`` bool.
        score: ``(N,)``, higher means more likely positive.
        patients: ``(N,)`` of each film; of one patient alone every film counts.

    Raises:
        RecordError: with fewer than two positive or two negative films.
    """
    if len(set(patients)) > 1:
        return clustered_delong_interval(positive, score, patients)
    return delong_interval(positive, score)
