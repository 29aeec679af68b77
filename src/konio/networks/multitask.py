"""One backbone, one head per question (paper A, figure 1), for any number of questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from konio.networks.densenet import DenseNet
from konio.networks.folded import FoldedDenseNet
from konio.networks.heads import TaskHead
from konio.networks.losses import AUXILIARY, scale_gradient
from konio.networks.plan import BACKBONES, NetworkPlan
from konio.networks.pooling import Pooled, pooled_width
from konio.tasks import ZONES, Task

#: What the auxiliary map predicts per cell: shares of these pixel values of a lesion map, 1, 2, 3.
LESION_KINDS: Final = ("small opacity", "large opacity", "tuberculosis")


class DeepHead(nn.Sequential):
    """Lesion map from the output of a dense block: norm - ReLU - conv (1x1).

    Lesions of a few pixels are told in the first blocks; a head there teaches them from the first step on,
    instead of through a hundred layers.

    Args:
        channels: of the block's output.

    References:
        Lee et al., Deeply-supervised nets, AISTATS 2015, section 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, len(LESION_KINDS), 1),
        )


class MultiTaskNetwork(nn.Module):
    """Answers all its tasks from one feature map.

    Args:
        plan: what it is made of.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        plan: as given.
        tasks: the questions, in order.
        backbone: the network up to the feature map.
    """

    def __init__(self, plan: NetworkPlan, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.tasks = plan.task_set
        self.backbone = DenseNet(BACKBONES[plan.backbone], plan.in_channels, generator)
        channels = self.backbone.out_channels
        self.heads = nn.ModuleDict()
        for task in self.tasks:
            if plan.head_of(task) not in self.heads:
                width = pooled_width(plan.pooling[task.name], channels)
                self.heads[plan.head_of(task)] = TaskHead(
                    width,
                    plan.hidden,
                    len(task),
                    plan.dropout,
                    generator,
                    standardise=plan.standardise,
                )
        self.lesions = nn.Conv2d(channels, len(LESION_KINDS), 1) if plan.auxiliary else None
        self.deep = nn.ModuleDict()
        for block in plan.deep:
            self.deep[str(block)] = DeepHead(self.backbone.block_channels(block))

    def features(self, image: Tensor) -> Tensor:
        """Feature map after the last ReLU: ``(B, 1, H, W)`` in -1..1 to ``(B, C, H / 32, W / 32)``.

        A network with three input channels sees the grey image three times.
        """
        maps: Tensor = self.backbone(image.expand(-1, self.plan.in_channels, -1, -1))
        return maps

    def forward(
        self,
        image: Tensor,
        zones: Tensor | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> dict[str, Tensor]:
        """Logits of every task.

        Args:
            image: ``(B, 1, H, W)`` in -1..1, height and width multiples of 32.
            zones: ``(B, 6, H / 32, W / 32)`` weights of the lung zones, if a task needs them.
            weights: how strongly each task moves the backbone (`losses.task_weights`); 1 where ``None``.
                It changes no value, only the gradient that passes from a head into the backbone.

        Returns:
            task name to logits ``(B, classes)``; with an auxiliary map in training also ``lesions``,
            ``(B, 3, H / 32, W / 32)``, and for a deep block k ``lesions_k`` in the grid of its output (that
            of the second block for the first).
        """
        if self.lesions is None or not self.training:
            return self.answer(self.features(image), zones, weights)
        maps, inner = self.backbone.with_blocks(image.expand(-1, self.plan.in_channels, -1, -1))
        answers = self.answer(maps, zones, weights)
        scale = 1.0 if weights is None else weights.get(AUXILIARY, 1.0)
        answers[AUXILIARY] = self.lesions(scale_gradient(maps, scale))
        for block in self.plan.deep:
            own = functional.avg_pool2d(inner[block], 2) if block == 1 else inner[block]
            answers[f"{AUXILIARY}_{block}"] = self.deep[str(block)](scale_gradient(own, scale))
        return answers

    def answer(
        self,
        features: Tensor,
        zones: Tensor | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> dict[str, Tensor]:
        """Logits of every task from a feature map; arguments and result as for `forward`."""
        pooled = Pooled(features, zones)
        answers = {}
        for task in self.tasks:
            vector = self.pool(pooled, task)
            if weights is not None:
                vector = scale_gradient(vector, weights.get(task.name, 1.0))
            answers[task.name] = self.head(task)(vector)
        return answers

    def plain(self) -> MultiTaskNetwork:
        """The same answers from heads of two layers and nothing else: what is shipped."""
        plan = dataclasses.replace(self.plan, standardise=False)
        with torch.device("meta"):
            network = MultiTaskNetwork(plan)
        own = {key: value for key, value in self.state_dict().items() if "heads." not in key}
        heads = nn.ModuleDict({name: head.plain() for name, head in self._named_heads()})
        own |= {f"heads.{key}": value for key, value in heads.state_dict().items()}
        network.load_state_dict(own, assign=True)
        return network.train(self.training)

    def _named_heads(self) -> Iterator[tuple[str, TaskHead]]:
        for name, head in self.heads.items():
            if not isinstance(head, TaskHead):
                raise TypeError(f"head {name!r} is a {type(head).__name__}")
            yield name, head

    def head(self, task: Task) -> TaskHead:
        """The head that answers a task."""
        head = self.heads[self.plan.head_of(task)]
        if not isinstance(head, TaskHead):
            raise TypeError(f"head of {task.name!r} is a {type(head).__name__}")
        return head

    def pool(self, pooled: Pooled, task: Task) -> Tensor:
        """The vector that a task's head sees, ``(B, C)`` or ``(B, 2 C)``."""
        return pooled.vector(self.plan.pooling[task.name], self.zone_of(task))

    @staticmethod
    def zone_of(task: Task) -> int | None:
        """Position of the zone that a task asks about, ``None`` for the whole film."""
        return None if task.zone is None else ZONES.index(task.zone)

    def folded(self, dtype: torch.dtype | None = None, size: int = 512) -> FoldedDenseNet:
        """The backbone in its fastest form, for `answer`: one grey channel in, no gradient.

        Args:
            dtype: number format; the device's fastest where ``None``.
            size: height and width of the images to come.

        Examples:
            >>> network = build_network(NetworkPlan(("stage",), backbone="densenet-mini"))
            >>> features = network.eval().folded(size=64)(torch.zeros(1, 1, 64, 64))
            >>> network.answer(features)["stage"].shape
            torch.Size([1, 4])
        """
        return FoldedDenseNet(self.backbone, dtype, size)


def build_network(plan: NetworkPlan, generator: torch.Generator | None = None) -> MultiTaskNetwork:
    """The network of a plan, in training mode, with fresh weights."""
    return MultiTaskNetwork(plan, generator)
