"""Malignancy out of all answers of one network: a logistic model of the nodules that it has learned from.

The network's own answer about malignancy is learned from grades of every nodule; here the two classes that are measured are told from
the answers to all questions, as paper C tells them from people's grades. It costs no training and says what the other answers know
about malignancy that the one about it does not.

References:
    Paper C, section 1.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.features.classifiers import fit
from konio.learning.rated_objective import scores_of
from konio.networks.rated import RatedLoss
from konio.studies.nodules.classical import two_class_scores
from konio.tasks import TaskSet

#: The question that is told from all of them.
TOLD: Final = "malignancy"
#: Scores are kept this far from 0 and 1, so that their logits are finite.
_LEAST: Final = 1e-3

Logits = Mapping[str, NDArray[Any]]


def from_answers(
    known: tuple[Logits, NDArray[np.int64]],
    asked: tuple[Logits, NDArray[np.int64]],
    tasks: TaskSet,
    loss: RatedLoss,
) -> dict[str, float] | None:
    """Scores of two classes of malignancy, told from the answers to all questions.

    Args:
        known: question to logits ``(n, K)`` of nodules that were learned from, and their classes, each 0 or 1.
        asked: the same of nodules that were not.
        tasks: the questions.
        loss: of the network; it says how logits are read.

    Returns:
        As `konio.studies.nodules.classical.two_class_scores`; ``None`` where there is one question, or fewer than two nodules of a
        class to learn from, or none to ask about.
    """
    truth = known[1]
    enough = np.bincount(truth, minlength=2).min() >= 2
    if TOLD not in tasks.names or len(tasks) < 2 or not enough or not len(asked[1]):
        return None
    model = fit("logistic", _table(known[0], tasks, loss), truth, seed=0, classes=2)
    share = model.probabilities(_table(asked[0], tasks, loss))[:, 1]
    return two_class_scores(asked[1], (share > 0.5).astype(np.int64), share)


def _table(logits: Logits, tasks: TaskSet, loss: RatedLoss) -> NDArray[np.float64]:
    """``(n, questions)``: the logit of each answer's score."""
    scores = np.stack([scores_of(task, logits[task.name], loss) for task in tasks], axis=1)
    scores = np.clip(scores, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(scores / (1 - scores)), np.float64)
