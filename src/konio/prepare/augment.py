"""Small turns, shifts and scalings in training; drawing them and applying them are two functions.

The image and every map on it move together. Coordinates run from -1 to 1 over the square, so one drawing
fits maps of any resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from konio.errors import RecordError


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an augmentation may go.

    Args:
        scale: smallest and largest part of the square that fills the input (1.02 zooms out).
        rotation: largest turn to either side, degrees.
        translation: largest shift to any side, as a share of the square.
        gamma: smallest and largest exponent of the brightness curve; the paper has none.
        contrast: smallest and largest factor on the contrast; the paper has none.

    Raises:
        RecordError: on limits out of order.

    References:
        Paper A, section 1.2: crop 98 to 102 %, rotation 15 degrees, translation 2 % (dossier 4.1 P5, gap 5).
        No flips: they move the heart (dossier 4.2 B10).
    """

    scale: tuple[float, float] = (0.98, 1.02)
    rotation: float = 15.0
    translation: float = 0.02
    gamma: tuple[float, float] = (1.0, 1.0)
    contrast: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("scale", "gamma", "contrast"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise RecordError(f"{name} must ascend above 0, got {low} to {high}; correct it")
        if self.rotation < 0 or not 0 <= self.translation < 1:
            raise RecordError(
                f"rotation and translation must not be negative, got {self}; correct them"
            )


#: Changes nothing.
NO_LIMITS = Limits(scale=(1.0, 1.0), rotation=0.0, translation=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What was drawn for a batch.

    Args:
        places: ``(B, 2, 3)`` affine maps from output to input coordinates, both -1..1.
        gamma: ``(B,)`` exponents.
        contrast: ``(B,)`` factors.
    """

    places: Tensor
    gamma: Tensor
    contrast: Tensor

    @property
    def moves(self) -> bool:
        """Whether anything changes its place."""
        return bool((self.places != torch.eye(2, 3)).any())


def draw(count: int, limits: Limits, generator: torch.Generator) -> Drawing:
    """Draw the parameters for ``count`` images, on the CPU.

    Args:
        count: number of images.
        limits: how far each may go.
        generator: the only source of randomness; the same state gives the same drawing.
    """
    uniform = torch.rand((6, count), generator=generator)

    def between(row: int, low: float, high: float) -> Tensor:
        return low + (high - low) * uniform[row]

    scale = between(0, *limits.scale)
    angle = between(1, -limits.rotation, limits.rotation) * (math.pi / 180)
    shifts = [between(row, -2 * limits.translation, 2 * limits.translation) for row in (2, 3)]
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    across = torch.stack((cosine, -sine, shifts[0]), dim=1)
    down = torch.stack((sine, cosine, shifts[1]), dim=1)
    return Drawing(
        torch.stack((across, down), dim=1),
        between(4, *limits.gamma),
        between(5, *limits.contrast),
    )


def move_image(images: Tensor, drawing: Drawing) -> Tensor:
    """Apply the drawn places and brightness to images.

    Args:
        images: ``(B, C, H, W)`` in -1..1.
        drawing: for B images.

    Returns:
        The same shape, type and range; black (-1) where the square was left.
    """
    moved = images
    if drawing.moves:
        # Zero is what grid_sample adds outside; one above black makes zero black.
        moved = _sample(images.float() + 1, drawing.places, "bilinear") - 1
    return _brighten(moved, drawing).to(images.dtype)


def move_labels(labels: Tensor, drawing: Drawing) -> Tensor:
    """Apply the drawn places to label maps, by nearest neighbour.

    Args:
        labels: ``(B, H, W)`` of any integer type; resolution may differ from the image's.
        drawing: for B maps.

    Returns:
        The same shape and type; 0 where the square was left.
    """
    if not drawing.moves:
        return labels
    moved = _sample(labels[:, None].float(), drawing.places, "nearest")
    return moved[:, 0].round().to(labels.dtype)


def _sample(maps: Tensor, places: Tensor, mode: str) -> Tensor:
    grid = functional.affine_grid(
        places.to(maps.device, maps.dtype), list(maps.shape), align_corners=False
    )
    return functional.grid_sample(maps, grid, mode, padding_mode="zeros", align_corners=False)


def _brighten(images: Tensor, drawing: Drawing) -> Tensor:
    if bool((drawing.gamma == 1).all() and (drawing.contrast == 1).all()):
        return images
    gamma, contrast = (
        value.to(images.device, images.dtype)[:, None, None, None]
        for value in (drawing.gamma, drawing.contrast)
    )
    curved = ((images + 1) / 2).clamp_min(0) ** gamma * 2 - 1
    return (curved * contrast).clamp(-1, 1)
