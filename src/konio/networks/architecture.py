"""What one file has to say about a base classifier so that everything else can use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


class Backbone(Protocol):
    """From an image to a map: any module with these two numbers, whose map is not negative."""

    in_channels: int
    out_channels: int

    def __call__(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, out_channels, h, w)``."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where torchvision keeps what; konio's names are ``backbone.`` and ``head.layers.`` plus torchvision's.

    Args:
        first: weight of the first convolution.
        constant: what takes over a change of intensities behind it, a bias or a batch norm's running mean.
        head: name of the classifier.
        last: place of its last layer, which is replaced for other classes; empty where the classifier is that layer.
    """

    first: str
    constant: str
    head: str
    last: str = ""

    def own_name(self, name: str) -> str:
        """Name in konio of torchvision's tensor.

        Examples:
            >>> Layout("conv1.weight", "bn1.running_mean", "fc").own_name("fc.weight")
            'head.layers.weight'
        """
        prefix, _, rest = name.partition(".")
        return f"head.layers.{rest}" if prefix == self.head else f"backbone.{name}"

    def is_last(self, name: str) -> bool:
        """Whether konio's name belongs to the layer that depends on the classes."""
        return name.rpartition(".")[0] == f"head.layers.{self.last}".rstrip(".")


@dataclass(frozen=True, slots=True)
class Architecture:
    """A base classifier: a map, and logits from it.

    Args:
        backbone: makes the first part from input channels and generator.
        head: makes the second from channels, classes, dropout and generator.
        layout: names in published state dicts.
        smallest: smallest height and width it takes.
    """

    backbone: Callable[[int, torch.Generator | None], nn.Module]
    head: Callable[[int, int, float, torch.Generator | None], nn.Module]
    layout: Layout
    smallest: int


def begin_convolutions(module: nn.Module, generator: torch.Generator | None) -> None:
    """Kaiming-normal kernels and zero biases; nothing on the meta device."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and not part.weight.is_meta:
            nn.init.kaiming_normal_(part.weight, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
