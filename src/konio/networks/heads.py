"""Two fully connected layers with dropout between them: how one question is answered."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TaskHead(nn.Module):
    """fc1 - ReLU - dropout - fc2.

    Args:
        features: length of the pooled vector.
        hidden: width between the layers.
        classes: number of answers.
        dropout: share of hidden units dropped in training.
        generator: source of the first weights; torch's own where ``None``.

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
    ) -> None:
        super().__init__()
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
        logits: Tensor = self.fc2(self.dropout(functional.relu(self.fc1(pooled))))
        return logits

    def slope(self, pooled: Tensor, chosen: Tensor) -> Tensor:
        r"""Derivative of one logit per image with respect to the pooled vector, dropout left out.

        .. math:: \partial y_k / \partial p = W_1^T (w_{2,k} \odot [W_1 p + b_1 > 0])

        Args:
            pooled: ``(B, features)``.
            chosen: ``(B,)`` class positions k.

        Returns:
            ``(B, features)``.
        """
        awake = self.fc2.weight[chosen] * (self.fc1(pooled) > 0)  # (B, hidden)
        slope: Tensor = awake @ self.fc1.weight
        return slope
