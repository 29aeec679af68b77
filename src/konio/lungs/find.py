"""Both lungs of a film and their six zones, or a refusal."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio.errors import RefusedError
from konio.lungs.clean import THRESHOLD, solid
from konio.lungs.film import to_square
from konio.lungs.plausible import measure, objection
from konio.lungs.segmenter import LungSegmenter
from konio.lungs.upright import standing
from konio.lungs.zones import zones_from_sides
from konio.networks.unet import UNET_CHANNELS, UNET_SIDE
from konio.records import Image, Lungs

#: Cells of the lungs' grid for one pixel of the network's square; the longer side of the grid is 512 cells.
GRID_FACTOR: Final = 2


def find_lungs(image: Image, segmenter: LungSegmenter) -> Lungs:
    """Find both lungs and cut them into six zones.

    The network sees the film at 256 x 256; its probabilities are cleaned there (`konio.lungs.clean`) and interpolated
    to a grid with a longer side of 512 cells, on which the border is drawn.

    Args:
        image: a radiograph.
        segmenter: the lung network.

    Returns:
        Mask and zones on their own grid, with the way back to the film's pixels.

    Raises:
        RefusedError: ``not-radiograph`` for a CT, ``upside-down``, ``no-lungs`` if no two plausible lungs are there.
    """
    if image.kind != "radiograph":
        raise RefusedError("not-radiograph", f"a {image.kind} volume")
    square, box = to_square(image.pixels, UNET_SIDE)
    lungs = box.cut(segmenter.probabilities_of_square(square))  # (2, rows, columns)
    sides = np.stack([solid(lungs[i], name) for i, name in enumerate(UNET_CHANNELS)])
    sides = exclusive(sides)
    stands = standing(box.cut(square), sides > THRESHOLD)
    if stands.upside_down:
        detail = f"chest pattern {stands.upright:+.2f}, turned over {stands.turned:+.2f}"
        raise RefusedError("upside-down", detail)
    why = objection(measure(sides[0], sides[1], lungs))
    if why is not None:
        raise RefusedError("no-lungs", why)
    right, left = (grown > THRESHOLD for grown in _grow(sides))
    zones = zones_from_sides(right, left & ~right)
    return Lungs(zones > 0, zones, (image.pixels.shape[0], image.pixels.shape[1]))


def exclusive(sides: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where both lungs claim a pixel the surer one keeps it.

    Args:
        sides: ``(2, h, w)`` probabilities.

    Returns:
        ``(2, h, w)``, at most one of the two above `THRESHOLD` anywhere.
    """
    contested = (sides > THRESHOLD).all(axis=0)
    weaker = np.stack((sides[0] < sides[1], sides[0] >= sides[1]))
    return np.where(contested & weaker, np.float32(0), sides)


def _grow(sides: NDArray[np.float32]) -> NDArray[np.float32]:
    # (2, h, w) -> (2, GRID_FACTOR h, GRID_FACTOR w)
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(sides)[None], scale_factor=GRID_FACTOR, mode="bilinear"
    )
    return np.asarray(grown[0].numpy(), np.float32)
