"""From a heat map to boxes: where the evidence lies, in which zone, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from konio.errors import RecordError
from konio.prepare.geometry import Frame
from konio.records import Box, EvidenceRegion, Lungs
from konio.tasks import ZONES


@dataclass(frozen=True, slots=True)
class RegionRule:
    """Which parts of a heat map become boxes.

    Args:
        threshold: share of the map's maximum from which a cell belongs to a region.
        most: how many regions are kept, the strongest first.
        least_share: boxes with less than this share of the map's whole energy are left out.

    Raises:
        RecordError: if a share is not within 0..1 or ``most`` is not positive.
    """

    threshold: float = 0.5
    most: int = 4
    least_share: float = 0.02

    def __post_init__(self) -> None:
        if not (0 < self.threshold <= 1 and 0 <= self.least_share <= 1 and self.most >= 1):
            raise RecordError(
                f"shares lie in 0..1 and at least one region is kept, got {self}; correct the rule"
            )


def enlarge(heat: Tensor, size: int) -> NDArray[np.float32]:
    """Heat maps on a finer grid, bilinear.

    Args:
        heat: ``(..., h, w)``, not negative.
        size: height and width wanted: 128 is fine enough for boxes, the network's size for a picture.

    Returns:
        ``(..., size, size)`` float32.
    """
    stack = heat.detach().float().reshape(1, -1, *heat.shape[-2:])
    grown = functional.interpolate(stack, size=(size, size), mode="bilinear", align_corners=False)
    finer: NDArray[np.float32] = grown.reshape(*heat.shape[:-2], size, size).numpy(force=True)
    return finer


def end_at(heat: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Enlarged maps that end where the answer stops looking.

    A head that weighs cells by their share of lung has used nothing of what lies beyond the lungs' border; that a
    cell at the border reaches over it is the picture's doing, not the network's (docs/decisions/0043).

    Args:
        heat: ``(..., n, n)``, from `enlarge`.
        seen: ``(n, n)`` what the answer was made from.

    Raises:
        RecordError: if the two lie on different grids.
    """
    if heat.shape[-2:] != seen.shape:
        raise RecordError(
            f"a map {heat.shape} ends at a mask of its own grid, got {seen.shape}; resize one of them"
        )
    return np.asarray(heat * seen, np.float32)


def find_regions(
    task: str,
    heat: NDArray[np.float32],
    frame: Frame,
    lungs: Lungs | None = None,
    rule: RegionRule | None = None,
) -> tuple[EvidenceRegion, ...]:
    """Connected parts of a heat map above a threshold, as boxes in film pixels.

    Args:
        task: the question the map explains.
        heat: ``(n, n)`` on any grid over the frame's square, from `enlarge`.
        frame: where the square lies on the film.
        lungs: for the zone of each region; the zone is ``None`` without them.
        rule: threshold and limits; the default where ``None``.

    Returns:
        By share, largest first; equal ones from top to bottom and left to right. Empty for a map that is
        zero everywhere.

    Raises:
        RecordError: if the map is not square.
    """
    if heat.ndim != 2 or heat.shape[0] != heat.shape[1]:
        raise RecordError(f"the heat map must be square, got {heat.shape}; give one image's map")
    rule = rule or RegionRule()
    whole = float(heat.sum(dtype=np.float64))
    if not (np.isfinite(whole) and whole > 0):
        return ()
    zones = None if lungs is None else frame.crop_labels(lungs.zones, heat.shape[0])
    step = frame.size / heat.shape[0]
    found = []
    for rows, columns, part in _parts(heat, rule.threshold * float(heat.max())):
        share = float(heat[rows, columns].sum(dtype=np.float64)) / whole
        edges = (rows.start, columns.start, rows.stop, columns.stop)
        box = frame.to_film(tuple(edge * step for edge in edges))
        if share >= rule.least_share and _has_area(box):
            zone = None if zones is None else _main_zone(part, zones[rows, columns])
            found.append(EvidenceRegion(task, box, zone, min(share, 1.0)))
    found.sort(key=lambda region: (-region.share, region.box_px))
    return tuple(found[: rule.most])


def strong_parts(
    heat: NDArray[np.float32], rule: RegionRule | None = None
) -> tuple[tuple[int, int, int, int], ...]:
    """Boxes around the strong parts of a map on its own grid, the strongest first; none of a map that is zero.

    Args:
        heat: ``(n, n)``, not negative.
        rule: threshold and limits; the default where ``None``.
    """
    rule = rule or RegionRule()
    whole = float(heat.sum(dtype=np.float64))
    if not (np.isfinite(whole) and whole > 0):
        return ()
    found = [
        (
            float(part.sum(dtype=np.float64)) / whole,
            (rows.start, columns.start, rows.stop, columns.stop),
        )
        for rows, columns, part in _parts(heat, rule.threshold * float(heat.max()))
    ]
    kept = sorted(
        (one for one in found if one[0] >= rule.least_share), key=lambda one: (-one[0], one[1])
    )
    return tuple(box for _, box in kept[: rule.most])


def _parts(
    heat: NDArray[np.float32], threshold: float
) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Rows, columns and energies of every 8-connected part."""
    from scipy import ndimage

    labels, _ = ndimage.label(heat >= threshold, structure=np.ones((3, 3)))
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        yield rows, columns, np.where(labels[rows, columns] == number, heat[rows, columns], 0)


def _main_zone(part: NDArray[np.float32], zones: NDArray[np.uint8]) -> str | None:
    """The zone with most of a part's energy; ``None`` where more than half lies outside the lungs."""
    energy = np.bincount(zones.ravel(), weights=part.ravel(), minlength=len(ZONES) + 1)
    if energy[0] > energy[1:].sum():
        return None
    return ZONES[int(energy[1:].argmax())]


def _has_area(box: Box) -> bool:
    return box[2] > box[0] and box[3] > box[1]
