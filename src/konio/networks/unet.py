"""A small U-Net that answers, for every pixel of a film, whether it is right lung, left lung or neither.

Encoder and decoder after Ronneberger, Fischer and Brox (MICCAI 2015) with batch normalisation. Two choices make it
cheap enough to stand in front of a classifier: the first convolution halves the film at once, and the last one writes
four neighbouring pixels at a time (Shi et al., CVPR 2016), so no layer with many channels runs at full size. It is
written out here, and not taken from MONAI, because importing MONAI costs more time than assessing a film.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from konio.errors import UsageError

#: Height and width of what the network sees and writes.
UNET_SIDE = 256

#: Meaning of the two output channels. ``right`` is the patient's right: the left side of a film.
UNET_CHANNELS = ("right", "left")


@dataclass(frozen=True, slots=True)
class UNetPlan:
    """What a `LungUNet` is built from; stands in a bundle as JSON.

    Args:
        widths: channels at 1/2, 1/4, 1/8, ... of the film's side.

    Raises:
        UsageError: on fewer than two levels or a width below one.
    """

    widths: tuple[int, ...] = (16, 32, 48, 64, 96)

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise UsageError(
                f"a U-Net needs at least two levels of one channel, got widths {self.widths}; name more"
            )

    @property
    def stride(self) -> int:
        """The film's side must be a multiple of this many pixels."""
        return int(2 ** len(self.widths))


class _ConvNorm(nn.Module):
    """3 x 3 convolution, batch normalisation, ReLU; the normalisation may be folded into the convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.norm(self.conv(x)))

    def fold(self) -> None:
        """Replace convolution and normalisation by one convolution with the same answer in evaluation."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class _Up(nn.Module):
    """Double the size, join the encoder's map of that size, convolve."""

    def __init__(self, below: int, beside: int) -> None:
        super().__init__()
        self.squeeze = _ConvNorm(below + beside, beside)
        self.refine = _ConvNorm(beside, beside)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        # (B, below, h, w), (B, beside, 2h, 2w) -> (B, beside, 2h, 2w)
        grown = nn.functional.interpolate(below, scale_factor=2.0, mode="nearest")
        out: Tensor = self.refine(self.squeeze(torch.cat((grown, beside), dim=1)))
        return out


class LungUNet(nn.Module):
    """Right and left lung of a chest film.

    Args:
        plan: widths of the levels.

    Examples:
        >>> network = LungUNet(UNetPlan(widths=(4, 8))).eval()
        >>> tuple(network(torch.zeros(1, 1, 32, 32)).shape)
        (1, 2, 32, 32)
    """

    def __init__(self, plan: UNetPlan | None = None) -> None:
        super().__init__()
        self.plan = plan or UNetPlan()
        widths = self.plan.widths
        self.stem = _ConvNorm(1, widths[0], stride=2)
        self.stem_refine = _ConvNorm(widths[0], widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_ConvNorm(above, below, stride=2), _ConvNorm(below, below))
            for above, below in pairwise(widths)
        )
        self.up = nn.ModuleList(_Up(below, above) for below, above in pairwise(reversed(widths)))
        self.head = nn.Conv2d(widths[0], 4 * len(UNET_CHANNELS), 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of both lungs.

        Args:
            image: ``(B, 1, S, S)`` in -1..1, bright bone; ``S`` a multiple of ``plan.stride``.

        Returns:
            ``(B, 2, S, S)``, channels as in `UNET_CHANNELS`; the lungs exclude each other only by training.
        """
        levels = [self.stem_refine(self.stem(image))]  # (B, widths[0], S/2, S/2)
        for down in self.down:
            levels.append(down(levels[-1]))  # (B, widths[i], S/2^(i+1), ...)
        out = levels.pop()
        for up in self.up:
            out = up(out, levels.pop())  # back to (B, widths[0], S/2, S/2)
        return nn.functional.pixel_shuffle(self.head(out), 2)  # (B, 2, S, S)

    def folded(self) -> LungUNet:
        """A copy for inference only: evaluation mode, normalisation folded into the convolutions, no gradients."""
        copy = LungUNet(self.plan)
        copy.load_state_dict(self.state_dict())
        copy.eval().requires_grad_(requires_grad=False)
        for module in copy.modules():
            if isinstance(module, _ConvNorm):
                module.fold()
        return copy


def channels_last(network: LungUNet) -> LungUNet:
    """The same network with its weights laid out for pictures whose channels lie side by side."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
