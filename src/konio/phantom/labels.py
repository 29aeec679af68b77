"""What a film shows and what follows from it: zones are drawn, the stage comes out of GBZ 70-2015.

References:
    Dossier section 2.3 ("Label model"); GBZ 70-2015, B.1.2.3 (two thirds of a zone).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from konio.errors import UsageError
from konio.phantom.opacities import DENSITY, LargePlan, SmallPlan
from konio.phantom.shapes import draw_outline
from konio.phantom.tuberculosis import (
    TUBERCULOSIS_FORMS,
    TuberculosisPlan,
    plan_tuberculosis,
)
from konio.standards import gbz
from konio.standards.findings import (
    LARGE_OPACITY_OVER_MM,
    STAGE_III_LONG_AT_LEAST_MM,
    STAGE_III_SHORT_OVER_MM,
)
from konio.tasks import PROFUSIONS, STAGE, ZONES

#: The classes that can be wished for.
WISHES: Final = ("healthy", "tuberculosis", "dust-0", "dust-I", "dust-II", "dust-III")
#: Tuberculosis whose leading form is wished for as well, for cohorts that hold more of a rare one.
FORM_WISHES: Final = tuple(f"tuberculosis-{form}" for form in TUBERCULOSIS_FORMS)
#: Severity on the 0..11 scale by stage.
SEVERITY: Final = MappingProxyType(
    {"0": (0.2, 2.2), "I": (2.5, 5.0), "II": (5.5, 8.5), "III": (7.0, 11.0)}
)
#: Types of small opacities of a 512-pixel film, and the part of people with irregular ones.
ROUNDED: Final = MappingProxyType({"p": 0.30, "q": 0.55, "r": 0.15})
IRREGULAR_SHARE: Final = 0.15
#: Standard deviation of one reader, minor categories.
READER_ERROR: Final = 1.2
#: Coverage below which a zone does not receive its profusion.
LEAST_COVERAGE: Final = 2 / 3
_PROFILE: Final = (0.5, 0.3, -0.8)
_ATTEMPTS: Final = 4000


@dataclass(frozen=True, slots=True, eq=False)
class FilmPlan:
    """Everything a film is going to show.

    Args:
        differential: ``healthy``, ``tuberculosis`` or ``dust``.
        small: small opacities, or sparse ones of the background.
        large: large opacities.
        tuberculosis: its plan, or ``None``.
        findings: in the terms of GBZ 70-2015.
        staging: what GBZ 70-2015 says of dust-exposed people, else ``None``.
        observed_stage: majority of three readers, else ``None``.
        marking: factor of the small vessels' radii.
        nodes: ``none``, ``enlarged`` or ``eggshell`` hilar nodes.
    """

    differential: str
    small: SmallPlan
    large: tuple[LargePlan, ...]
    tuberculosis: TuberculosisPlan | None
    findings: gbz.Findings
    staging: gbz.Staging | None
    observed_stage: str | None
    marking: float
    nodes: str

    @property
    def labels(self) -> Mapping[str, str | None]:
        """Answers to the questions of `konio.tasks`; ``None`` where a question does not apply."""
        zoned = self.differential != "tuberculosis"
        labels: dict[str, str | None] = {
            "differential": self.differential,
            "stage": self.staging.stage if self.staging else None,
        }
        for zone in ZONES:
            labels[f"zone_{zone}"] = self.findings.zones[zone] if zoned else None
        dust = self.differential == "dust"
        labels["large_opacity"] = _present(self._has_large) if dust else None
        labels["aggregation"] = _present(self.findings.aggregation) if dust else None
        return MappingProxyType(labels)

    @property
    def _has_large(self) -> bool:
        return any(
            o.long_mm >= STAGE_III_LONG_AT_LEAST_MM and o.short_mm > STAGE_III_SHORT_OVER_MM
            for o in self.findings.large
        )


def _present(yes: bool) -> str:
    return "present" if yes else "absent"


def plan_film(rng: np.random.Generator, wish: str) -> FilmPlan:
    """Draws what a film of the wished class shows.

    Severity and zones are drawn first; the rules decide the stage; what misses the wish is drawn again.

    Args:
        rng: generator.
        wish: one of `WISHES` or `FORM_WISHES`.

    Raises:
        UsageError: if the wish is unknown.
    """
    check_wishes(wish)
    differential, _, rest = wish.partition("-")
    if differential != "dust":
        return _without_dust(rng, differential, rest)
    stage = rest
    for _ in range(_ATTEMPTS):
        plan = _with_dust(rng, stage)
        if plan.staging is not None and plan.staging.stage == stage:
            return plan
    raise UsageError(
        f"no film of {wish} came up in {_ATTEMPTS} draws because the rules never gave that stage; "
        "check the severity ranges"
    )


def check_wishes(*wishes: str) -> None:
    """Refuses what cannot be wished for.

    Raises:
        UsageError: naming the first unknown wish and all known ones.
    """
    known = (*WISHES, *FORM_WISHES)
    for wish in wishes:
        if wish not in known:
            raise UsageError(f"wish {wish!r} is unknown; use one of {', '.join(known)}")


def _types(rng: np.random.Generator) -> tuple[str, str]:
    """Predominant and second type of opacity, alike in all stages."""
    rounded = str(rng.choice(list(ROUNDED), p=list(ROUNDED.values())))
    if rng.random() < IRREGULAR_SHARE:
        irregular = str(rng.choice(["s", "t", "u"], p=[0.45, 0.40, 0.15]))
        return (irregular, rounded) if rng.random() < 0.5 else (rounded, irregular)
    if rng.random() < 0.35:
        return rounded, str(rng.choice(list(ROUNDED), p=list(ROUNDED.values())))
    return rounded, rounded


def _without_dust(rng: np.random.Generator, differential: str, form: str) -> FilmPlan:
    """Healthy people and tuberculosis: nothing, or the sparse background of ``0/0``."""
    levels = tuple(int(v) for v in rng.integers(0, 2, 6))
    types = _types(rng)
    small = SmallPlan(levels, (0.9,) * 6, *types)
    return FilmPlan(
        differential=differential,
        small=small,
        large=(),
        tuberculosis=plan_tuberculosis(rng, form) if differential == "tuberculosis" else None,
        findings=gbz.Findings(_zones(levels)),
        staging=None,
        observed_stage=None,
        marking=_marking(rng, 1.0),
        nodes="none",
    )


def _marking(rng: np.random.Generator, mean: float) -> float:
    return float(np.clip(rng.normal(mean, 0.06), 0.85, 1.4))


def _zones(levels: tuple[int, ...]) -> dict[str, str]:
    return {zone: PROFUSIONS[level] for zone, level in zip(ZONES, levels, strict=True)}


def _with_dust(rng: np.random.Generator, stage: str) -> FilmPlan:
    """One draw for a dust-exposed person; the outcome may be another stage."""
    drawn = _levels(rng, stage)
    coverage = tuple(float(v) for v in _coverage(rng))
    levels = effective_levels(drawn, coverage)
    aggregated = _aggregation(rng, stage, levels)
    large = _large(rng, stage)
    findings = gbz.Findings(
        _zones(levels),
        aggregation=bool(aggregated),
        large=tuple(
            gbz.LargeOpacity(round(long, 1), round(short, 1))
            for long, short in (plan.outline.diameters() for plan in large)
            if long > LARGE_OPACITY_OVER_MM
        ),
    )
    staging = gbz.stage(findings)
    silicotic = STAGE.index(staging.stage) > 0 and rng.random() < 0.25
    chalk = 0.08 if max(levels) >= 6 and rng.random() < 0.15 else 0.0
    return FilmPlan(
        differential="dust",
        small=SmallPlan(drawn, coverage, *_types(rng), aggregated, chalk),
        large=large,
        tuberculosis=None,
        findings=findings,
        staging=staging,
        observed_stage=_observed(rng, findings),
        marking=_marking(rng, 1.08),
        nodes=("eggshell" if rng.random() < 0.2 else "enlarged") if silicotic else "none",
    )


def _levels(rng: np.random.Generator, stage: str) -> tuple[int, ...]:
    """Six minor categories around one severity with a profile from top to bottom of either sign."""
    severity = rng.uniform(*SEVERITY[stage])
    slope = rng.uniform(0.2, 1.3) * (1 if rng.random() < 0.5 else -1)
    values = severity + slope * np.tile(_PROFILE, 2) + rng.normal(0, 0.5, 6)
    return tuple(int(v) for v in np.clip(np.round(values), 0, 11))


def _coverage(rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Covered part of each zone: mostly 0.9, seldom too little."""
    patchy = rng.random(6) < 0.06
    return np.where(patchy, rng.uniform(0.35, 0.64, 6), rng.uniform(0.82, 0.97, 6))


def effective_levels(drawn: tuple[int, ...], coverage: tuple[float, ...]) -> tuple[int, ...]:
    """The categories a zone receives: lower than drawn where less than two thirds of it is covered.

    A patchy zone receives the highest category whose density over the whole zone is not above its own,
    and always at least one less than drawn.

    References:
        GBZ 70-2015, B.1.2.3.
    """
    levels = []
    for level, part in zip(drawn, coverage, strict=True):
        if part >= LEAST_COVERAGE or level == 0:
            levels.append(level)
            continue
        dense = DENSITY[level] * part / 0.9
        fits = [k for k in range(level) if DENSITY[k] <= dense]
        levels.append(max(fits))
    return tuple(levels)


def _aggregation(rng: np.random.Generator, stage: str, levels: tuple[int, ...]) -> tuple[int, ...]:
    """Zones with a cluster: often where profusion is 3, seldom in stage II."""
    chance = {"II": 0.08, "III": 0.45}.get(stage, 0.0)
    if rng.random() >= chance:
        return ()
    dense = [k for k in range(6) if levels[k] >= 6]
    if not dense:
        return ()
    weights = np.asarray([levels[k] + 1.0 for k in dense]) ** 2
    count = min(int(rng.integers(1, 4)), len(dense))
    chosen = rng.choice(dense, count, replace=False, p=weights / weights.sum())
    return tuple(sorted(int(k) for k in chosen))


def _large(rng: np.random.Generator, stage: str) -> tuple[LargePlan, ...]:
    """Large opacities: most films of stage III, seldom a small one below that."""
    if stage == "III" and rng.random() < 0.75:
        first = -1 if rng.random() < 0.6 else 1
        sides = (first, -first) if rng.random() < 0.65 else (first,)
        return tuple(_one_large(rng, side, float(rng.uniform(28, 70))) for side in sides)
    if stage in ("I", "II") and rng.random() < 0.05:
        return (_one_large(rng, -1 if rng.random() < 0.5 else 1, float(rng.uniform(12, 17))),)
    return ()


def _one_large(rng: np.random.Generator, side: int, length: float) -> LargePlan:
    short = length * float(rng.uniform(0.40, 0.62))
    return LargePlan(
        outline=draw_outline(rng, length / 2, short / 2),
        side=side,
        gap=float(rng.uniform(16, 30)),
        height=float(rng.uniform(0.22, 0.42)),
        tilt=float(rng.uniform(0, 14)) * side,
        depth=float(rng.uniform(1.1, 1.6)),
    )


def _observed(rng: np.random.Generator, findings: gbz.Findings) -> str:
    """Stage by the majority of three readers, the middle one where they all differ."""
    true = np.asarray([gbz.minor(findings.zones[zone]) for zone in ZONES])
    seen = []
    for _ in range(3):
        levels = np.clip(np.round(true + rng.normal(0, READER_ERROR, 6)), 0, 11).astype(int)
        cluster = findings.aggregation ^ (rng.random() < (0.1 if findings.aggregation else 0.02))
        reading = gbz.Findings(
            _zones(tuple(int(v) for v in levels)), aggregation=bool(cluster), large=findings.large
        )
        seen.append(STAGE.index(gbz.stage(reading).stage))
    return STAGE.classes[sorted(seen)[1]]
