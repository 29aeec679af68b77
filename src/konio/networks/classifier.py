"""Base classifiers under one contract: ``features`` makes the map, ``answer`` the logits.

=================  =====================================================================================
``features(x)``    ``(B, 1, H, W)`` in -1..1 to ``(B, C, h, w)``, not negative; h and w follow the image
``answer(map)``    ``(B, C, h, w)`` of any h and w to logits ``(B, classes)``, differentiable
``__call__(x)``    ``answer(features(x))``
=================  =====================================================================================

Adding one is one file that ends in an `Architecture` and one line in `ARCHITECTURES`; a contract test runs them all.

References:
    Paper B, chapter 2 (AlexNet, VGG16, ResNet34, DenseNet121); dossier 4.2 T6.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn

from konio.errors import RecordError, UsageError
from konio.networks.alexnet import ALEXNET, ALEXNET_MINI
from konio.networks.architecture import Architecture, Layout
from konio.networks.densenet import DENSENET121, DENSENET_MINI, DenseNet, DenseNetShape
from konio.networks.folded import FoldedDenseNet
from konio.networks.published_heads import LinearHead
from konio.networks.resnet import RESNET34, RESNET_MINI
from konio.networks.vgg import VGG16, VGG_MINI


def _densenet(shape: DenseNetShape) -> Architecture:
    return Architecture(
        backbone=lambda channels, generator: DenseNet(shape, channels, generator),
        head=LinearHead,
        layout=Layout("features.conv0.weight", "features.norm0.running_mean", "classifier"),
        smallest=32,
    )


#: Base classifiers by name. The small ones are for smoke runs and tests.
ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "alexnet": ALEXNET,
        "vgg16": VGG16,
        "resnet34": RESNET34,
        "densenet121": _densenet(DENSENET121),
        "alexnet-mini": ALEXNET_MINI,
        "vgg-mini": VGG_MINI,
        "resnet-mini": RESNET_MINI,
        "densenet-mini": _densenet(DENSENET_MINI),
    }
)


@dataclass(frozen=True, slots=True)
class ClassifierPlan:
    """A base classifier as a value that travels as JSON beside its weights.

    Args:
        classes: number of answers, at least 2.
        architecture: a key of `ARCHITECTURES`.
        in_channels: 1, or 3 for published weights whose first layer is kept as it is.
        dropout: in the head, 0 <= dropout < 1; the published AlexNet and VGG16 have 0.5, ResNet and DenseNet 0.

    Raises:
        RecordError: on an unknown architecture or a number out of range.

    Examples:
        >>> plan = ClassifierPlan(classes=4, architecture="resnet34")
        >>> ClassifierPlan.from_json(plan.to_json()) == plan
        True
    """

    classes: int
    architecture: str = "densenet121"
    in_channels: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        rules = (
            (
                self.architecture in ARCHITECTURES,
                f"architecture {self.architecture!r} is none of {', '.join(ARCHITECTURES)}",
            ),
            (self.classes >= 2, f"classes must be at least 2, got {self.classes}"),
            (self.in_channels in (1, 3), f"in_channels must be 1 or 3, got {self.in_channels}"),
            (0 <= self.dropout < 1, f"dropout must be in 0 <= dropout < 1, got {self.dropout}"),
        )
        for holds, why in rules:
            if not holds:
                raise RecordError(f"a base classifier cannot be built: {why}; correct the plan")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> ClassifierPlan:
        """The plan that `to_json` wrote.

        Raises:
            RecordError: on a field that no plan has, or a field missing.
        """
        fields = {part.name for part in dataclasses.fields(cls)}
        if set(plain) != fields:
            raise RecordError(
                f"the plan of a base classifier has the fields {sorted(fields)}, got {sorted(plain)}; "
                "the file may come from another version of konio"
            )
        return cls(**plain)


class Classifier(nn.Module):
    """A base classifier.

    Args:
        plan: what it is made of.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        plan: as given.
        backbone: the part up to the map.
        head: the part behind it.
    """

    def __init__(self, plan: ClassifierPlan, generator: torch.Generator | None = None) -> None:
        super().__init__()
        made = ARCHITECTURES[plan.architecture]
        self.plan = plan
        self.backbone = made.backbone(plan.in_channels, generator)
        self.head = made.head(self.channels, plan.classes, plan.dropout, generator)

    @property
    def channels(self) -> int:
        """Channels C of the map."""
        return int(getattr(self.backbone, "out_channels"))  # noqa: B009

    @property
    def layout(self) -> Layout:
        """Names in published state dicts."""
        return ARCHITECTURES[self.plan.architecture].layout

    def features(self, image: Tensor) -> Tensor:
        """The map behind the last ReLU (and pooling, where the network ends in one).

        A network with three input channels sees the grey image three times.

        Args:
            image: ``(B, 1, H, W)`` in -1..1.

        Returns:
            ``(B, C, h, w)``, not negative; h and w grow with the image, one cell per 32 pixels.

        Raises:
            UsageError: if the image is smaller than the network takes.
        """
        smallest = ARCHITECTURES[self.plan.architecture].smallest
        if min(image.shape[-2:]) < smallest:
            raise UsageError(
                f"{self.plan.architecture} takes images of {smallest} pixels or more, got "
                f"{tuple(image.shape[-2:])}; give larger ones"
            )
        maps: Tensor = self.backbone(image.expand(-1, self.plan.in_channels, -1, -1))
        return maps

    def answer(self, features: Tensor) -> Tensor:
        """Logits ``(B, classes)`` from a map ``(B, C, h, w)`` of any height and width."""
        logits: Tensor = self.head(features)
        return logits

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to logits ``(B, classes)``."""
        return self.answer(self.features(image))

    def fastest(self, size: int) -> Callable[[Tensor], Tensor]:
        """The way to the map in its fastest form, for answering only: evaluation mode, no gradient.

        Args:
            size: height and width of the images to come.
        """
        if isinstance(self.backbone, DenseNet):
            return FoldedDenseNet(self.backbone, size=size)
        return torch.no_grad()(self.features)


def build_classifier(plan: ClassifierPlan, generator: torch.Generator | None = None) -> Classifier:
    """The classifier of a plan, in training mode, with fresh weights."""
    return Classifier(plan, generator)
