"""Maps against made-up patients, whose lesions, lungs, ribs and chest are known to the pixel.

References:
    Dossier 4.2 B29 and section 5, S12. Nothing measured here is a clinical result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import UsageError
from konio.explain.measures import TOP_PERCENT, energy_share, pointing_score, top_iou
from konio.explain.regions import end_at, enlarge
from konio.phantom import PhantomFilm
from konio.prepare import Frame, Preparation, prepare_film
from konio.records import Image, Lungs, Source, frozen

Mask = NDArray[np.bool_]

#: Side of the grid on which maps and masks meet.
GRID: Final = 256
#: Pixels of this grid by which the pointing game may miss: half a cell of a map of 16 x 16 cells, as much of the square
#: as the 15 pixels of the paper are of its pictures.
TOLERANCE: Final = GRID // 32

#: Which kinds of lesion a class is about: values of `PhantomFilm.lesions` by question and class. A class that is not
#: named, healthy for instance, has nothing on the film to be found.
LESIONS_OF: Final[Mapping[tuple[str, str], tuple[int, ...]]] = MappingProxyType(
    {
        ("differential", "tuberculosis"): (3,),
        ("differential", "dust"): (1, 2),
        ("stage", "I"): (1, 2),
        ("stage", "II"): (1, 2),
        ("stage", "III"): (1, 2),
        ("large_opacity", "present"): (2,),
        ("aggregation", "present"): (1, 2),
    }
)

#: Every score of a map, in the order of a table.
SCORES: Final = (
    "pointing",
    "pointing_near",
    *(f"iou_{percent:g}" for percent in TOP_PERCENT),
    "in_lesions",
    "in_lungs",
    "on_ribs",
    "outside_chest",
)


@dataclass(frozen=True, slots=True, eq=False)
class KnownFilm:
    """A made-up film as a network gets it, with its truth on the same square.

    Args:
        image: ``(1, S, S)`` in -1..1.
        zones: ``(6, S / 32, S / 32)`` zone weights.
        lungs: ``(GRID, GRID)`` bool, the true ones.
        seen: ``(GRID, GRID)`` bool, the lungs that the network was told of.
        ribs: likewise.
        chest: the shadow of the space inside the ribs, likewise.
        lesions: ``(GRID, GRID)`` uint8 as `PhantomFilm.lesions`.
        labels: answers to the questions of `konio.tasks`.
    """

    image: Tensor
    zones: Tensor | None
    lungs: Mask
    seen: Mask
    ribs: Mask
    chest: Mask
    lesions: NDArray[np.uint8]
    labels: Mapping[str, str | None]

    def __post_init__(self) -> None:
        for array in (self.lungs, self.seen, self.ribs, self.chest, self.lesions):
            frozen(array)

    def lesions_of(self, task: str, answer: str) -> Mask:
        """Where the lesions lie that an answer is about; empty for one that is about none."""
        return np.isin(self.lesions, LESIONS_OF.get((task, answer), ()))


def known_film(
    film: PhantomFilm,
    preparation: Preparation,
    find: Callable[[Image], Lungs] | None = None,
) -> KnownFilm:
    """A made-up film with its truth.

    Args:
        film: from `konio.phantom.radiograph`.
        preparation: of the network that will be asked.
        find: finds the lungs that the network is told of, as an assessment does; the true ones where ``None``, so
            that no other network has a say.

    Raises:
        UsageError: if the film has no lungs or does not know its anatomy (an implant on a real film).
    """
    if film.anatomy is None or not film.lungs.any():
        raise UsageError(
            "a map is measured on a made-up film with lungs and anatomy; take one from konio.phantom.radiograph"
        )
    shape = (film.display.shape[0], film.display.shape[1])
    source = Source("made-up", "0" * 64, "memory", *shape)
    image = Image(film.display.copy(), film.spacing_mm, "radiograph", source)
    lungs = Lungs(film.zones > 0, film.zones.copy(), shape) if find is None else find(image)
    prepared = prepare_film(image, lungs, preparation)
    frame: Frame = prepared.frame
    return KnownFilm(
        prepared.image,
        prepared.zones,
        frame.crop_labels(film.lungs, GRID),
        frame.crop_labels(lungs.zones, GRID) > 0,
        frame.crop_labels(film.anatomy.rib_mask(), GRID),
        frame.crop_labels(film.anatomy.chest_mask(), GRID),
        frame.crop_labels(film.lesions, GRID),
        film.labels,
    )


def score_map(
    heat: Tensor, film: KnownFilm, lesions: Mask, *, ended: bool = False
) -> dict[str, float]:
    """Every score of one map; ``nan`` where it is not defined.

    Args:
        heat: ``(h, w)`` on any grid over the film's square, not negative.
        film: with its truth.
        lesions: what there is to be found (`KnownFilm.lesions_of`).
        ended: whether the map ends at the border of the lungs that the network was told of, as on a page.
    """
    fine = enlarge(heat, GRID)
    if ended:
        fine = end_at(fine, film.seen)
    scores = (
        pointing_score(fine, lesions),
        pointing_score(fine, lesions, TOLERANCE),
        *(top_iou(fine, lesions, percent) for percent in TOP_PERCENT),
        energy_share(fine, lesions) if lesions.any() else float("nan"),
        energy_share(fine, film.lungs),
        energy_share(fine, film.ribs),
        energy_share(fine, ~film.chest),
    )
    return dict(zip(SCORES, scores, strict=True))


def chance(film: KnownFilm, lesions: Mask, *, ended: bool = False) -> dict[str, float]:
    """The scores of a map that is the same everywhere: what a map has to do better than.

    Args:
        film: with its truth.
        lesions: what there is to be found.
        ended: the same everywhere in the lungs, and nothing outside: what a head that sees the lungs alone shows
            without knowing anything.
    """
    return score_map(torch.ones(1, 1), film, lesions, ended=ended)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over films.

    Args:
        value: of those where the score is defined; ``nan`` if there are none.
        films: how many those are.
    """

    value: float
    films: int


def mean_scores(scores: Iterable[Mapping[str, float]]) -> dict[str, Mean]:
    """Mean of every score over the films where it is defined."""
    rows = list(scores)
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if name in row and np.isfinite(row[name])]
        found[name] = Mean(float(np.mean(values)) if values else float("nan"), len(values))
    return found
