"""How much of what moved an answer lies inside the lungs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from konio.records import Lungs
from konio.tasks import TaskSet

if TYPE_CHECKING:
    from konio.assess.answering import Said

#: What makes the maps of an assessment.
EXPLAINER: Final = "hires-cam"

#: Below this share inside the lungs a page warns: more of what moved the answer then lies outside of them than inside.
#: See docs/decisions/0021-what-counts-as-a-good-explanation.md.
LOW: Final = 0.5


#: `konio.modality.Explanation.within` of an answer that is made from the lungs alone. Its map ends at their border, so that its
#: share inside them tells nothing about the network.
LUNGS_ALONE: Final = "lungs"


def explanation_facts(questions: TaskSet, said: Said, lungs: Lungs) -> Mapping[str, Any] | None:
    """The field ``explanation`` of an assessment.

    A zone's question looks at its zone only, so that its map says nothing here.

    Args:
        questions: of the model.
        said: what it says, with its maps.
        lungs: of the film.
    """
    import torch

    from konio.explain.measures import energy_share
    from konio.explain.regions import enlarge
    from konio.modality import REGION_GRID

    maps = {name: part.heat for name, part in said.why.items() if questions[name].zone is None}
    if not maps:
        return None
    mask = said.frame.crop_labels(lungs.mask, REGION_GRID)
    fine = enlarge(torch.from_numpy(np.stack(tuple(maps.values()))), REGION_GRID)
    shares = {name: energy_share(heat.clip(0), mask) for name, heat in zip(maps, fine, strict=True)}
    return {
        "explainer": EXPLAINER,
        "in_lungs": {name: None if math.isnan(s) else round(s, 4) for name, s in shares.items()},
        "made_from_lungs": [name for name in maps if said.why[name].within == LUNGS_ALONE],
        "lungs_area": round(float(mask.mean()), 4),
    }


def outside_the_lungs(explanation: Mapping[str, Any] | None) -> dict[str, float]:
    """Questions whose answer was moved more from outside the lungs than from inside, with the share inside."""
    shares = {} if explanation is None else explanation["in_lungs"]
    return {name: share for name, share in shares.items() if share is not None and share < LOW}
