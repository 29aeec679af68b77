"""AlexNet with torchvision's key names.

References:
    Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014: the single-tower AlexNet that
    torchvision publishes; Krizhevsky et al., NeurIPS 2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from konio.networks.architecture import Architecture, Layout, begin_convolutions
from konio.networks.published_heads import HiddenLayers


@dataclass(frozen=True, slots=True)
class AlexNetShape:
    """Channels of the five convolutions."""

    widths: tuple[int, int, int, int, int]


class AlexNet(nn.Module):
    """The convolutions of AlexNet, up to its last pooling; keys ``features.0.weight`` to ``features.10.bias``.

    Args:
        shape: channels.
        in_channels: 1 for grey pictures, 3 where published weights want three.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        out_channels: channels of the feature map.
    """

    def __init__(
        self, shape: AlexNetShape, in_channels: int = 1, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        a, b, c, d, e = shape.widths
        self.in_channels, self.out_channels = in_channels, e
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, a, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(a, b, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(b, c, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, d, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(d, e, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        begin_convolutions(self, generator)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to a map that is not negative; 224 pixels give 6 cells."""
        maps: Tensor = self.features(image)
        return maps


def _architecture(shape: AlexNetShape, hidden: int, cells: int) -> Architecture:
    return Architecture(
        backbone=lambda channels, generator: AlexNet(shape, channels, generator),
        head=lambda channels, classes, dropout, generator: HiddenLayers(
            (channels, hidden, classes), cells, dropout, True, generator
        ),
        layout=Layout("features.0.weight", "features.0.bias", "classifier", "6"),
        smallest=63,
    )


ALEXNET: Final = _architecture(AlexNetShape((64, 192, 384, 256, 256)), hidden=4096, cells=6)
ALEXNET_MINI: Final = _architecture(AlexNetShape((8, 12, 16, 12, 12)), hidden=24, cells=2)
