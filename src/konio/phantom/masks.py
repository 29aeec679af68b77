"""Where the ribs and the chest of a made-up person lie, drawn again when somebody asks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.phantom.anatomy import Chest, sum_volumes
from konio.phantom.bones import draw_ribs
from konio.phantom.frame import Frame

#: Cortical bone along the beam from which a pixel counts as rib, mm.
_RIB: Final = 0.5
#: Depth of the space inside the ribs along the beam from which a pixel counts as chest, mm.
_CHEST: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """What a film was drawn from.

    Args:
        chest: the person's outlines.
        frame: the film's pixel grid.
        bones: generator as it was before the bones were drawn; it is copied, never advanced.
    """

    chest: Chest
    frame: Frame
    bones: np.random.Generator

    def rib_mask(self) -> NDArray[np.bool_]:
        """All twelve pairs of ribs, ``(N, N)``."""
        ribs = draw_ribs(copy.deepcopy(self.bones), self.chest, self.frame)
        return np.asarray(ribs > _RIB)

    def chest_mask(self) -> NDArray[np.bool_]:
        """The shadow of the space inside the ribs (lungs, heart, mediastinum), ``(N, N)``."""
        return np.asarray(sum_volumes(self.chest, self.frame).thorax > _CHEST)
