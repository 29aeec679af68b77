r"""The DenseNet as it answers: batch norms folded away, weights packed once, no gradient.

A batch norm before a ReLU and a 1x1 convolution needs no arithmetic of its own. With per-channel slope
:math:`a > 0` and offset :math:`b`,

.. math:: W\,\mathrm{relu}(a x + b) = (W a)(\max(x, t) - t), \qquad t = -b/a

and for :math:`a < 0` the maximum becomes a minimum; so one comparison per value remains, the slope moves
into the weights and t into the bias; both are taken as rounded, so that a closed gate gives exactly
zero in half precision too. A batch norm after a convolution folds as usual. The dense
blocks write into one buffer instead of joining ever longer copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from konio.errors import UsageError
from konio.networks.densenet import DenseBlock, DenseLayer, DenseNet, Transition
from konio.networks.precision import fastest_dtype

if TYPE_CHECKING:
    from konio.prepare.crops import Crop

_ROWS: Final = torch.channels_last

#: Whether torch can keep weights in oneDNN's own layout; the names are torch's internal ones.
_ONEDNN: Final = torch.backends.mkldnn.is_available() and all(  # type: ignore[no-untyped-call]
    hasattr(torch.ops.mkldnn, name)
    for name in ("_convolution_pointwise", "_reorder_convolution_weight")
)

#: Pixels per cell behind the first convolution and its pooling; every transition doubles them.
_STEM_STRIDE: Final = 4

#: A batch norm with a smaller slope passes nothing on but its offset.
_DEAD: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """One convolution with bias and an optional ReLU, on channels-last tensors."""

    weight: Tensor
    bias: Tensor | None
    stride: int
    padding: int
    relu: bool
    packed: bool

    def __call__(self, maps: Tensor) -> Tensor:
        if self.packed:
            out: Tensor = torch.ops.mkldnn._convolution_pointwise(
                maps, self.weight, self.bias, [self.padding] * 2, [self.stride] * 2, [1, 1], 1,
                "relu" if self.relu else "none", [], "",
            )  # fmt: skip
            return out
        out = functional.conv2d(maps, self.weight, self.bias, self.stride, self.padding)
        return out.relu_() if self.relu else out


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """What is left of batch norm and ReLU in front of a 1x1 convolution: a comparison per channel.

    Args:
        low: ``(1, C, 1, 1)`` smallest value let through.
        high: the largest, ``None`` where every slope is positive (then one maximum does, twice as fast).
    """

    low: Tensor
    high: Tensor | None

    def __call__(self, maps: Tensor) -> Tensor:
        if self.high is None:
            return torch.maximum(maps, self.low)
        return torch.clamp(maps, self.low, self.high)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    gate: _Gate
    narrow: _Convolution
    grow: _Convolution


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    layers: tuple[_Layer, ...]
    growth: int
    gate: _Gate | None
    transition: _Convolution | None


@dataclass(frozen=True, slots=True)
class _Packing:
    """How weights are laid out: number format, and oneDNN's own blocks for images of this size."""

    dtype: torch.dtype
    blocked: bool
    size: int

    def convolution(
        self, weight: Tensor, bias: Tensor | None, stride: int, side: int, relu: bool
    ) -> _Convolution:
        padding = weight.shape[-1] // 2
        weight = weight.to(self.dtype).contiguous(memory_format=_ROWS)
        if bias is not None and not self.blocked:
            bias = bias.to(self.dtype)  # oneDNN adds a float32 bias, plain convolutions do not
        if self.blocked:
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                weight, [padding] * 2, [stride] * 2, [1, 1], 1, [1, weight.shape[1], side, side]
            )
        return _Convolution(weight, bias, stride, padding, relu, self.blocked)

    def gate(self, slope: Tensor, offset: Tensor) -> tuple[_Gate, Tensor]:
        """The gate and its edge per channel, ``(C,)`` float32, as rounded."""
        edge = torch.where(slope == 0, 0.0, -offset / torch.where(slope == 0, 1.0, slope))
        edge = edge.to(self.dtype)
        infinite = torch.full_like(edge, torch.inf)
        low = torch.where(slope >= 0, edge, -infinite)[None, :, None, None]
        high = torch.where(slope > 0, infinite, edge)[None, :, None, None]
        gate = _Gate(low, None if bool((slope > 0).all()) else high)
        return gate, edge.float()


@dataclass(frozen=True, slots=True, eq=False)
class _Gated:
    gate: _Gate
    weight: Tensor
    bias: Tensor


class FoldedDenseNet:
    """A DenseNet frozen for answering; equals the network it was folded from up to rounding.

    Args:
        network: trained network; it is read, not changed, and not kept.
        dtype: number format of weights and maps; the device's fastest where ``None``.
        size: height and width of the images to come. Other sizes work and are a little slower.

    Examples:
        >>> from konio.networks.densenet import DENSENET_MINI
        >>> FoldedDenseNet(DenseNet(DENSENET_MINI).eval(), size=64)(torch.zeros(1, 1, 64, 64)).shape
        torch.Size([1, 50, 2, 2])
    """

    def __init__(
        self, network: DenseNet, dtype: torch.dtype | None = None, size: int = 512
    ) -> None:
        device = next(network.parameters()).device
        self.dtype = dtype or fastest_dtype(device)
        # oneDNN lays bfloat16 weights out only where the processor can multiply them.
        can = self.dtype != torch.bfloat16 or fastest_dtype(device) == torch.bfloat16
        packing = _Packing(self.dtype, device.type == "cpu" and _ONEDNN and can, size)
        with torch.no_grad():
            parts = network.features
            slope, offset = _affine(parts.get_submodule("norm0"))
            grey = _weight(parts.get_submodule("conv0")).sum(dim=1, keepdim=True)
            stem = grey * slope[:, None, None, None]
            self._stem = packing.convolution(stem, offset, 2, size, relu=True)
            count = sum(1 for name, _ in parts.named_children() if name.startswith("denseblock"))
            self._blocks = tuple(
                _fold_block(
                    parts.get_submodule(f"denseblock{number}"),
                    parts.get_submodule(f"transition{number}") if number < count else None,
                    packing,
                    size >> (number + 1),
                )
                for number in range(1, count + 1)
            )
            slope, offset = _affine(parts.get_submodule("norm5"))
            self._last = (slope[None, :, None, None], offset[None, :, None, None])

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """Feature map after the last ReLU.

        Args:
            image: ``(B, 1, H, W)`` grey, any float type; a network of three channels sees it three times.

        Returns:
            ``(B, out_channels, H / 32, W / 32)`` float32, not negative.
        """
        return self._end(self._begin(image, 0), 0)

    @torch.no_grad()
    def of_crops(self, image: Tensor, crops: Sequence[Crop]) -> Tensor:
        """Feature maps of crops of one image, the first layers shared by all of them.

        They see the image once, and its mirror image once where a crop is mirrored, as far as the crops lie on the grid of
        their output; from there on every crop goes its own way. At the edge of a crop a shared layer sees what lies beyond it,
        where a layer that is given the crop alone sees zeros: the maps are near those of the crops, not the same
        (docs/decisions/0041).

        Args:
            image: ``(1, 1, S, S)``.
            crops: of this image, all of one side, at least 1.

        Returns:
            ``(V, out_channels, s / 32, s / 32)`` float32, in the order of the crops.
        """
        side, own = image.shape[-1], crops[0].side
        shared = self._shared_blocks(side, crops)
        stride = _STEM_STRIDE << shared
        whole = {
            mirrored: self._begin(image.flip(-1) if mirrored else image, shared)
            for mirrored in {crop.mirrored for crop in crops}
        }
        parts = []
        for crop in crops:
            left = side - crop.left - own if crop.mirrored else crop.left
            rows = slice(crop.top // stride, (crop.top + own) // stride)
            columns = slice(left // stride, (left + own) // stride)
            parts.append(whole[crop.mirrored][:, :, rows, columns])
        return self._end(torch.cat(parts).contiguous(memory_format=_ROWS), shared)

    def _shared_blocks(self, side: int, crops: Sequence[Crop]) -> int:
        """How many dense blocks, each with its transition, keep the crops on whole cells.

        Raises:
            UsageError: if not even the first layers do.
        """
        edges = {side, *(edge for crop in crops for edge in (crop.top, crop.left, crop.side))}
        fitting = [
            count
            for count in range(len(self._blocks))
            if all(edge % (_STEM_STRIDE << count) == 0 for edge in edges)
        ]
        if not fitting:
            raise UsageError(
                f"crops at {sorted(edges)} pixels do not lie on the network's grid of {_STEM_STRIDE} pixels, so that no layer can be "
                "shared; choose sizes that are multiples of 4, or leave shared out"
            )
        return fitting[-1]

    def _begin(self, image: Tensor, blocks: int) -> Tensor:
        """The first layers and so many dense blocks with their transitions."""
        maps = self._stem(image.to(self.dtype).contiguous(memory_format=_ROWS))
        maps = functional.max_pool2d(maps, 3, stride=2, padding=1)
        for block in self._blocks[:blocks]:
            maps = _run_block(block, maps)
        return maps

    def _end(self, maps: Tensor, blocks: int) -> Tensor:
        """What follows `_begin`."""
        for block in self._blocks[blocks:]:
            maps = _run_block(block, maps)
        slope, offset = self._last
        return torch.addcmul(offset, maps.float(), slope).relu_()


def _weight(module: nn.Module) -> Tensor:
    return module.get_parameter("weight").float()


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Slope and offset per channel that a batch norm applies when answering."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
        raise TypeError(f"expected a batch norm with running statistics, got {type(norm).__name__}")
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    slope = _weight(norm) * (variance.float() + norm.eps).rsqrt()
    return slope, norm.bias.float() - mean.float() * slope


def _gated(norm: nn.Module, weight: Tensor, after: Tensor, packing: _Packing) -> _Gated:
    """Batch norm, ReLU and 1x1 convolution, the convolution's outputs multiplied by ``after``."""
    slope, offset = _affine(norm)
    dead = slope.abs() < _DEAD
    slope = torch.where(dead, 0.0, slope)
    gate, edge = packing.gate(slope, offset)
    weight = weight[:, :, 0, 0] * after[:, None]
    constant = weight @ torch.where(dead, offset.relu(), 0.0)
    weight = (weight * slope).to(packing.dtype)
    return _Gated(gate, weight[:, :, None, None].float(), constant - weight.float() @ edge)


def _fold_layer(layer: DenseLayer, packing: _Packing, side: int) -> _Layer:
    after, shift = _affine(layer.norm2)
    gated = _gated(layer.norm1, _weight(layer.conv1), after, packing)
    return _Layer(
        gated.gate,
        packing.convolution(gated.weight, gated.bias + shift, 1, side, relu=True),
        packing.convolution(_weight(layer.conv2), None, 1, side, relu=False),
    )


def _fold_block(
    block: nn.Module, transition: nn.Module | None, packing: _Packing, side: int
) -> _Block:
    if not isinstance(block, DenseBlock):
        raise TypeError(f"expected a dense block, got {type(block).__name__}")
    modules = [layer for layer in block.values() if isinstance(layer, DenseLayer)]
    layers = tuple(_fold_layer(layer, packing, side) for layer in modules)
    growth = modules[0].conv2.out_channels
    if not isinstance(transition, Transition):
        return _Block(layers, growth, None, None)
    weight = _weight(transition.conv)
    gated = _gated(transition.norm, weight, torch.ones_like(weight[:, 0, 0, 0]), packing)
    halve = packing.convolution(gated.weight, gated.bias, 1, side // 2, relu=False)
    return _Block(layers, growth, gated.gate, halve)


def _run_block(block: _Block, maps: Tensor) -> Tensor:
    filled = maps.shape[1]
    batch, _, height, width = maps.shape
    joined = torch.empty(
        (batch, filled + block.growth * len(block.layers), height, width),
        dtype=maps.dtype, device=maps.device, memory_format=_ROWS,
    )  # fmt: skip
    joined[:, :filled] = maps
    for layer in block.layers:
        added = layer.grow(layer.narrow(layer.gate(joined[:, :filled])))
        joined[:, filled : filled + block.growth] = added
        filled += block.growth
    if block.gate is None or block.transition is None:
        return joined
    # Averaging and a 1x1 convolution commute; on the smaller map the convolution costs a quarter.
    return block.transition(functional.avg_pool2d(block.gate(joined), 2))
