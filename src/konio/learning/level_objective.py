"""What one level of a staging network is asked, and how its answers are judged (paper B)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio import metrics
from konio.hierarchy.network import FastLevel
from konio.learning.batches import Batch
from konio.learning.objective import Cost
from konio.learning.views import View, view
from konio.networks.class_losses import ClassLossPlan
from konio.prepare.crops import CropPlan

#: Crops that go through a network together when many films are looked at: more would only cost memory.
_AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True)
class LevelObjective:
    """One question of a base classifier, asked in training of one random crop and afterwards of all test crops.

    Args:
        classes: how many answers.
        loss: how an error counts.
        crops: the test crops.
    """

    classes: int
    loss: ClassLossPlan
    crops: CropPlan

    @property
    def outputs(self) -> int:
        """One number per class."""
        return self.classes

    @property
    def balance(self) -> None:
        """Nothing is learned beside the network."""
        return

    def view(self, batch: Batch, size: int) -> View:
        """Moved and cropped films."""
        return view(batch, size)

    def cost(
        self, network: nn.Module, view: View, labels: Tensor, known: Tensor, windowed: bool
    ) -> Cost:
        """The level's loss; a crop is shown with the label of its film, as in the thesis."""
        loss = self.loss(network(view.image), labels[:, 0])
        return Cost(loss, {"stage": loss})

    def answer(self, network: Callable[..., Any], view: View) -> Tensor:
        """Logarithms of the mean probabilities over all crops, ``(B, classes)``.

        A `FastLevel` shares first layers among the crops where their plan says so.
        """
        if isinstance(network, FastLevel):
            return self._logarithm(network.over(view.image, self.crops))
        parts = self.crops.cut(view.image).split(_AT_ONCE)  # type: ignore[no-untyped-call]
        return self._logarithm(torch.cat([network(part) for part in parts]))

    def _logarithm(self, logits: Tensor) -> Tensor:
        merged: Tensor = self.crops.merge(logits)
        return merged.clamp_min(torch.finfo(merged.dtype).tiny).log()

    def judge(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
        """Loss, accuracy and macro-recall."""
        truth = labels[:, 0]
        matrix = metrics.confusion(truth, logits.argmax(axis=1), self.classes)
        return {
            "loss": metrics.log_loss(logits, truth),
            "accuracy": metrics.accuracy(matrix),
            "macro_recall": metrics.macro_recall(matrix),
        }
