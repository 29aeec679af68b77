"""Two fully connected layers with dropout between them: how one question is answered."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Least share of a batch in the running statistics; the first batches weigh all alike.
_SLOWEST: Final = 0.01
#: Added to the variance: a channel that hardly moves is not blown up.
_LEAST_VARIANCE: Final = 1e-4


class Standardise(nn.Module):
    """Pooled features less their mean, over their standard deviation, by running statistics.

    A pooled feature is a large mean with a small difference between films on top, and that difference is the
    answer; a layer that begins without knowing it needs thousands of steps to find it. The statistics of the
    batch are never used, in training neither: eight films say little about all, and what they have in
    common would be lost. `TaskHead.plain` makes it part of the first layer, so a finished head has none.

    Args:
        features: length of the pooled vector.
    """

    mean: Tensor
    variance: Tensor
    seen: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    @property
    def scale(self) -> Tensor:
        """``(features,)`` what a feature is multiplied with."""
        return (self.variance + _LEAST_VARIANCE).rsqrt()

    def forward(self, pooled: Tensor) -> Tensor:
        """``(B, features)`` to the same in float32."""
        single = pooled.float()
        if self.training:
            self._follow(single.detach())
        return (single - self.mean) * self.scale

    @torch.no_grad()
    def _follow(self, pooled: Tensor) -> None:
        self.seen += 1
        share = torch.clamp_min(1 / self.seen, _SLOWEST)
        apart = pooled.mean(dim=0) - self.mean
        spread = pooled.var(dim=0, correction=0) + (1 - share) * apart**2
        self.mean += share * apart
        self.variance += share * (spread - self.variance)


@torch.no_grad()
def work_in(layer: nn.Linear, mean: Tensor, scale: Tensor) -> None:
    """Change a layer that learned from ``(x - mean) * scale`` so that it says the same of ``x``.

    Args:
        layer: changed in place.
        mean: ``(in_features,)``.
        scale: ``(in_features,)``.
    """
    weight = layer.weight.double() * scale.double()
    layer.bias.copy_(layer.bias.double() - weight @ mean.double())
    layer.weight.copy_(weight)


class TaskHead(nn.Module):
    """fc1 - ReLU - dropout - fc2, after `Standardise` where asked for.

    Args:
        features: length of the pooled vector.
        hidden: width between the layers.
        classes: number of answers.
        dropout: share of hidden units dropped in training.
        generator: source of the first weights; torch's own where ``None``.
        standardise: see the pooled vector through `Standardise`.

    References:
        Paper A, section 1.3: two fully connected layers with dropout between. The activation is not
        given there; ReLU keeps Grad-CAM in closed form.
    """

    def __init__(
        self,
        features: int,
        hidden: int,
        classes: int,
        dropout: float,
        generator: torch.Generator | None = None,
        *,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        self.standard = Standardise(features) if standardise else None
        self.fc1 = nn.Linear(features, hidden)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, classes)
        nn.init.kaiming_uniform_(self.fc1.weight, nonlinearity="relu", generator=generator)
        # A new head answers "I do not know": all classes alike, so that the first steps move the backbone
        # by what is on the film and not by the accident of the first weights.
        nn.init.normal_(self.fc2.weight, std=0.01, generator=generator)
        for layer in (self.fc1, self.fc2):
            nn.init.zeros_(layer.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """``(B, features)`` to logits ``(B, classes)``."""
        logits: Tensor = self.fc2(self.dropout(functional.relu(self.fc1(self._seen(pooled)))))
        return logits

    def _seen(self, pooled: Tensor) -> Tensor:
        return pooled if self.standard is None else self.standard(pooled)

    @torch.no_grad()
    def plain(self) -> TaskHead:
        """The same head with its standardisation worked into the first layer; itself if it has none."""
        if self.standard is None:
            return self
        hidden, features = self.fc1.weight.shape
        plain = TaskHead(features, hidden, len(self.fc2.bias), self.dropout.p)
        plain.fc1.load_state_dict(self.fc1.state_dict())
        plain.fc2.load_state_dict(self.fc2.state_dict())
        work_in(plain.fc1, self.standard.mean, self.standard.scale)
        return plain.train(self.training)

    def slope(self, pooled: Tensor, chosen: Tensor) -> Tensor:
        r"""Derivative of one logit per image with respect to the pooled vector, dropout left out.

        .. math:: \partial y_k / \partial p = W_1^T (w_{2,k} \odot [W_1 p + b_1 > 0])

        Args:
            pooled: ``(B, features)``.
            chosen: ``(B,)`` class positions k.

        Returns:
            ``(B, features)``.
        """
        awake = self.fc2.weight[chosen] * (self.fc1(self._seen(pooled)) > 0)  # (B, hidden)
        slope: Tensor = awake @ self.fc1.weight
        return slope if self.standard is None else slope * self.standard.scale
