r"""What several readers said about a nodule, as numbers to learn from.

Every question of a nodule has one vote vector: the share of the readers for each grade, zeros where nobody rated. From
votes and from a network's probabilities follows one number in 0..1, the score: the mean grade over the highest grade
for ordered questions, the share that sees any calcification for calcification, whose codes carry no order.

Three losses on one network:

``squared``
    paper C's equation 3, :math:`L = \frac{1}{2n} \sum (s - s')^2` of scores;
``classes``
    the alternative: cross-entropy of two or three classes, whose probabilities are sums over the grades;
``votes``
    cross-entropy against the votes themselves, which also learns how far readers disagree.

References:
    Paper C, equations 2 and 3, section 3.1; dossier 3.1, 3.7, 4.3 B3, B4, B13.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from konio.errors import UsageError
from konio.tasks import DIAMETER_GRADES_MM, MISSING, Task, TaskSet

LossKind = Literal["squared", "classes", "votes"]
LOSS_KINDS: Final[tuple[LossKind, ...]] = get_args(LossKind)

#: Diameter from which a nodule is large (Fleischner Society 2017; paper C gives no binarisation of the diameter).
LARGE_MM: Final = 8.0
#: Scores between these are in the middle: means of 2.75 and 3.25 on grades 1 to 5 (paper C, section 3.1).
MIDDLE: Final = ((2.75 - 1) / 4, (3.25 - 1) / 4)


def diameter_votes(diameters: Tensor) -> Tensor:
    """``(n,)`` mm to ``(n, 6)`` votes of two neighbouring grades whose mean is the diameter's logarithm; NaN to zeros."""
    step = math.log(DIAMETER_GRADES_MM[1] / DIAMETER_GRADES_MM[0])
    last = len(DIAMETER_GRADES_MM) - 1
    place = (torch.log(diameters / DIAMETER_GRADES_MM[0]) / step).clamp(0, last)
    low = place.nan_to_num().floor().clamp(max=last - 1).long()
    share = (place - low).nan_to_num()
    votes = torch.zeros(len(diameters), last + 1)
    rows = torch.arange(len(diameters))
    votes[rows, low] = 1 - share.float()
    votes[rows, low + 1] += share.float()
    votes[torch.isnan(diameters)] = 0
    return votes


def diameter_mm(expected: float) -> float:
    """Diameter of an expected grade of the diameter question.

    Examples:
        >>> diameter_mm(2.0)
        9.0
    """
    step = DIAMETER_GRADES_MM[1] / DIAMETER_GRADES_MM[0]
    return float(DIAMETER_GRADES_MM[0] * step**expected)


def score(task: Task, shares: Tensor) -> Tensor:
    """One number in 0..1 from shares of the grades, ``(..., K)`` to ``(...)``."""
    if not task.ordered:
        return 1 - shares[..., task.classes.index(_absent(task))]
    grades = torch.arange(len(task), dtype=shares.dtype, device=shares.device)
    return (shares * grades).sum(dim=-1) / (len(task) - 1)


def middle(task: Task) -> tuple[float, float]:
    """Scores at which the lower class ends and the upper begins."""
    if task.name == "diameter":
        step = math.log(DIAMETER_GRADES_MM[1] / DIAMETER_GRADES_MM[0])
        limit = math.log(LARGE_MM / DIAMETER_GRADES_MM[0]) / step / (len(task) - 1)
        return limit, limit
    return MIDDLE if task.ordered else (0.5, 0.5)


def threshold(task: Task) -> float:
    """Score above which the upper of two classes is answered."""
    return sum(middle(task)) / 2


def class_groups(task: Task, classes: int) -> tuple[tuple[int, ...], ...]:
    """Which grades belong to which of two or three classes.

    With two classes the middle grade belongs to neither. Diameter and calcification have two classes only.
    """
    if task.name == "diameter":
        low = tuple(i for i, mm in enumerate(DIAMETER_GRADES_MM) if mm < LARGE_MM)
        return low, tuple(range(len(low), len(task)))
    if not task.ordered:
        absent = task.classes.index(_absent(task))
        return (absent,), tuple(i for i in range(len(task)) if i != absent)
    half = len(task) // 2
    low, high = tuple(range(half)), tuple(range(half + 1, len(task)))
    return (low, high) if classes == 2 else (low, (half,), high)


def class_logits(task: Task, logits: Tensor, classes: int) -> Tensor:
    """Logits of the grades ``(B, K)`` to those of the classes ``(B, 2 or 3)``: logarithms of summed probabilities."""
    groups = class_groups(task, classes)
    return torch.stack([torch.logsumexp(logits[:, list(group)], dim=1) for group in groups], dim=1)


@dataclass(frozen=True, slots=True)
class RatedLoss:
    """How answers are held against readings.

    Args:
        kind: ``squared``, ``classes`` or ``votes``.
        classes: 2 or 3.
        discard_middle: learn only from nodules that have a class in this question, as paper C does.

    Raises:
        UsageError: on an unknown kind or another number of classes.
    """

    kind: LossKind = "squared"
    classes: int = 2
    discard_middle: bool = False

    def __post_init__(self) -> None:
        if self.kind not in LOSS_KINDS or self.classes not in (2, 3):
            raise UsageError(
                f"a rated loss is one of {LOSS_KINDS} with 2 or 3 classes, got {self}; correct it"
            )

    def of(self, task: Task, logits: Tensor, votes: Tensor, labels: Tensor) -> tuple[Tensor, int]:
        """Mean loss of one question and the number of nodules behind it.

        Args:
            task: the question.
            logits: ``(B, K)``.
            votes: ``(B, K)``; rows of zeros where nobody rated.
            labels: ``(B,)`` classes, `konio.tasks.MISSING` in the middle.
        """
        usable = votes.sum(dim=1) > 0
        if self.kind == "classes" or self.discard_middle:
            usable = usable & (labels != MISSING)
        count = int(usable.sum())
        if not count:
            return logits.sum() * 0, 0
        logits, votes, labels = logits[usable].float(), votes[usable], labels[usable]
        if self.kind == "classes":
            return functional.cross_entropy(class_logits(task, logits, self.classes), labels), count
        if self.kind == "votes":
            return -(votes * logits.log_softmax(dim=1)).sum(dim=1).mean(), count
        difference = score(task, logits.softmax(dim=1)) - score(task, votes)
        return (difference**2).mean() / 2, count


def rated_losses(
    answers: Mapping[str, Tensor],
    votes: Mapping[str, Tensor],
    labels: Mapping[str, Tensor],
    tasks: TaskSet,
    loss: RatedLoss,
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Losses and counts of a batch, question by question; questions without a label are absent.

    Args:
        answers: question to logits ``(B, K)``.
        votes: question to votes ``(B, K)``.
        labels: question to classes ``(B,)``.
        tasks: the questions.
        loss: which.
    """
    losses: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    for task in tasks:
        name = task.name
        part, count = loss.of(task, answers[name], votes[name], labels[name])
        if count:
            losses[name], counts[name] = part, count
    return losses, counts


def _absent(task: Task) -> str:
    return next(answer.name for answer in task.answers if answer.en == "absent")
