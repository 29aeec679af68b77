"""How a cube of Hounsfield units around a nodule becomes what the network takes, and how it is moved in training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from konio.errors import RecordError
from konio.prepare.augment import Drawing, move_image

#: Levels of a stored voxel: 0 is the lower end of the window, 255 the upper.
_LEVELS = 255


@dataclass(frozen=True, slots=True)
class NodulePreparation:
    """Extent, resolution and window; stands in the bundle, so that answering repeats what training did.

    Args:
        voxels: ``(slices, rows, columns)`` of the network's input.
        side_mm: extent of the input along ``(z, y, x)``.
        low: HU that becomes -1.
        high: HU that becomes 1.

    Raises:
        RecordError: on a number out of range.

    Examples:
        >>> NodulePreparation().spacing_mm
        (1.0, 1.0, 1.0)

    References:
        Dossier 3.5 (window) and 4.3 B1 (geometry; the paper does not print it).
    """

    voxels: tuple[int, int, int] = (49, 32, 32)
    side_mm: tuple[float, float, float] = (49.0, 32.0, 32.0)
    low: float = -1000.0
    high: float = 400.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "voxels", tuple(self.voxels))
        object.__setattr__(self, "side_mm", tuple(self.side_mm))
        if len(self.voxels) != 3 or min(self.voxels) < 1 or len(self.side_mm) != 3:
            raise RecordError(
                f"a cube has three sides of at least one voxel, got {self.voxels}; correct it"
            )
        if min(self.side_mm) <= 0 or self.low >= self.high:
            raise RecordError(
                f"sides must be above 0 mm and the window ascend, got {self.side_mm} and {self.low} to {self.high}"
            )

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Size of a voxel, ``(z, y, x)``."""
        z, y, x = (mm / n for mm, n in zip(self.side_mm, self.voxels, strict=True))
        return (z, y, x)

    @property
    def margin(self) -> tuple[int, int]:
        """Voxels kept beyond the input on each side, ``(slices, in-plane)``: room to turn and to shift."""
        return (2 if self.voxels[0] > 1 else 0, -(-max(self.voxels[1:]) // 4))

    @property
    def kept(self) -> NodulePreparation:
        """The larger cube that is kept for training."""
        deep, wide = self.margin
        voxels = (self.voxels[0] + 2 * deep, self.voxels[1] + 2 * wide, self.voxels[2] + 2 * wide)
        z, y, x = (mm * n for mm, n in zip(self.spacing_mm, voxels, strict=True))
        return dataclasses.replace(self, voxels=voxels, side_mm=(z, y, x))

    def scaled(self, hu: NDArray[Any]) -> NDArray[np.float32]:
        """Hounsfield units to -1..1."""
        share = (np.asarray(hu, np.float32) - self.low) / (self.high - self.low)
        return np.asarray(np.clip(share, 0, 1) * 2 - 1, np.float32)

    def bytes_of(self, hu: NDArray[Any]) -> NDArray[np.uint8]:
        """Hounsfield units to stored bytes; 0 is -1 and 255 is 1 of the network's range."""
        return np.asarray(np.rint((self.scaled(hu) + 1) / 2 * _LEVELS), np.uint8)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = dataclasses.asdict(self)
        return {**plain, "voxels": list(self.voxels), "side_mm": list(self.side_mm)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NodulePreparation:
        """The preparation that `to_json` wrote.

        Raises:
            RecordError: on a field that no preparation has.
        """
        fields = {part.name for part in dataclasses.fields(cls)}
        if not set(plain) <= fields:
            raise RecordError(
                f"a nodule preparation has the fields {sorted(fields)}, got {sorted(plain)}; "
                "the file may come from another version of konio"
            )
        return cls(**plain)


@dataclass(frozen=True, slots=True, eq=False)
class CubeMoves:
    """How the cubes of a batch are moved.

    Args:
        drawing: in-plane places and tones, the same for all slices of a cube.
        shift: ``(B,)`` slices towards the head, within the margin.
        upside_down: ``(B,)`` bool, whether the slices run the other way.
    """

    drawing: Drawing
    shift: Tensor
    upside_down: Tensor


def move_cubes(
    kept: Tensor, preparation: NodulePreparation, moves: CubeMoves | None = None
) -> Tensor:
    """What the network sees of cubes kept with their margins.

    Args:
        kept: ``(B, *preparation.kept.voxels)`` bytes.
        preparation: of the network's input.
        moves: for B cubes; ``None`` takes the middle as it is.

    Returns:
        ``(B, *preparation.voxels)`` float32 in -1..1.

    Raises:
        RecordError: if the cubes have another shape.
    """
    if tuple(kept.shape[1:]) != preparation.kept.voxels:
        raise RecordError(
            f"kept cubes have {preparation.kept.voxels} voxels, got {tuple(kept.shape[1:])}; prepare them again"
        )
    deep, wide = preparation.margin
    slices, rows, columns = preparation.voxels
    if moves is None:
        middle = kept[:, deep : deep + slices, wide : wide + rows, wide : wide + columns]
        return middle.float() / (_LEVELS / 2) - 1
    order = torch.arange(slices, device=kept.device)[None].expand(len(kept), -1)
    order = torch.where(moves.upside_down[:, None].to(kept.device), order.flip(1), order)
    order = order + deep + moves.shift[:, None].to(kept.device)
    chosen = kept.gather(1, order[:, :, None, None].expand(-1, -1, *kept.shape[2:]))
    # Places are drawn on the input's square; the kept square is larger around the same middle.
    sizes = torch.tensor([columns / kept.shape[3], rows / kept.shape[2]], device=kept.device)
    places = moves.drawing.places.to(kept.device) * sizes[None, :, None]
    grid = functional.affine_grid(places, [len(kept), 1, rows, columns], align_corners=False)
    # One above the lower end of the window is 1: what comes in from outside is air.
    moved = functional.grid_sample(
        chosen.float() / (_LEVELS / 2), grid, padding_mode="zeros", align_corners=False
    )
    tones = Drawing(torch.eye(2, 3)[None], moves.drawing.gamma, moves.drawing.contrast)
    return move_image(moved - 1, tones)
