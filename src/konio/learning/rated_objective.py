"""The questions about a nodule as an objective: readings instead of one label, and a balance between the questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio import metrics
from konio.learning.objective import Cost
from konio.learning.views import View
from konio.networks.balancing import Balance
from konio.networks.nodule import NoduleNetwork
from konio.networks.rated import RatedLoss, class_logits, middle, rated_losses, score, threshold
from konio.tasks import MISSING, Task, TaskSet


@dataclass(frozen=True, slots=True, eq=False)
class RatedQuestions:
    """Paper C's objective, for any questions.

    Args:
        tasks: the questions, in the order of the network's answers.
        loss: of each question.
        balance: joins the losses; its state is part of the run's.
        importance: question to a factor on its loss; 1 where not named.
    """

    tasks: TaskSet
    loss: RatedLoss
    balance: Balance
    importance: Mapping[str, float] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Grades of all questions together."""
        return sum(len(task) for task in self.tasks)

    def cost(
        self, network: nn.Module, view: View, labels: Tensor, known: Tensor, windowed: bool
    ) -> Cost:
        """Each question by its own loss, joined by the balance."""
        votes, classes = self._columns(labels)
        answers = network(view.image)
        losses, counts = rated_losses(answers, votes, classes, self.tasks, self.loss)
        weighed = {name: loss * self.importance.get(name, 1.0) for name, loss in losses.items()}
        shared = network.shared() if isinstance(network, NoduleNetwork) else ()
        return Cost(self.balance.total(weighed, counts, shared), losses)

    def answer(self, network: Callable[..., Any], view: View) -> Tensor:
        """Logits of every question, one after the other."""
        answers = network(view.image)
        return torch.cat([answers[name].float() for name in self.tasks.names], dim=1)

    def split(self, logits: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Question to ``(n, K)`` from what `answer` gave, or from the votes of a table."""
        ends = np.cumsum([len(task) for task in self.tasks])
        parts = np.split(logits[:, : self.outputs], ends[:-1], axis=1)
        return dict(zip(self.tasks.names, parts, strict=True))

    def judge(self, logits: NDArray[np.float32], labels: NDArray[Any]) -> dict[str, float]:
        """Loss, and for every question with both classes accuracy, balanced accuracy and AUC."""
        votes = self.split(np.asarray(labels, np.float32))
        classes = labels[:, self.outputs :].astype(np.int64)
        scores: dict[str, float] = {}
        losses = []
        for column, (task, own) in enumerate(
            zip(self.tasks, self.split(logits).values(), strict=True)
        ):
            loss, count = self.loss.of(
                task,
                torch.from_numpy(own),
                torch.from_numpy(votes[task.name]),
                torch.from_numpy(classes[:, column]),
            )
            if count:
                losses.append(loss.item())
            scores |= {
                f"{task.name}/{name}": value
                for name, value in judged(task, own, classes[:, column], self.loss).items()
            }
        return scores | {"loss": float(np.mean(losses)) if losses else 0.0}

    def _columns(self, table: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        sizes = [len(task) for task in self.tasks]
        votes = torch.split(table[:, : self.outputs], sizes, dim=1)
        classes = table[:, self.outputs :].long().unbind(dim=1)
        names = self.tasks.names
        return dict(zip(names, votes, strict=True)), dict(zip(names, classes, strict=True))


def scores_of(task: Task, logits: NDArray[Any], loss: RatedLoss) -> NDArray[np.float64]:
    """One number in 0..1 for each nodule, higher for the upper class, as the loss reads the answer.

    Trained on classes it is the upper class' probability among two classes, otherwise the mean grade.
    """
    tensor = torch.from_numpy(np.asarray(logits, np.float32)).double()
    if loss.kind == "classes":
        return np.asarray(class_logits(task, tensor, 2).softmax(dim=1)[:, 1].numpy(), np.float64)
    return np.asarray(score(task, tensor.softmax(dim=1)).numpy(), np.float64)


def class_count(task: Task, loss: RatedLoss) -> int:
    """2 or 3 classes; calcification and diameter always have two."""
    return loss.classes if task.ordered and task.name != "diameter" else 2


def called(task: Task, logits: NDArray[Any], loss: RatedLoss) -> NDArray[np.int64]:
    """The class that is answered, ``(n,)``."""
    if loss.kind == "classes":
        tensor = torch.from_numpy(np.asarray(logits, np.float32))
        return np.asarray(
            class_logits(task, tensor, class_count(task, loss)).argmax(dim=1).numpy(), np.int64
        )
    found = scores_of(task, logits, loss)
    if class_count(task, loss) == 3:
        return np.digitize(found, middle(task)).astype(np.int64)
    return (found > threshold(task)).astype(np.int64)


def judged(
    task: Task, logits: NDArray[Any], classes: NDArray[np.int64], loss: RatedLoss
) -> dict[str, float]:
    """Accuracy, balanced accuracy and, for two classes, AUC of one question; nothing where a class is absent."""
    present = classes != MISSING
    truth = classes[present]
    if len(np.unique(truth)) < 2:
        return {}
    matrix = metrics.confusion(truth, called(task, logits, loss)[present], class_count(task, loss))
    found = {
        "accuracy": metrics.accuracy(matrix),
        "balanced_accuracy": metrics.balanced_accuracy(matrix),
    }
    if class_count(task, loss) == 2:
        found["auc"] = metrics.roc_auc(truth, scores_of(task, logits, loss)[present])
    return found
