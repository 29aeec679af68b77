"""A cube as one picture: its slices side by side, so that each patch of a Vision Transformer is one whole slice.

With ``grid`` tiles to a side and patches of ``patch`` pixels the cube has ``grid**2`` slices of ``patch x patch``::

    ViT          picture   grid   slices   in-plane
    B/32, 224    224        7      49       32
    B/16, 224    224       14     196       16
    B/16, 384    384       24     576       16

Slices run row by row: slice ``i`` is tile ``(i // grid, i % grid)``. A position embedding that was learned on
photographs therefore takes slice ``i`` and slice ``i + grid`` for neighbours one above the other; a depth embedding
(`konio.networks.nodule`) does not.

References:
    Paper C, section 2.2 and figure 3; the geometry is not printed there (dossier 4.3 B1).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from konio.errors import RecordError


@dataclass(frozen=True, slots=True)
class Mosaic:
    """How slices become tiles.

    Args:
        grid: tiles to a side.
        patch: height and width of a slice in pixels.

    Raises:
        RecordError: on a number below 1.

    Examples:
        >>> Mosaic(7, 32).slices, Mosaic(7, 32).side
        (49, 224)
    """

    grid: int
    patch: int

    def __post_init__(self) -> None:
        if self.grid < 1 or self.patch < 1:
            raise RecordError(
                f"a mosaic has at least one tile of one pixel, got {self.grid} x {self.grid} tiles of "
                f"{self.patch} pixels; give both"
            )

    @property
    def slices(self) -> int:
        """Slices of the cube."""
        return self.grid**2

    @property
    def side(self) -> int:
        """Height and width of the picture in pixels."""
        return self.grid * self.patch

    def tile(self, cube: Tensor) -> Tensor:
        """``(..., slices, patch, patch)`` to ``(..., side, side)``.

        Raises:
            RecordError: on a cube of another shape.
        """
        self._check(cube, (self.slices, self.patch, self.patch))
        front = cube.shape[:-3]
        tiles = cube.reshape(*front, self.grid, self.grid, self.patch, self.patch)
        return tiles.transpose(-3, -2).reshape(*front, self.side, self.side)

    def untile(self, picture: Tensor) -> Tensor:
        """``(..., side, side)`` to ``(..., slices, patch, patch)``; the exact inverse of `tile`.

        Raises:
            RecordError: on a picture of another shape.
        """
        self._check(picture, (self.side, self.side))
        front = picture.shape[:-2]
        tiles = picture.reshape(*front, self.grid, self.patch, self.grid, self.patch)
        return tiles.transpose(-3, -2).reshape(*front, self.slices, self.patch, self.patch)

    def corner(self, slice_number: int) -> tuple[int, int]:
        """Top and left pixel of a slice in the picture."""
        row, column = divmod(slice_number, self.grid)
        return row * self.patch, column * self.patch

    def _check(self, values: Tensor, shape: tuple[int, ...]) -> None:
        if tuple(values.shape[-len(shape) :]) != shape:
            raise RecordError(
                f"a mosaic of {self.grid} x {self.grid} tiles of {self.patch} pixels takes {shape}, "
                f"got {tuple(values.shape)}; crop the cube to this geometry"
            )
