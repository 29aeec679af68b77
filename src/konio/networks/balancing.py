r"""Who moves the shared network how strongly: four ways to weigh the losses of several questions.

Every way is a module with one contract (`Balance`): ``total`` joins the losses of a batch, ``weights`` tells the
factors, which sum to the number of questions K, ``end_epoch`` lets it think. Its state travels in ``state_dict``, so a
run that was stopped goes on with the same factors. A question without a label in a batch has no loss there.

References:
    Paper C, equations 4 and 5 (dynamic weight averaging, after Liu et al., CVPR 2019); Chen et al., GradNorm, ICML
    2018; Kendall et al., CVPR 2018; dossier 4.3 B4, B5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from konio.errors import RecordError, UsageError


@dataclass(frozen=True, slots=True)
class BalancePlan:
    """Which way, and its one number.

    Args:
        kind: a key of `BALANCES`.
        temperature: of ``dwa``; large makes the weights equal (paper C gives none, Liu et al. take 2).
        restoring: of ``gradnorm``: how strongly questions that lag behind are helped (alpha; Chen et al. 1.5).

    Raises:
        RecordError: on an unknown kind or a number out of range.
    """

    kind: str = "dwa"
    temperature: float = 2.0
    restoring: float = 1.5

    def __post_init__(self) -> None:
        if self.kind not in BALANCES or self.temperature <= 0 or self.restoring < 0:
            raise RecordError(
                f"a balance is one of {list(BALANCES)} with temperature > 0 and restoring >= 0, got {self}; "
                "correct it"
            )


class Balance(nn.Module):
    """Equal weights, and the contract of every other way.

    Args:
        tasks: names of the questions, in order.
        plan: the way's number.

    Raises:
        RecordError: without a question.
    """

    def __init__(self, tasks: Sequence[str], plan: BalancePlan) -> None:
        super().__init__()
        if not tasks:
            raise RecordError("a balance needs at least one question; name them")
        self.tasks = tuple(tasks)
        self.plan = plan

    def weights(self) -> Tensor:
        """Factors now, ``(K,)``; they sum to K."""
        return torch.ones(len(self.tasks))

    def total(
        self,
        losses: Mapping[str, Tensor],
        counts: Mapping[str, int],
        shared: Sequence[Tensor] = (),
    ) -> Tensor:
        """One number to go back from.

        Args:
            losses: question to its mean loss; questions without a label are absent.
            counts: question to its labels in the batch.
            shared: weights of the last layer that all questions share, for the ways that look at gradients.

        Raises:
            UsageError: if a loss belongs to no question of this balance.
        """
        strangers = sorted(set(losses) - set(self.tasks))
        if strangers:
            raise UsageError(f"losses of {strangers} belong to no question; known: {self.tasks}")
        if not losses:
            return torch.zeros((), requires_grad=True)
        return self._join(losses, counts, shared)

    def end_epoch(self) -> None:
        """Called once when an epoch is over."""

    def _join(
        self, losses: Mapping[str, Tensor], counts: Mapping[str, int], shared: Sequence[Tensor]
    ) -> Tensor:
        return self._weighted(losses, self.weights())

    def _weighted(self, losses: Mapping[str, Tensor], weights: Tensor) -> Tensor:
        factors = dict(zip(self.tasks, weights, strict=True))
        parts = [factors[name].to(loss.device) * loss for name, loss in losses.items()]
        return torch.stack(parts).sum()


class DynamicAverage(Balance):
    r"""Questions whose loss falls slowly get more weight.

    .. math:: \omega_i(t-1) = \frac{L_i(t-1)}{L_i(t-2)}, \quad
              \lambda_i(t) = K \frac{\exp(\omega_i(t-1) / T)}{\sum_j \exp(\omega_j(t-1) / T)}

    with :math:`L_i(t)` the mean over the labels that epoch t saw (paper C writes K = 9). All are 1 in the first two
    epochs. A question without a label in an epoch keeps its loss of the epoch before; where the earlier loss is 0 or
    was never seen, its :math:`\omega` is 1.
    """

    def __init__(self, tasks: Sequence[str], plan: BalancePlan) -> None:
        super().__init__(tasks, plan)
        count = len(self.tasks)
        self.summed: Tensor
        self.seen: Tensor
        self.history: Tensor
        self.epochs: Tensor
        self.register_buffer("summed", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(count, dtype=torch.float64))
        # Mean losses of the last two epochs, the newest last; NaN where never seen.
        self.register_buffer("history", torch.full((2, count), torch.nan, dtype=torch.float64))
        self.register_buffer("epochs", torch.zeros((), dtype=torch.int64))

    def weights(self) -> Tensor:
        """Factors of the epoch in progress, ``(K,)``."""
        if int(self.epochs) < 2:
            return torch.ones(len(self.tasks))
        before, last = self.history
        usable = torch.isfinite(before) & torch.isfinite(last) & (before > 0)
        pace = torch.where(usable, last / torch.where(usable, before, 1.0), 1.0)
        shares = torch.softmax(pace / self.plan.temperature, dim=0)
        return (len(self.tasks) * shares).float()

    def end_epoch(self) -> None:
        """Take the epoch's mean losses into the history."""
        carried = self.history[1]
        mean = torch.where(self.seen > 0, self.summed / self.seen.clamp_min(1), carried)
        self.history = torch.stack((carried, mean))
        self.summed = torch.zeros_like(self.summed)
        self.seen = torch.zeros_like(self.seen)
        self.epochs = self.epochs + 1

    def _join(
        self, losses: Mapping[str, Tensor], counts: Mapping[str, int], shared: Sequence[Tensor]
    ) -> Tensor:
        for name, loss in losses.items():
            place = self.tasks.index(name)
            self.summed[place] += float(loss.detach()) * counts[name]
            self.seen[place] += counts[name]
        return self._weighted(losses, self.weights())


class GradientNorm(Balance):
    r"""Questions move the shared layer by amounts that follow how far each has learned.

    .. math:: L_{grad} = \sum_i | \lambda_i n_i - \bar G r_i^\alpha |, \quad n_i = \| \nabla_W L_i \|, \quad
              r_i = \frac{L_i / L_i(0)}{\mathrm{mean}_j L_j / L_j(0)}

    with :math:`\bar G` the mean of :math:`\lambda_i n_i`; it moves the factors only. They are K times a softmax of
    free numbers, which keeps them positive and their sum K where the original divides after each step.
    """

    def __init__(self, tasks: Sequence[str], plan: BalancePlan) -> None:
        super().__init__(tasks, plan)
        self.free = nn.Parameter(torch.zeros(len(self.tasks)))
        self.first: Tensor
        self.register_buffer("first", torch.full((len(self.tasks),), torch.nan))

    def weights(self) -> Tensor:
        """Factors now, ``(K,)``."""
        return len(self.tasks) * torch.softmax(self.free, dim=0)

    def _join(
        self, losses: Mapping[str, Tensor], counts: Mapping[str, int], shared: Sequence[Tensor]
    ) -> Tensor:
        weights = self.weights()
        total = self._weighted(losses, weights.detach())
        learning = [parameter for parameter in shared if parameter.requires_grad]
        if not learning or not torch.is_grad_enabled():
            return total
        norms = torch.stack(
            [
                torch.cat(
                    [g.flatten() for g in torch.autograd.grad(loss, learning, retain_graph=True)]
                )
                .norm()
                .detach()
                for loss in losses.values()
            ]
        )
        places = [self.tasks.index(name) for name in losses]
        now = torch.stack([loss.detach() for loss in losses.values()]).to(self.first)
        self.first[places] = torch.where(torch.isnan(self.first[places]), now, self.first[places])
        pace = now / self.first[places].clamp_min(1e-12)
        pace = pace / pace.mean().clamp_min(1e-12)
        moved = weights[places] * norms
        wanted = (moved.mean() * pace**self.plan.restoring).detach()
        return total + (moved - wanted).abs().sum()


class Uncertainty(Balance):
    r"""Noisy questions get less weight; how noisy each is is learned with everything else.

    .. math:: L = \sum_i e^{-s_i} L_i + s_i / 2, \quad s_i = \log \sigma_i^2

    for losses that are half a mean square, as paper C's equation 3 is. `weights` tells :math:`e^{-s_i}` scaled to the
    sum K.
    """

    def __init__(self, tasks: Sequence[str], plan: BalancePlan) -> None:
        super().__init__(tasks, plan)
        self.log_variance = nn.Parameter(torch.zeros(len(self.tasks)))

    def weights(self) -> Tensor:
        """Factors now, ``(K,)``."""
        return len(self.tasks) * torch.softmax(-self.log_variance, dim=0)

    def _join(
        self, losses: Mapping[str, Tensor], counts: Mapping[str, int], shared: Sequence[Tensor]
    ) -> Tensor:
        places = [self.tasks.index(name) for name in losses]
        noise = self.log_variance[places]
        stacked = torch.stack(tuple(losses.values()))
        return (torch.exp(-noise) * stacked + noise / 2).sum()


#: The ways by name.
BALANCES: Final[Mapping[str, Callable[[Sequence[str], BalancePlan], Balance]]] = MappingProxyType(
    {
        "equal": Balance,
        "dwa": DynamicAverage,
        "gradnorm": GradientNorm,
        "uncertainty": Uncertainty,
    }
)


def build_balance(tasks: Sequence[str], plan: BalancePlan) -> Balance:
    """The balance of a plan."""
    return BALANCES[plan.kind](tasks, plan)
