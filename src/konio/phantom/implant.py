"""Puts made-up opacities into a real film without disease: real anatomy, known lesions.

A display picture is treated as a logistic function of the logarithm of the exposure: opacities add to its
logit, scaled by the film's own contrast between lung and mediastinum. The result is for experiments on
explanations and robustness; the person's film stays a film without that disease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.phantom.canvas import Canvas, new_canvas, six_zones
from konio.phantom.labels import FilmPlan, plan_film
from konio.phantom.opacities import draw_large, draw_small
from konio.phantom.smooth import Floats
from konio.phantom.tuberculosis import draw_tuberculosis
from konio.records import frozen
from konio.standards import gbz

#: Height of the lung fields on the film where no spacing is known, mm.
LUNG_HEIGHT_MM: Final = 255.0
#: Rise of the logarithmic signal per mm of soft tissue and of bone behind scatter.
_PER_MM_SOFT: Final = 0.0165
_PER_MM_BONE: Final = 0.034
#: Difference of that signal between lung and mediastinum of an ordinary film.
_LUNG_TO_MEDIASTINUM: Final = 1.7
#: Fine detail is lifted by the processing of digital systems.
_DETAIL: Final = 1.5
#: Greatest depth of the lung along the beam, mm, and the distance from its edge at which 63 % is reached.
_DEPTH: Final = (115.0, 16.0)
_AERATED: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class ImplantedFilm:
    """A real film with made-up opacities.

    Args:
        display: ``(H, W)`` float32 in 0..1, bright bone.
        lungs: ``(H, W)`` bool, as given.
        zones: ``(H, W)`` uint8, 1..6.
        lesions: ``(H, W)`` uint8 as in `PhantomFilm`; opacities that were there before are not marked.
        spacing_mm: as given or assumed from the height of the lungs.
        spacing_assumed: whether it was assumed.
        findings: in the terms of GBZ 70-2015, of the made-up opacities alone.
        staging: stage and clause, ``None`` unless dust was wished for.
        labels: answers to the questions of `konio.tasks`.
    """

    display: Floats
    lungs: NDArray[np.bool_]
    zones: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    spacing_assumed: bool
    findings: gbz.Findings
    staging: gbz.Staging | None
    labels: Mapping[str, str | None]

    def __post_init__(self) -> None:
        for array in (self.display, self.lungs, self.zones, self.lesions):
            frozen(array)


def implant(
    film: Floats,
    lungs: NDArray[np.bool_],
    rng: np.random.Generator | int,
    wish: str = "dust-II",
    spacing_mm: tuple[float, float] | None = None,
) -> ImplantedFilm:
    """Puts the opacities of one wish into a real film.

    Args:
        film: ``(H, W)`` float32 in 0..1, bright bone, of a person without lung disease.
        lungs: ``(H, W)`` bool, both lung fields.
        rng: generator or seed.
        wish: one of `konio.phantom.WISHES` or `konio.phantom.FORM_WISHES`.
        spacing_mm: row and column spacing; assumed from the lungs where ``None``.

    Raises:
        UsageError: if film and mask do not fit, or the mask does not show two lungs.
    """
    _check(film, lungs)
    source = np.random.default_rng(rng) if isinstance(rng, int) else rng
    plans, paint = source.spawn(2)
    plan = plan_film(plans, wish)
    spacing = float(np.mean(spacing_mm)) if spacing_mm else _assumed(lungs)
    canvas = _square(lungs, spacing)
    _paint(paint, canvas, plan)
    height, width = film.shape
    part = (slice(0, height), slice(0, width))
    rise = _rise(canvas)[part]
    return ImplantedFilm(
        display=_lift(film, lungs, rise),
        lungs=lungs.copy(),
        zones=canvas.zones[part].copy(),
        lesions=canvas.lesions[part].copy(),
        spacing_mm=spacing_mm or (spacing, spacing),
        spacing_assumed=spacing_mm is None,
        findings=plan.findings,
        staging=plan.staging,
        labels=plan.labels,
    )


def _check(film: Floats, lungs: NDArray[np.bool_]) -> None:
    if film.ndim != 2 or film.shape != lungs.shape:
        raise UsageError(
            f"film {film.shape} and lung mask {lungs.shape} must be 2-D and share one grid; resize the mask"
        )
    if float(film.min()) < 0 or float(film.max()) > 1:
        raise UsageError("the film's values must lie in 0..1; read it with konio.io.read")
    if set(np.unique(six_zones(lungs))) - {0} != set(range(1, 7)):
        raise UsageError(
            "the mask does not show six zones of two lungs; give a mask of both lung fields"
        )


def _assumed(lungs: NDArray[np.bool_]) -> float:
    rows = np.flatnonzero(lungs.any(1))
    return LUNG_HEIGHT_MM / float(rows[-1] - rows[0] + 1)


def _square(lungs: NDArray[np.bool_], spacing: float) -> Canvas:
    """A square canvas over the film, with the depth of the lung guessed from the distance to its edge."""
    size = max(lungs.shape)
    field = np.zeros((size, size), bool)
    field[: lungs.shape[0], : lungs.shape[1]] = lungs
    away = ndi.distance_transform_edt(field).astype(np.float32) * np.float32(spacing)
    depth = np.float32(_DEPTH[0]) * (1 - np.exp(-away / np.float32(_DEPTH[1])))
    return new_canvas(depth * field, field, six_zones(field), spacing, _AERATED)


def _paint(rng: np.random.Generator, canvas: Canvas, plan: FilmPlan) -> None:
    for large in plan.large:
        draw_large(rng, canvas, large)
    draw_small(rng, canvas, plan.small)
    if plan.tuberculosis is not None:
        draw_tuberculosis(rng, canvas, plan.tuberculosis)


def _rise(canvas: Canvas) -> Floats:
    """Rise of the logarithmic signal, ``(N, N)`` float32."""
    soft = canvas.soft + canvas.density * (canvas.aeration - 1) * canvas.lung
    return np.asarray(_PER_MM_SOFT * soft + _PER_MM_BONE * canvas.bone, np.float32)


def _lift(film: Floats, lungs: NDArray[np.bool_], rise: Floats) -> Floats:
    """Adds to the film's logit, scaled by its own contrast."""
    safe = np.clip(film, 0.004, 0.996).astype(np.float32)
    logit = np.log(safe / (1 - safe))
    rows, cols = np.flatnonzero(lungs.any(1)), np.flatnonzero(lungs.any(0))
    inside = np.median(logit[lungs])
    box = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
    outside = np.percentile(logit[box][~lungs[box]], 75)
    scale = float(np.clip((outside - inside) / _LUNG_TO_MEDIASTINUM, 0.4, 3.0)) * _DETAIL
    changed = 1 / (1 + np.exp(-(logit + np.float32(scale) * rise)))
    return np.asarray(np.where(rise == 0, film, np.clip(changed, 0, 1)), np.float32)
