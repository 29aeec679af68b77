"""What is learned: the multi-task questions of a radiograph, or the fourteen findings of ChestX-ray14.

Both kinds have one shape (`Objective`), so that one training module runs either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from konio import metrics
from konio.learning.views import View, visible_labels
from konio.networks.densenet import DenseNet
from konio.networks.losses import LossPlan, multi_task_loss, task_weights
from konio.tasks import MISSING, Task, TaskSet


@dataclass(frozen=True, slots=True)
class Cost:
    """What one batch costs: ``total`` to go back from, and each part by name."""

    total: Tensor
    parts: Mapping[str, Tensor]


class Objective(Protocol):
    """How a network is judged, in training and afterwards."""

    @property
    def outputs(self) -> int:
        """Numbers that `answer` gives for one film."""

    def cost(
        self, network: nn.Module, view: View, labels: Tensor, known: Tensor, windowed: bool
    ) -> Cost:
        """The loss of a batch; ``known`` says whose lesions are known."""

    def answer(self, network: Callable[..., Any], view: View) -> Tensor:
        """Logits of all questions side by side, ``(B, outputs)`` float32."""

    def judge(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
        """Scores of many films by name; ``loss`` is always among them."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The multi-task objective of paper A, for any tasks.

    Args:
        tasks: the questions in the order of the labels' columns.
        plan: how their losses are joined.
    """

    tasks: TaskSet
    plan: LossPlan

    @property
    def outputs(self) -> int:
        """Classes of all tasks together."""
        return sum(len(task) for task in self.tasks)

    def cost(
        self, network: nn.Module, view: View, labels: Tensor, known: Tensor, windowed: bool
    ) -> Cost:
        """Each head by its own loss, the backbone by their weighted sum."""
        columns = self._columns(visible_labels(labels, view.seen, self.tasks, windowed))
        answers = network(view.image, view.zones, weights=task_weights(columns, self.plan))
        losses = multi_task_loss(
            answers, columns, self.tasks, self.plan, lesions=(view.lesions, known)
        )
        return Cost(losses.total, losses.parts)

    def answer(self, network: Callable[..., Any], view: View) -> Tensor:
        """Logits of every task, one after the other."""
        answers = network(view.image, view.zones)
        return torch.cat([answers[name].float() for name in self.tasks.names], dim=1)

    def split(self, logits: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Task name to ``(N, classes)`` from what `answer` gave."""
        ends = np.cumsum([len(task) for task in self.tasks])[:-1]
        return dict(zip(self.tasks.names, np.split(logits, ends, axis=1), strict=True))

    def judge(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
        """Loss, accuracy and, for ordered questions, kappa of every task that has labels."""
        scores: dict[str, float] = {}
        losses = []
        for column, (task, own) in enumerate(
            zip(self.tasks, self.split(logits).values(), strict=True)
        ):
            truth = labels[:, column]
            present = truth != MISSING
            if not present.any():
                continue
            found = _scores(task, own[present], truth[present])
            losses.append(found["loss"])
            scores |= {f"{task.name}/{name}": value for name, value in found.items()}
        scores["loss"] = float(np.mean(losses)) if losses else 0.0
        return scores

    def _columns(self, labels: Tensor) -> dict[str, Tensor]:
        return {name: labels[:, column] for column, name in enumerate(self.tasks.names)}


def _scores(task: Task, logits: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, float]:
    matrix = metrics.confusion(truth, logits.argmax(axis=1), len(task))
    scores = {"loss": metrics.log_loss(logits, truth), "accuracy": metrics.accuracy(matrix)}
    if task.ordered:
        scores["kappa"] = metrics.quadratic_weighted_kappa(matrix)
        scores["mae"] = metrics.ordinal_mae(matrix)
    return scores


class FindingsNetwork(nn.Module):
    """CheXNet's shape: a DenseNet, its mean feature, one logit per finding.

    The keys are torchvision's with one more input channel choice: ``features.*`` and ``classifier.*``.

    Args:
        backbone: the DenseNet.
        findings: how many.

    References:
        Rajpurkar et al., CheXNet, 2017, section 2.
    """

    def __init__(self, backbone: DenseNet, findings: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Linear(backbone.out_channels, findings)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to logits ``(B, findings)``."""
        maps = self.backbone(image.expand(-1, self.backbone.in_channels, -1, -1))
        logits: Tensor = self.classifier(maps.mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True, slots=True)
class Findings:
    """Fourteen independent yes-or-no labels (ChestX-ray14).

    Args:
        names: of the findings.
    """

    names: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """One number per finding."""
        return len(self.names)

    def cost(
        self, network: nn.Module, view: View, labels: Tensor, known: Tensor, windowed: bool
    ) -> Cost:
        """Mean binary cross-entropy over films and findings."""
        logits = network(view.image).float()
        loss = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return Cost(loss, {"findings": loss})

    def answer(self, network: Callable[..., Any], view: View) -> Tensor:
        """Logits of the findings."""
        logits: Tensor = network(view.image)
        return logits.float()

    def judge(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
        """Loss, and the area under the ROC curve of every finding that is there and is not everywhere."""
        loss = functional.binary_cross_entropy_with_logits(
            torch.from_numpy(logits), torch.from_numpy(labels).float()
        )
        areas = {
            f"{name}/auc": metrics.roc_auc(labels[:, i], logits[:, i])
            for i, name in enumerate(self.names)
            if 0 < labels[:, i].sum() < len(labels)
        }
        mean = {"auc": float(np.mean(list(areas.values())))} if areas else {}
        return {"loss": float(loss), **mean, **areas}


def build_findings_network(
    backbone: DenseNet, findings: int, generator: torch.Generator
) -> FindingsNetwork:
    """A findings network whose last layer is drawn from the generator."""
    network = FindingsNetwork(backbone, findings)
    nn.init.normal_(network.classifier.weight, std=0.01, generator=generator)
    nn.init.zeros_(network.classifier.bias)
    return network
