r"""Losses of one question under imbalance, in one registry.

Each takes logits ``(B, K)`` and class positions ``(B,)`` and gives a number that is not negative and falls when the
true class gains. Adding one is one function and one line in `CLASS_LOSSES`; a contract test runs them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from konio.errors import RecordError
from konio.networks.costs import CostMatrix, normalised


@dataclass(frozen=True, slots=True)
class ClassLossPlan:
    """Which loss, with which numbers.

    Args:
        kind: a key of `CLASS_LOSSES`.
        penalties: one per class, for ``class-penalty``; brought to mean 1.
        costs: for ``expected-cost``; brought to a mean error of 1.

    Raises:
        RecordError: on an unknown kind, or numbers missing, left over or out of range.
    """

    kind: str = "cross-entropy"
    penalties: tuple[float, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in CLASS_LOSSES:
            raise RecordError(
                f"loss {self.kind!r} is unknown; use one of {', '.join(CLASS_LOSSES)}"
            )
        needs = CLASS_LOSSES[self.kind].needs
        given = {"penalties": self.penalties, "costs": self.costs}
        wrong = [name for name, value in given.items() if bool(value) != (name == needs)]
        if wrong:
            raise RecordError(
                f"loss {self.kind!r} takes {needs or 'no numbers'}, but {' and '.join(wrong)} "
                f"{'is missing' if needs in wrong else 'is given too'}; correct the loss"
            )
        if self.penalties:
            normalised(self.penalties)
        if self.costs:
            object.__setattr__(self, "costs", CostMatrix(self.costs).values)

    @property
    def classes(self) -> int | None:
        """Number of classes the numbers are for; ``None`` where there are none."""
        return len(self.penalties or self.costs) or None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            logits: ``(B, K)``, B of 1 or more.
            labels: ``(B,)`` class positions, none missing.

        Raises:
            RecordError: if the numbers are for another K.
        """
        if self.classes not in (None, logits.shape[1]):
            raise RecordError(
                f"loss {self.kind!r} has numbers for {self.classes} classes and the network answers "
                f"{logits.shape[1]}; give one for each"
            )
        exact = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        return CLASS_LOSSES[self.kind].cost(exact, labels, self)


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """One loss.

    Args:
        cost: the function itself.
        needs: which of the plan's numbers it takes, or nothing.
    """

    cost: Callable[[Tensor, Tensor, ClassLossPlan], Tensor]
    needs: str = ""


def _cross_entropy(logits: Tensor, labels: Tensor, plan: ClassLossPlan) -> Tensor:
    return functional.cross_entropy(logits, labels)


def _class_penalty(logits: Tensor, labels: Tensor, plan: ClassLossPlan) -> Tensor:
    """Cross-entropy times the penalty of the true class, the thesis' practice."""
    weights = logits.new_tensor(normalised(plan.penalties))
    each = functional.cross_entropy(logits, labels, reduction="none")
    return (weights[labels] * each).mean()


def _expected_cost(logits: Tensor, labels: Tensor, plan: ClassLossPlan) -> Tensor:
    r"""Mean of :math:`\sum_k C(y, k) p_k`, the thesis' theory (equations 2.6 and 2.7)."""
    costs = torch.as_tensor(CostMatrix(plan.costs).scaled()).to(logits)
    return (costs[labels] * logits.softmax(dim=1)).sum(dim=1).mean()


#: Losses by name.
CLASS_LOSSES: Final[Mapping[str, ClassLoss]] = MappingProxyType(
    {
        "cross-entropy": ClassLoss(_cross_entropy),
        "class-penalty": ClassLoss(_class_penalty, "penalties"),
        "expected-cost": ClassLoss(_expected_cost, "costs"),
    }
)
