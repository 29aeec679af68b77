"""From a film and its lungs to what the network takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import RecordError
from konio.prepare.geometry import Frame, frame_around, frame_of_film
from konio.records import Image, Lungs
from konio.tasks import ZONES

#: Kinds of lesion in a lesion map: 1 small opacity, 2 large opacity, 3 tuberculosis.
LESION_KINDS: Final = 3

#: Label samples per cell and direction from which the shares of the zones are counted.
_SAMPLES: Final = 8


@dataclass(frozen=True, slots=True)
class Preparation:
    """How films become tensors; stands in the bundle, so that answering repeats what training did.

    Args:
        size: height and width of the input, a multiple of 32.
        crop: ``lungs`` (box of both lungs with a margin) or ``film`` (everything).
        margin: around the lungs' box, as a share of it.
        low: percentile of the square that becomes -1.
        high: percentile that becomes 1.

    Raises:
        RecordError: on a size that is no multiple of 32 or percentiles out of order.

    Examples:
        >>> Preparation.from_json(Preparation(size=256).to_json()).size
        256
    """

    size: int = 512
    crop: Literal["lungs", "film"] = "lungs"
    margin: float = 0.05
    low: float = 0.5
    high: float = 99.5

    def __post_init__(self) -> None:
        if self.size < 32 or self.size % 32:
            raise RecordError(f"the input size must be a multiple of 32, got {self.size}; use 512")
        if not 0 <= self.low < self.high <= 100 or self.margin < 0:
            raise RecordError(
                f"percentiles must ascend within 0..100 and the margin not be negative, got {self}; correct them"
            )
        if self.crop not in ("lungs", "film"):
            raise RecordError(f"crop must be 'lungs' or 'film', got {self.crop!r}; use one of them")

    @property
    def cells(self) -> int:
        """Height and width of the feature map."""
        return self.size // 32

    def frame(self, shape: tuple[int, int], lungs: Lungs | None) -> Frame:
        """The square of a film that the network sees.

        Raises:
            RecordError: if the lungs are needed and not given.
        """
        if self.crop == "film":
            return frame_of_film(shape, self.size)
        if lungs is None:
            raise RecordError("this model looks at the lungs and got none; find them first")
        return frame_around(lungs.box_px, shape, self.size, self.margin)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Preparation:
        """The preparation that `to_json` wrote."""
        return cls(**plain)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One film ready for the network.

    Args:
        image: ``(1, size, size)`` float32 in -1..1.
        zones: ``(6, size / 32, size / 32)`` float32, share of each cell in each zone; ``None`` without lungs.
        frame: the way back to the film.
    """

    image: Tensor
    zones: Tensor | None
    frame: Frame


def prepare_film(image: Image, lungs: Lungs | None, preparation: Preparation) -> Prepared:
    """Crop, resize and normalise a film.

    Args:
        image: a radiograph.
        lungs: its lungs; without them there are no zones.
        preparation: how.
    """
    height, width = image.shape
    frame = preparation.frame((height, width), lungs)
    pixels = normalise(frame.crop(image.pixels), preparation.low, preparation.high)
    zones = None
    if lungs is not None:
        labels = frame.crop_labels(lungs.zones, preparation.cells * _SAMPLES)
        zones = zone_weights(torch.from_numpy(labels), preparation.cells)
    return Prepared(torch.from_numpy(pixels)[None], zones, frame)


def normalise(
    pixels: NDArray[np.float32], low: float = 0.5, high: float = 99.5
) -> NDArray[np.float32]:
    """Bring the percentiles ``low`` and ``high`` to -1 and 1 and cut what is beyond.

    Every second pixel of every second row decides, which moves a percentile of a film by less than its
    noise. A film without contrast becomes -1 everywhere.

    Args:
        pixels: ``(H, W)`` float32.
        low: percentile that becomes -1.
        high: percentile that becomes 1.

    Returns:
        ``(H, W)`` float32 in -1..1.
    """
    sample = pixels[::2, ::2].ravel()
    ranks = [round((sample.size - 1) * percent / 100) for percent in (low, high)]
    black, white = np.partition(sample, ranks)[ranks]
    if not white > black:
        return np.full_like(pixels, -1)
    scaled: NDArray[np.float32] = (pixels - black) * np.float32(2 / (white - black)) - 1
    np.clip(scaled, -1, 1, out=scaled)
    return scaled


def zone_weights(labels: Tensor, cells: int) -> Tensor:
    """Share of every cell of the feature map that lies in each lung zone.

    Args:
        labels: ``(..., S, S)`` with 0 outside and 1..6 in the order of `konio.tasks.ZONES`; S a multiple
            of ``cells``.
        cells: height and width of the feature map.

    Returns:
        ``(..., 6, cells, cells)`` float32 in 0..1.
    """
    return _shares(labels, len(ZONES), cells)


def lesion_shares(labels: Tensor, cells: int) -> Tensor:
    """Share of every cell covered by each kind of lesion: the target of the auxiliary map.

    Args:
        labels: ``(..., S, S)`` with 1 small opacity, 2 large opacity, 3 tuberculosis, anything else none;
            S a multiple of ``cells``.
        cells: height and width of the feature map.

    Returns:
        ``(..., 3, cells, cells)`` float32 in 0..1.
    """
    return _shares(labels, LESION_KINDS, cells)


def _shares(labels: Tensor, kinds: int, cells: int) -> Tensor:
    side = labels.shape[-1]
    if side % cells or labels.shape[-2] != side:
        raise RecordError(
            f"a label map of {tuple(labels.shape)} cannot be counted in {cells} x {cells} cells; "
            "resize it to a multiple"
        )
    step = side // cells
    tiles = labels.reshape(*labels.shape[:-2], cells, step, cells, step)
    shares = [(tiles == kind + 1).float().mean(dim=(-3, -1)) for kind in range(kinds)]
    return torch.stack(shares, dim=-3)
