"""ResNet34 with torchvision's key names.

References:
    He et al., Deep residual learning for image recognition, CVPR 2016, table 1 (34 layers), shortcuts of option B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from konio.networks.architecture import Architecture, Layout, begin_convolutions
from konio.networks.published_heads import LinearHead


@dataclass(frozen=True, slots=True)
class ResNetShape:
    """Channels and number of residual blocks of the four stages; the first width is also the stem's."""

    widths: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]


class ResidualBlock(nn.Module):
    """conv1 - bn1 - ReLU - conv2 - bn2, added to the input (through 1x1 where the shape changes), ReLU."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )
            if stride != 1 or channels != width
            else None
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, width, h / stride, w / stride)``."""
        kept = maps if self.downsample is None else self.downsample(maps)
        out = functional.relu(self.bn1(self.conv1(maps)), inplace=True)
        return functional.relu(self.bn2(self.conv2(out)) + kept, inplace=True)


class ResNet(nn.Module):
    """A ResNet without its classifier; keys ``conv1.weight``, ``layer1.0.conv1.weight``, ...

    Args:
        shape: widths and blocks.
        in_channels: 1 for grey pictures, 3 where published weights want three.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        out_channels: channels of the feature map.
    """

    def __init__(
        self, shape: ResNetShape, in_channels: int = 1, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        channels = shape.widths[0]
        self.conv1 = nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        stages = []
        for number, (width, count) in enumerate(zip(shape.widths, shape.blocks, strict=True)):
            blocks = []
            for place in range(count):
                stride = 2 if number and not place else 1
                blocks.append(ResidualBlock(channels, width, stride))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.in_channels, self.out_channels = in_channels, channels
        begin_convolutions(self, generator)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, C, H / 32, W / 32)`` rounded up, not negative."""
        maps = functional.relu(self.bn1(self.conv1(image)), inplace=True)
        maps = functional.max_pool2d(maps, 3, stride=2, padding=1)
        out: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return out


def _architecture(shape: ResNetShape) -> Architecture:
    return Architecture(
        backbone=lambda channels, generator: ResNet(shape, channels, generator),
        head=LinearHead,
        layout=Layout("conv1.weight", "bn1.running_mean", "fc"),
        smallest=32,
    )


RESNET34: Final = _architecture(ResNetShape((64, 128, 256, 512), (3, 4, 6, 3)))
RESNET_MINI: Final = _architecture(ResNetShape((8, 12, 16, 24), (1, 1, 1, 1)))
