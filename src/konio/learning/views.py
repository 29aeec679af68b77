"""What the network sees of a batch, computed on its own device: moved image, zone weights, lesion shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from konio.learning.batches import Batch
from konio.learning.recipe import STRIDE
from konio.prepare import Drawing, move_image, zone_weights
from konio.tasks import MISSING, ZONES, TaskSet

#: Points per cell and axis at which zones and lesions are read.
_POINTS: Final = 4
#: Part of a zone that a window must show for its label to hold there. GBZ 70-2015 B.1.2.3 asks that
#: opacities cover two thirds of a zone; half of it seen is half of that evidence.
_SEEN: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One batch as the network sees it.

    Args:
        image: ``(B, 1, size, size)`` float32 in -1..1.
        zones: ``(B, 6, h, w)`` weights, ``h = w = size / 32``.
        lesions: ``(B, 3, 4 h, 4 w)`` shares 0..1.
        seen: ``(B, 6)`` part of each zone inside the view, 0..1.
    """

    image: Tensor
    zones: Tensor
    lesions: Tensor
    seen: Tensor


def view(batch: Batch, size: int) -> View:
    """Move, cut and tone a batch.

    Args:
        batch: from `konio.learning.batches`; without ``places`` it is left where it is.
        size: side of what the network sees.
    """
    places = batch.get("places")
    cells = size // STRIDE
    if places is None:
        zones = zone_weights(_fitted(batch["zones"], cells), cells)
        lesions = functional.adaptive_avg_pool2d(batch["lesions"].float() / 255, cells * _POINTS)
        image = batch["image"][:, None].float() / 127.5 - 1
        return View(image, zones, lesions, torch.ones_like(zones[:, :, 0, 0]))
    points = cells * _POINTS
    labels = _sample(batch["zones"][:, None].float(), places, points, "nearest")
    zones = zone_weights(labels[:, 0], cells)
    whole = zone_weights(batch["zones"], 1)[:, :, 0, 0]
    extent = torch.linalg.det(places[:, :, :2]).abs()[:, None]
    seen = zones.mean(dim=(2, 3)) * extent / whole.clamp_min(1e-6)
    lesions = _sample(batch["lesions"].float() / 255, places, points, "bilinear")
    # Black is 0 while moving, so that what comes in from outside the film is black.
    image = _sample(batch["image"][:, None].float() / 127.5, places, size, "bilinear") - 1
    toned = move_image(image, Drawing(torch.eye(2, 3)[None], batch["gamma"], batch["contrast"]))
    return View(toned, zones, lesions, seen.clamp(max=1))


def visible_labels(labels: Tensor, seen: Tensor, tasks: TaskSet, windowed: bool) -> Tensor:
    """Labels that can be told from the view; in a window, only of zones that are mostly inside.

    Args:
        labels: ``(B, T)`` int64.
        seen: ``(B, 6)`` from `View`.
        tasks: the questions, one per column.
        windowed: whether the view is a part of the film.

    Returns:
        ``(B, T)``, `MISSING` where the view does not show what the question asks.
    """
    if not windowed:
        return labels
    columns = [
        torch.zeros_like(seen[:, 0], dtype=torch.bool)
        if task.zone is None
        else seen[:, ZONES.index(task.zone)] >= _SEEN
        for task in tasks
    ]
    return torch.where(torch.stack(columns, dim=1), labels, MISSING)


def _fitted(labels: Tensor, cells: int) -> Tensor:
    """The label map at a size that whole cells divide."""
    if labels.shape[-1] % cells == 0:
        return labels
    size = cells * _POINTS
    return functional.interpolate(labels[:, None].float(), size, mode="nearest-exact")[:, 0]


def _sample(maps: Tensor, places: Tensor, side: int, mode: str) -> Tensor:
    """``(B, C, M, M)`` to ``(B, C, side, side)``; zero from outside."""
    grid = functional.affine_grid(
        places.to(maps.dtype), [maps.shape[0], 1, side, side], align_corners=False
    )
    return functional.grid_sample(maps, grid, mode=mode, padding_mode="zeros", align_corners=False)
