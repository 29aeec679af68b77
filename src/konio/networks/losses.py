r"""Losses with missing labels, and who is moved how strongly by them.

With two tasks paper A writes :math:`L = (1 - \omega) L_1 + \omega L_2` with
:math:`\omega = N_2 / (N_1 + N_2)` counted anew in every iteration: :math:`N_k` labels of task k in the
batch. For any number of tasks that is the weight :math:`N_k / \sum_j N_j`.

Each head is moved by its own loss, the backbone by the weighted sum. So the losses are added as they are,
and between backbone and head stands an identity whose backward pass multiplies by the task's weight.

References:
    Paper A, section 1.4; dossier 4.1 P7 and gaps 1 to 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional

from konio.errors import RecordError, UsageError
from konio.tasks import MISSING, TaskSet

Weighting = Literal["paper", "plain_sum"]
LesionLoss = Literal["bce", "smooth_l1"]

#: Key of the auxiliary lesion map among answers, weights and losses.
AUXILIARY: Final = "lesions"

WEIGHTINGS: Final[tuple[Weighting, ...]] = get_args(Weighting)


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return value.view_as(value)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Any) -> Any:
        return gradients[0] * getattr(ctx, "scale"), None  # noqa: B009


def scale_gradient(value: Tensor, scale: float) -> Tensor:
    """The value itself; its gradient is multiplied on the way back."""
    out: Tensor = _ScaleGradient.apply(value, scale)  # type: ignore[no-untyped-call]
    return out


@dataclass(frozen=True, slots=True)
class LossPlan:
    """How the answers of a batch become one number.

    Args:
        weighting: ``paper`` (weight N_k / sum N) or ``plain_sum`` (weight 1 each).
        importance: task name to a factor on its weight, 1 where not named (the paper has none).
        ordinal_spread: for ordered tasks, standard deviation in classes of a soft label around the true
            class; 0 is the paper's one-hot label.
        lesions: weight of the auxiliary lesion map.
        lesion_loss: ``bce`` or ``smooth_l1``.

    Raises:
        RecordError: on an unknown weighting or a negative number.
    """

    weighting: Weighting = "paper"
    importance: Mapping[str, float] = field(default_factory=dict)
    ordinal_spread: float = 0.0
    lesions: float = 1.0
    lesion_loss: LesionLoss = "bce"

    def __post_init__(self) -> None:
        if self.weighting not in WEIGHTINGS or self.lesion_loss not in get_args(LesionLoss):
            raise RecordError(
                f"weighting is one of {WEIGHTINGS} and lesion_loss of {get_args(LesionLoss)}, got "
                f"{self.weighting!r} and {self.lesion_loss!r}; choose one of each"
            )
        if min(self.ordinal_spread, self.lesions, *self.importance.values(), 0.0) < 0:
            raise RecordError("weights and spreads of a loss must not be negative; give 0 or more")


@dataclass(frozen=True, slots=True)
class Losses:
    """What one batch costs.

    Args:
        total: to call ``backward`` on; the plain sum of the parts.
        parts: name to its own mean loss; tasks without a label in the batch are absent.
    """

    total: Tensor
    parts: Mapping[str, Tensor]


def label_counts(labels: Mapping[str, Tensor]) -> dict[str, int]:
    """Labels of each task in the batch that are not `MISSING`."""
    if not labels:
        return {}
    counts = torch.stack([(values != MISSING).sum() for values in labels.values()]).tolist()
    return dict(zip(labels, counts, strict=True))


def task_weights(labels: Mapping[str, Tensor], plan: LossPlan | None = None) -> dict[str, float]:
    r"""How strongly each task moves the backbone in this batch.

    .. math:: w_k = c_k N_k / \sum_j c_j N_j

    with the importance :math:`c_k` (1 in the paper). For the paper's two tasks,
    :math:`w = (1 - \omega, \omega)`.

    Args:
        labels: task name to ``(B,)`` class positions, `MISSING` where unknown.
        plan: the losses' plan; the paper's where ``None``.

    Returns:
        task name to weight, and ``lesions`` to the weight of the auxiliary map.

    Examples:
        >>> sick = torch.tensor([0, 1, 2, 2])
        >>> stage = torch.tensor([MISSING, MISSING, 1, 3])
        >>> task_weights({"differential": sick, "stage": stage})["stage"]
        0.3333333333333333
    """
    plan = plan or LossPlan()
    importance = {name: plan.importance.get(name, 1.0) for name in labels}
    auxiliary = {AUXILIARY: plan.lesions}
    if plan.weighting == "plain_sum":
        return importance | auxiliary
    shares = {name: importance[name] * count for name, count in label_counts(labels).items()}
    whole = sum(shares.values())
    return {name: share / whole if whole else 0.0 for name, share in shares.items()} | auxiliary


def soft_labels(labels: Tensor, classes: int, spread: float) -> Tensor:
    r"""Distributions around the true class: :math:`q_j \propto \exp(-(j - y)^2 / 2 s^2)`.

    Args:
        labels: ``(N,)`` class positions, none missing.
        classes: number of classes.
        spread: standard deviation s in classes; 0 gives one-hot rows.

    Returns:
        ``(N, classes)``, rows sum to 1.
    """
    if spread == 0:
        return functional.one_hot(labels, classes).float()
    distance = torch.arange(classes, device=labels.device)[None] - labels[:, None]
    return torch.softmax(-(distance.float() ** 2) / (2 * spread**2), dim=1)


def masked_cross_entropy(logits: Tensor, labels: Tensor, spread: float = 0.0) -> Tensor | None:
    """Mean cross-entropy over the labelled images of a batch, ``None`` where there is none.

    Args:
        logits: ``(B, classes)``.
        labels: ``(B,)`` class positions or `MISSING`.
        spread: standard deviation of soft labels in classes; 0 for one-hot.

    Returns:
        A number in float32 or better, or ``None``: no loss, so no gradient at all and never a division by zero.
    """
    present = labels != MISSING
    if not bool(present.any()):
        return None
    chosen, truth = _single(logits[present]), labels[present]
    if spread == 0:
        return functional.cross_entropy(chosen, truth)
    return functional.cross_entropy(chosen, soft_labels(truth, logits.shape[1], spread).to(chosen))


def _single(logits: Tensor) -> Tensor:
    """Half precision is too coarse for a loss; anything finer stays as it is."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def lesion_map_loss(
    maps: Tensor, shares: Tensor, known: Tensor, kind: LesionLoss = "bce"
) -> Tensor | None:
    """How far the predicted lesion map is from the shares of lesion pixels per cell.

    Args:
        maps: ``(B, 3, h, w)`` logits.
        shares: ``(B, 3, H, W)`` in 0..1, from `konio.prepare.lesion_shares`, on the grid of the maps or a
            finer one whose cells theirs are made of.
        known: ``(B,)`` bool, whether the case has a lesion map.
        kind: ``bce`` on logits, or ``smooth_l1`` on their sigmoid.

    Returns:
        The mean over known cases, ``None`` where there is none.
    """
    if not bool(known.any()):
        return None
    chosen = _single(maps[known])
    truth = functional.adaptive_avg_pool2d(
        shares[known].to(chosen.dtype), (chosen.shape[2], chosen.shape[3])
    )
    if kind == "bce":
        return functional.binary_cross_entropy_with_logits(chosen, truth)
    return functional.smooth_l1_loss(chosen.sigmoid(), truth, beta=0.1)


def multi_task_loss(
    answers: Mapping[str, Tensor],
    labels: Mapping[str, Tensor],
    tasks: TaskSet,
    plan: LossPlan | None = None,
    lesions: tuple[Tensor, Tensor] | None = None,
) -> Losses:
    """All losses of a batch and their sum.

    The weights of the backbone are not here but in the network's forward pass (`task_weights`), so that
    each head sees its own loss unscaled.

    Args:
        answers: what the network returned.
        labels: task name to ``(B,)`` class positions or `MISSING`.
        tasks: the questions.
        plan: the losses' plan; the paper's where ``None``.
        lesions: shares ``(B, 3, H, W)`` and known ``(B,)`` for the auxiliary maps, if there are any.

    Raises:
        UsageError: if a task has no answer.
    """
    plan = plan or LossPlan()
    absent = [task.name for task in tasks if task.name not in answers]
    if absent:
        raise UsageError(f"no answers for {absent}; give what the network returned")
    parts: dict[str, Tensor] = {}
    for task in tasks:
        if task.name not in labels:
            continue
        spread = plan.ordinal_spread if task.ordered else 0.0
        part = masked_cross_entropy(answers[task.name], labels[task.name], spread)
        if part is not None:
            parts[task.name] = part
    if lesions is not None and plan.lesions > 0:
        for name in (name for name in answers if name.startswith(AUXILIARY)):
            part = lesion_map_loss(answers[name], *lesions, kind=plan.lesion_loss)
            if part is not None:
                parts[name] = part
    if not parts:
        return Losses(torch.zeros((), requires_grad=True), parts)
    return Losses(torch.stack(list(parts.values())).sum(), parts)
