"""One film as it is kept for training: read, lungs located, cut and resized, as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from konio.errors import RecordError, RefusedError
from konio.prepare import Preparation, lesion_shares, normalise
from konio.records import Case, Image, Lungs

#: Changes whenever the same film would be kept differently; part of a store's name.
PREPARATION: Final = "1"

#: Longer side of the grid on which a lung mask from a file is kept, as `konio.lungs.find_lungs` has it.
_GRID: Final = 512


class FilmFiles(NamedTuple):
    """The files of one case; unlike a `Case` they travel between processes.

    Args:
        path: the film.
        lungs: mask of both lungs, or ``None``.
        lesions: label image of known lesions, or ``None``.
    """

    path: str
    lungs: str | None = None
    lesions: str | None = None

    @classmethod
    def of(cls, case: Case) -> FilmFiles:
        """The files of a case."""
        return cls(case.path, case.lungs, case.lesions)


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """How films are kept.

    Args:
        preparation: as in the bundle to come; its size is the largest of ``sides``.
        sides: sizes to keep, ascending.
        segmenter: name or directory of the lung bundle for films whose cohort names no lung mask.
    """

    preparation: Preparation
    sides: tuple[int, ...]
    segmenter: str = "konio-lungs"

    @property
    def points(self) -> int:
        """Height and width of the maps of zones and lesions: eight per cell of the largest feature map."""
        return self.sides[-1] // 4


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFilm:
    """One film, kept.

    Args:
        images: side to ``(side, side)`` uint8; 0 is -1 and 255 is 1 of the network's range.
        zones: ``(points, points)`` uint8, 0..6.
        lesions: ``(3, points, points)`` uint8, 255 x share; ``None`` where the lesions are not known.
    """

    images: dict[int, NDArray[np.uint8]]
    zones: NDArray[np.uint8]
    lesions: NDArray[np.uint8] | None


def prepare_film(case: FilmFiles, plan: FilmPlan) -> PreparedFilm:
    """Read and cut one film of a cohort.

    Args:
        case: the film's files.
        plan: how it is kept.

    Raises:
        RefusedError: if the film cannot be read or shows no two lungs.
    """
    from konio.io import read

    image = read(Path(case.path))
    if image.kind != "radiograph":
        raise RefusedError("not-radiograph", f"a {image.kind} volume")
    shape = (image.shape[0], image.shape[1])
    lungs = None if plan.preparation.crop == "film" else _locate(case, image, plan)
    images = {}
    for side in plan.sides:
        sized = Preparation.from_json({**plan.preparation.to_json(), "size": side})
        pixels = normalise(sized.frame(shape, lungs).crop(image.pixels), sized.low, sized.high)
        images[side] = _bytes((pixels + 1) / 2)
    frame = plan.preparation.frame(shape, lungs)
    zones = np.zeros((plan.points, plan.points), np.uint8)
    if lungs is not None:
        zones = frame.crop_labels(lungs.zones, plan.points).astype(np.uint8)
    lesions = None
    if case.lesions is not None:
        labels = frame.crop_labels(_read_mask(case.lesions), plan.points * 4)
        lesions = _bytes(lesion_shares(torch.from_numpy(labels), plan.points).numpy())
    return PreparedFilm(images, zones, lesions)


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8)


def _locate(case: FilmFiles, image: Image, plan: FilmPlan) -> Lungs:
    from konio.lungs import find_lungs, zones_from_mask

    if case.lungs is None:
        return find_lungs(image, _segmenter(plan.segmenter))
    mask = _thinned(_read_mask(case.lungs) > 0)
    try:
        zones = zones_from_mask(mask)
        return Lungs(zones > 0, zones, (image.shape[0], image.shape[1]))
    except RecordError as error:
        raise RefusedError("no-lungs", f"the mask {Path(case.lungs).name}: {error}") from error


_SEGMENTERS: dict[str, Any] = {}


def _segmenter(name: str) -> Any:
    """One lung network per process, opened when the first film needs it."""
    from konio.lungs import load_segmenter

    if name not in _SEGMENTERS:
        _SEGMENTERS[name] = load_segmenter(name)
    return _SEGMENTERS[name]


def _read_mask(path: str) -> NDArray[np.uint8]:
    from PIL import Image as Picture

    try:
        with Picture.open(path) as picture:
            return np.array(picture if picture.mode == "L" else picture.convert("L"), np.uint8)
    except OSError as error:
        raise RefusedError("unreadable", f"mask {Path(path).name}: {error}") from error


def _thinned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask on a grid whose longer side is at most `_GRID`."""
    step = max(1, round(max(mask.shape) / _GRID))
    return np.ascontiguousarray(mask[step // 2 :: step, step // 2 :: step])
