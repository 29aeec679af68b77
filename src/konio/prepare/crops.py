"""TenCrop: four corners and the centre, each also mirrored, as one batch, and their answers as one.

Crop and input follow the image; nothing knows the size of a feature map. Probabilities are averaged, not logits.

References:
    Paper B, section 2.4.2 and figure 2.7; dossier 4.2 T5, B10, B11, B25.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from konio.errors import RecordError, UsageError

#: A crop this much off the wanted size, as a share of the image's side, is cut at the wanted size.
_NEAR: Final = 0.02


class Crop(NamedTuple):
    """One square of an image.

    Args:
        top: first row.
        left: first column.
        side: rows and columns.
        mirrored: whether left and right are exchanged.
    """

    top: int
    left: int
    side: int
    mirrored: bool

    def scaled(self, factor: float) -> Crop:
        """The same square of the image drawn ``factor`` times as large, on whole pixels."""
        side = max(1, round(self.side * factor))
        return Crop(round(self.top * factor), round(self.left * factor), side, self.mirrored)


@dataclass(frozen=True, slots=True)
class CropPlan:
    """Which crops of a square image the network answers for.

    Args:
        share: side of a crop as a share of the image's, 0 < share <= 1; the thesis' 0.8 (480 of 600).
        ten: ten crops, or the central one alone.
        size: height and width that a crop is brought to; 0 leaves its own. Where both differ by less than a fiftieth of the
            image, the crop is cut at this size and nothing is resampled.
        shared: whether the first layers see the whole image and its mirror image once, and the crops are cut from their
            maps (`konio.networks.folded.FoldedDenseNet.of_crops`; docs/decisions/0041). A network that cannot do this
            answers for the crops as they are.

    Raises:
        RecordError: on a share or size out of range.

    Examples:
        >>> [crop.top for crop in CropPlan().crops(600)][:5]
        [0, 0, 120, 120, 60]
    """

    share: float = 0.8
    ten: bool = True
    size: int = 0
    shared: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.size < 0:
            raise RecordError(
                f"a crop is more than none and at most all of the image, got share {self.share} and size {self.size}; "
                "use 0.8 and 0"
            )

    def crops(self, side: int) -> tuple[Crop, ...]:
        """The crops of an image of ``side`` x ``side`` pixels: upper left, upper right, lower left, lower right, centre.

        With ten, the mirrored ones follow in the same order.
        """
        own = max(1, round(self.share * side))
        if abs(self.size - own) < _NEAR * side:
            own = min(self.size, side)
        end, middle = side - own, (side - own) // 2
        if not self.ten:
            return (Crop(middle, middle, own, mirrored=False),)
        corners = ((0, 0), (0, end), (end, 0), (end, end), (middle, middle))
        return tuple(
            Crop(top, left, own, mirrored) for mirrored in (False, True) for top, left in corners
        )

    def cut(self, images: Tensor) -> Tensor:
        """All crops of all images as one batch.

        Args:
            images: ``(B, C, S, S)``.

        Returns:
            ``(B * V, C, s, s)``, the V crops of the first image first.

        Raises:
            UsageError: if the images are not square.
        """
        height, width = images.shape[-2:]
        if height != width:
            raise UsageError(f"crops are cut from square images, got {height} x {width}; pad them")
        parts = []
        for crop in self.crops(height):
            part = images[..., crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
            parts.append(part.flip(-1) if crop.mirrored else part)
        batch = torch.stack(parts, dim=1).flatten(0, 1)
        if self.size in (0, batch.shape[-1]):
            return batch
        sized: Tensor = functional.interpolate(
            batch, (self.size, self.size), mode="bilinear", antialias=True
        )
        return sized

    def merge(self, logits: Tensor) -> Tensor:
        """Mean probabilities over the crops of each image: logits ``(B * V, K)`` to ``(B, K)`` float32."""
        views = 10 if self.ten else 1
        return logits.float().softmax(dim=1).unflatten(0, (-1, views)).mean(dim=1)  # type: ignore[no-untyped-call,no-any-return]

    def lay_out(self, maps: Tensor, side: int, image: int = 0) -> Tensor:
        """Maps of the crops laid back over each image; where crops overlap, their mean.

        Args:
            maps: ``(B * V, h, w)`` in the order of `cut`.
            side: of the result, in cells.
            image: side of the images that the crops were cut from, in pixels; ``side`` where 0.

        Returns:
            ``(B, side, side)`` float32; zero where no crop lay.
        """
        crops = [crop.scaled(side / (image or side)) for crop in self.crops(image or side)]
        stack = maps.float().unflatten(0, (-1, len(crops)))  # type: ignore[no-untyped-call]
        total = torch.zeros(len(stack), side, side, device=maps.device)
        count = torch.zeros(side, side, device=maps.device)
        for number, crop in enumerate(crops):
            part = stack[:, number]
            part = part.flip(-1) if crop.mirrored else part
            grown = functional.interpolate(part[:, None], (crop.side, crop.side), mode="bilinear")
            rows = slice(crop.top, crop.top + crop.side)
            columns = slice(crop.left, crop.left + crop.side)
            total[:, rows, columns] += grown[:, 0]
            count[rows, columns] += 1
        return total / count.clamp_min(1)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> CropPlan:
        """The plan that `to_json` wrote."""
        return cls(**plain)
