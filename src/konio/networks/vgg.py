"""VGG16 with torchvision's key names.

References:
    Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015, table 1,
    configuration D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from konio.networks.architecture import Architecture, Layout, begin_convolutions
from konio.networks.published_heads import HiddenLayers


@dataclass(frozen=True, slots=True)
class VggShape:
    """Channels and number of 3x3 convolutions of each block; every block ends in a 2x2 pooling."""

    blocks: tuple[tuple[int, int], ...]


class Vgg(nn.Module):
    """The convolutions of a VGG without batch norm, up to its last pooling; keys ``features.0.weight``, ...

    Args:
        shape: the blocks.
        in_channels: 1 for grey pictures, 3 where published weights want three.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        out_channels: channels of the feature map.
    """

    def __init__(
        self, shape: VggShape, in_channels: int = 1, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for width, count in shape.blocks:
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.in_channels, self.out_channels = in_channels, channels
        self.features = nn.Sequential(*layers)
        begin_convolutions(self, generator)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, C, H / 32, W / 32)``, not negative."""
        maps: Tensor = self.features(image)
        return maps


def _architecture(shape: VggShape, hidden: int, cells: int) -> Architecture:
    return Architecture(
        backbone=lambda channels, generator: Vgg(shape, channels, generator),
        head=lambda channels, classes, dropout, generator: HiddenLayers(
            (channels, hidden, classes), cells, dropout, False, generator
        ),
        layout=Layout("features.0.weight", "features.0.bias", "classifier", "6"),
        smallest=32,
    )


VGG16: Final = _architecture(
    VggShape(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))), hidden=4096, cells=7
)
VGG_MINI: Final = _architecture(
    VggShape(((6, 1), (8, 1), (8, 1), (12, 1), (12, 1))), hidden=24, cells=2
)
