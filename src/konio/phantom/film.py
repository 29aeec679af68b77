"""From a wish to a finished radiograph with its truth: the whole way on one screen.

References:
    Dossier sections 2.1 to 2.4. Nothing made here supports a statement about clinical accuracy.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.phantom.air import draw_air
from konio.phantom.anatomy import Volumes, draw_chest, sum_volumes
from konio.phantom.bones import draw_bones
from konio.phantom.canvas import Canvas, new_canvas, six_zones
from konio.phantom.co_findings import draw_co_findings, draw_nodes
from konio.phantom.frame import Frame
from konio.phantom.labels import FilmPlan, check_wishes, plan_film
from konio.phantom.masks import Anatomy
from konio.phantom.opacities import draw_large, draw_small
from konio.phantom.physics import expose
from konio.phantom.processing import DEVICES, develop, device
from konio.phantom.smooth import Floats, power_noise
from konio.phantom.subject import PRESETS, Subject, draw_subject
from konio.phantom.tuberculosis import draw_tuberculosis
from konio.phantom.vessels import draw_vessels
from konio.records import frozen
from konio.standards import gbz

#: Version of the recipe; the same version, seed and wish give the same film.
RECIPE: Final = "konio-phantom-radiograph/3"
#: Bits of a stored pixel.
BITS: Final = 12
#: Smallest and largest film, pixels.
SIZES: Final = (128, 3072)
#: Sex and device by class of the preset that shows shortcut learning.
_CONFOUNDED_MALE: Final = {"healthy": 0.55, "tuberculosis": 0.65, "dust": 0.99}
_CONFOUNDED_DEVICE: Final = {"healthy": "beta", "tuberculosis": "delta", "dust": "alpha"}


@dataclass(frozen=True, slots=True, eq=False)
class PhantomFilm:
    """A made-up radiograph and everything true about it.

    Args:
        pixels: ``(N, N)`` uint16, 12 bits, bright bone, as they are stored.
        display: ``(N, N)`` float32 in 0..1, the same picture.
        spacing_mm: row and column spacing on the detector.
        lungs: ``(N, N)`` bool, both lung fields.
        zones: ``(N, N)`` uint8, 1..6 in the order of `konio.tasks.ZONES`.
        lesions: ``(N, N)`` uint8: 1 small opacity, 2 large opacity, 3 tuberculosis, 4 co-finding.
        findings: in the terms of GBZ 70-2015.
        staging: stage and clause; ``None`` unless dust-exposed.
        labels: answers to the questions of `konio.tasks`.
        covariates: sex, age, device, opacity type, observed stage and more, as text.
        anatomy: draws masks of ribs and chest on demand.
    """

    pixels: NDArray[np.uint16]
    display: Floats
    spacing_mm: tuple[float, float]
    lungs: NDArray[np.bool_]
    zones: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    findings: gbz.Findings
    staging: gbz.Staging | None
    labels: Mapping[str, str | None]
    covariates: Mapping[str, str] = field(default_factory=dict)
    anatomy: Anatomy | None = None

    def __post_init__(self) -> None:
        for array in (self.pixels, self.display, self.lungs, self.zones, self.lesions):
            frozen(array)


def radiograph(
    rng: np.random.Generator | int,
    wish: str = "healthy",
    size: int = 512,
    device_name: str | None = None,
    preset: str = "independent",
) -> PhantomFilm:
    """Makes one radiograph.

    Person, plan, opacities and exposure have generators of their own: the same seed with another wish
    gives the same person with another disease.

    Args:
        rng: generator or seed.
        wish: one of `konio.phantom.WISHES` or `konio.phantom.FORM_WISHES`.
        size: rows and columns, 128 to 3072.
        device_name: key of `konio.phantom.DEVICES`; drawn where ``None``.
        preset: ``independent`` (covariates know nothing of the class) or ``paper_confounded``.

    Raises:
        UsageError: on an unknown wish, device or preset, or a size out of range.

    Examples:
        >>> film = radiograph(7, "dust-II", size=128)
        >>> film.labels["stage"], film.pixels.shape
        ('II', (128, 128))
    """
    _check(wish, size, preset)
    source = np.random.default_rng(rng) if isinstance(rng, int) else rng
    body, plans, paint, light = source.spawn(4)
    differential = wish.partition("-")[0]
    make, male = _covariates(body, differential, preset)
    name = make if device_name is None else device_name
    chosen = device(name)
    subject = draw_subject(body, male)
    plan = plan_film(plans, wish)
    frame = Frame(size, subject)
    canvas, soft, bone, volumes, anatomy = _person(body, paint, frame, plan)
    soft = np.maximum(soft + canvas.soft, 0)
    signal = expose(light, soft, bone + canvas.bone, canvas.field, frame.spacing, chosen.detector)
    display = develop(signal, canvas.field, volumes.body > 20, frame.spacing, chosen)
    film = _film(display, canvas, plan, subject, plans, name)
    return replace(film, anatomy=anatomy)


def _check(wish: str, size: int, preset: str) -> None:
    check_wishes(wish)
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(
            f"size must lie in {SIZES[0]}..{SIZES[1]} pixels, got {size}; give e.g. 512"
        )
    if preset not in PRESETS:
        raise UsageError(f"preset {preset!r} is unknown; use one of {', '.join(PRESETS)}")


def _covariates(rng: np.random.Generator, differential: str, preset: str) -> tuple[str, float]:
    """Device and share of men: alike in all classes unless the preset confounds them."""
    make = str(rng.choice(list(DEVICES)))
    if preset == "independent":
        return make, 0.9
    if rng.random() < 0.8:
        make = _CONFOUNDED_DEVICE[differential]
    return make, _CONFOUNDED_MALE[differential]


def _person(
    body: np.random.Generator, paint: np.random.Generator, frame: Frame, plan: FilmPlan
) -> tuple[Canvas, Floats, Floats, Volumes, Anatomy]:
    """Canvas with all findings, soft tissue and bone of the person in mm along the beam, and the anatomy."""
    subject = frame.subject
    chest = draw_chest(body, subject)
    volumes = sum_volumes(chest, frame)
    lungs = lung_fields(volumes)
    middle = float(frame.to_pixels(0.0, 0.0, 0.0)[1])
    zones = six_zones(lungs, middle)
    canvas = new_canvas(volumes.lung, lungs, zones, frame.spacing, subject.lung_density, frame)
    anatomy = Anatomy(chest, frame, copy.deepcopy(body))
    bone = draw_bones(body, chest, frame)
    marking = plan.marking * (1.18 if "bronchitis" in subject.co_findings else 1.0)
    blood = draw_vessels(body, chest, frame, marking)
    texture = power_noise(body, frame.size, frame.spacing, (2.5, 60), 3.0)
    air = draw_air(body, chest, frame) * np.clip(1 - volumes.lung / 50, 0, 1)
    draw_co_findings(body, canvas, chest, frame)
    for large in plan.large:
        draw_large(paint, canvas, large)
    draw_small(paint, canvas, plan.small)
    if plan.tuberculosis is not None:
        draw_tuberculosis(paint, canvas, plan.tuberculosis)
    if plan.nodes != "none":
        draw_nodes(paint, canvas, frame, eggshell=plan.nodes == "eggshell")
    falling = _gradient(frame)
    aerated = subject.lung_density * falling * (1 + np.float32(0.045) * texture) * canvas.aeration
    soft = volumes.body - volumes.lung - np.minimum(air, volumes.body * 0.8)
    soft += volumes.lung * aerated
    soft += blood * np.float32(1.2 * canvas.contrast) * np.clip(volumes.lung / 14, 0, 1)
    return canvas, soft, bone, volumes, anatomy


def lung_fields(volumes: Volumes) -> NDArray[np.bool_]:
    """The lung fields of a film: enough lung along the beam, and no heart in the way."""
    enough = (volumes.lung > 9) & (volumes.lung > np.float32(0.56) * volumes.thorax)
    return np.asarray(enough & (volumes.heart < 12), bool)


def _gradient(frame: Frame) -> Floats:
    """Lung is sixteen per cent lighter every 150 mm upwards (the dossier says ten; real bases are denser)."""
    up = 188 - (np.arange(frame.size, dtype=np.float32) + 0.5) * frame.spacing
    return np.asarray(1 - 0.16 * (up / 150), np.float32)[:, None]


def _film(
    display: Floats,
    canvas: Canvas,
    plan: FilmPlan,
    subject: Subject,
    rng: np.random.Generator,
    device_name: str,
) -> PhantomFilm:
    stored = np.round(display * (2**BITS - 1)).astype(np.uint16)
    return PhantomFilm(
        pixels=stored,
        display=(stored / np.float32(2**BITS - 1)).astype(np.float32),
        spacing_mm=(canvas.spacing, canvas.spacing),
        lungs=canvas.field,
        zones=canvas.zones,
        lesions=canvas.lesions,
        findings=plan.findings,
        staging=plan.staging,
        labels=plan.labels,
        covariates=_story(plan, subject, rng, device_name),
    )


def _story(
    plan: FilmPlan, subject: Subject, rng: np.random.Generator, device_name: str
) -> dict[str, str]:
    """The covariates of one film as text."""
    facts: dict[str, Any] = {
        "sex": subject.sex,
        "age": subject.age,
        "device": device_name,
        "opacity_type": plan.small.letters,
        "observed_stage": plan.observed_stage or "",
        "clause": plan.staging.clause if plan.staging else "",
        "tuberculosis_form": "+".join(plan.tuberculosis.forms) if plan.tuberculosis else "",
        "hilar_nodes": plan.nodes,
        "co_findings": "+".join(subject.co_findings),
        "large_mm": "+".join(f"{o.long_mm:g}x{o.short_mm:g}" for o in plan.findings.large),
        "exposure_years": "",
        "dust": "",
    }
    if plan.differential == "dust":
        facts["exposure_years"] = int(rng.integers(3, max(4, min(40, subject.age - 18))))
        facts["dust"] = str(rng.choice(["silica", "coal", "mixed"], p=[0.5, 0.35, 0.15]))
    return {name: str(value) for name, value in facts.items()}
