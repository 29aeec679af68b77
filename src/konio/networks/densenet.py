"""DenseNet with torchvision's key names, so that published weights load by name.

References:
    Huang et al., Densely connected convolutional networks, CVPR 2017, table 1.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Width of the 1x1 bottleneck in units of the growth rate.
_BOTTLENECK: Final = 4
#: Where `DenseNet.halves` parts the network: one cell for 8 pixels, enough depth to know a lesion from a rib.
_FINER: Final = "transition2"


@dataclass(frozen=True, slots=True)
class DenseNetShape:
    """The numbers that make one DenseNet.

    Args:
        stem: channels after the first convolution.
        growth: channels that every dense layer adds.
        blocks: dense layers of the four blocks.
    """

    stem: int
    growth: int
    blocks: tuple[int, int, int, int]


class DenseLayer(nn.Module):
    """norm1 - ReLU - conv1 (1x1) - norm2 - ReLU - conv2 (3x3): the channels one layer adds."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        width = _BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth, 3, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, growth, h, w)``."""
        narrow = self.conv1(functional.relu(self.norm1(maps), inplace=True))
        out: Tensor = self.conv2(functional.relu(self.norm2(narrow), inplace=True))
        return out


class DenseBlock(nn.ModuleDict):
    """Layers that each see everything before them; keys ``denselayer1``, ``denselayer2``, ..."""

    def __init__(self, layers: int, channels: int, growth: int) -> None:
        super().__init__(
            {f"denselayer{i + 1}": DenseLayer(channels + i * growth, growth) for i in range(layers)}
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, channels + layers * growth, h, w)``."""
        for layer in self.values():
            maps = torch.cat((maps, layer(maps)), dim=1)
        return maps


class Transition(nn.Module):
    """Half the channels, half the height and width, between two blocks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, channels / 2, h / 2, w / 2)``."""
        return self.reduced(self.active(maps))

    def active(self, maps: Tensor) -> Tensor:
        """What passes the ReLU: ``(B, channels, h, w)``, not negative."""
        return functional.relu(self.norm(maps), inplace=True)

    def reduced(self, active: Tensor) -> Tensor:
        """The rest of the way: ``(B, channels, h, w)`` to ``(B, channels / 2, h / 2, w / 2)``."""
        return functional.avg_pool2d(self.conv(active), 2)


class DenseNet(nn.Module):
    """A DenseNet without its classifier.

    The parameters are named as in torchvision (``features.denseblock1.denselayer1.norm1.weight``), with
    Kaiming-normal convolutions as there.

    Args:
        shape: stem, growth and blocks.
        in_channels: 1 for grey pictures, 3 where published weights want three.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        out_channels: channels of the feature map.
        stride: pixels of the image per cell of the feature map, 32.
    """

    stride: Final = 32

    def __init__(
        self, shape: DenseNetShape, in_channels: int = 1, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        channels = shape.stem
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        for number, layers in enumerate(shape.blocks, start=1):
            parts[f"denseblock{number}"] = DenseBlock(layers, channels, shape.growth)
            channels += layers * shape.growth
            if number < len(shape.blocks):
                parts[f"transition{number}"] = Transition(channels)
                channels //= 2
        parts["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.shape = shape
        self.in_channels = in_channels
        self.out_channels = channels
        for module in self.modules():
            # On the meta device there is nothing to fill, and asking would import torch's compiler (2 s).
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, generator=generator)

    def block_channels(self, block: int) -> int:
        """Channels of the output of dense block 1 to 4."""
        norm = "norm5" if block == len(self.shape.blocks) else f"transition{block}.norm"
        return int(self.features.get_submodule(norm).get_buffer("running_mean").numel())

    def with_blocks(self, image: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """What `forward` returns, and the output of every dense block by its number from 1."""
        maps = image
        blocks: dict[int, Tensor] = {}
        for module in self.features:
            maps = module(maps)
            if isinstance(module, DenseBlock):
                blocks[len(blocks) + 1] = maps
        return functional.relu(maps, inplace=True), blocks

    def halves(self, image: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """A finer map on the way, and the way on from it: ``rest(inner)`` is what `forward` returns.

        Args:
            image: as for `forward`.

        Returns:
            ``(B, C, H / 8, W / 8)`` behind the ReLU of the second transition, not negative; and the rest.
        """
        parts = list(self.features.named_children())
        cut = [name for name, _ in parts].index(_FINER)
        second = parts[cut][1]
        if not isinstance(second, Transition):
            raise TypeError(f"{_FINER} is a {type(second).__name__}")
        maps = image
        for _, part in parts[:cut]:
            maps = part(maps)

        def rest(inner: Tensor) -> Tensor:
            out = second.reduced(inner)
            for _, part in parts[cut + 1 :]:
                out = part(out)
            return functional.relu(out, inplace=True)

        return second.active(maps), rest

    def forward(self, image: Tensor) -> Tensor:
        """Feature map after the last ReLU.

        Args:
            image: ``(B, in_channels, H, W)``, height and width multiples of 32.

        Returns:
            ``(B, out_channels, H / 32, W / 32)``, not negative.
        """
        return functional.relu(self.features(image), inplace=True)


#: The network of papers A and B (7.0 M parameters) and a small sister for smoke runs and tests.
DENSENET121: Final = DenseNetShape(stem=64, growth=32, blocks=(6, 12, 24, 16))
DENSENET_MINI: Final = DenseNetShape(stem=16, growth=8, blocks=(2, 3, 4, 3))
