"""Who stands before the detector: body, age, posture and co-findings, drawn without regard to the class.

All lengths are millimetres in the patient, all distributions are those of the dossier's section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from konio.errors import UsageError

#: Chance of each co-finding, the same in every class (paper A did not exclude them).
CO_FINDINGS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "large_heart": 0.08,
        "emphysema": 0.10,
        "bulla": 0.04,
        "pneumothorax": 0.03,
        "nipples": 0.12,
        "callus": 0.06,
        "calcified_node": 0.10,
        "granuloma": 0.06,
        "bronchitis": 0.12,
        "pleural_thickening": 0.05,
    }
)

#: Cohort presets: how sex and device depend on the class (section 2.3, "Covariates").
PRESETS: Final = ("independent", "paper_confounded")


@dataclass(frozen=True, slots=True)
class Subject:
    """One made-up person.

    Args:
        sex: ``M`` or ``F``.
        age: years, 30 to 75.
        scale: factors of width, height and depth of the chest.
        fat: thickness of the wall over that of a lean person (about 1).
        inspiration: lowering of both domes, mm.
        hyperinflation: 0 (none) to about 1.3.
        heart: factor of the heart's radii.
        rotation: turn about the vertical axis, degrees.
        bow: sideways bow of the spine, mm.
        tilt: turn in the film's plane, degrees.
        rib_slope: fall of the ribs per mm forward.
        shift: displacement on the film ``(x, z)``, mm.
        unfolding: widening of the aorta, 0 to about 0.9.
        lung_density: grams per cm3 of aerated lung.
        scapula: distance of the shoulder blade's medial border from the midline, mm.
        shoulder: raise of the shoulders, mm.
        co_findings: names out of `CO_FINDINGS`.
    """

    sex: str
    age: int
    scale: tuple[float, float, float]
    fat: float
    inspiration: float
    hyperinflation: float
    heart: float
    rotation: float
    bow: float
    tilt: float
    rib_slope: float
    shift: tuple[float, float]
    unfolding: float
    lung_density: float
    scapula: float
    shoulder: float
    co_findings: tuple[str, ...] = ()

    @property
    def wall(self) -> float:
        """Thickness of the chest wall, mm."""
        return 16.0 + 14.0 * self.fat


def draw_subject(rng: np.random.Generator, male_share: float = 0.9) -> Subject:
    """Draws one person.

    Args:
        rng: the film's generator.
        male_share: chance of a man, 0..1.

    Raises:
        UsageError: if the share is no probability.
    """
    if not 0 <= male_share <= 1:
        raise UsageError(f"male_share must lie in 0..1, got {male_share}; give a probability")
    normal = rng.normal
    sex = "M" if rng.random() < male_share else "F"
    size = 1.0 if sex == "M" else 0.92
    age = int(rng.integers(30, 76))
    found = tuple(name for name, chance in CO_FINDINGS.items() if rng.random() < chance)
    over = max(0.0, normal(0, 0.35))
    if "emphysema" in found:
        over = float(rng.uniform(0.7, 1.3))
    heart = float(np.clip(normal(0.97, 0.06) + 0.002 * (age - 50), 0.82, 1.35))
    if "large_heart" in found:
        heart = float(rng.uniform(1.15, 1.32))
    return Subject(
        sex=sex,
        age=age,
        scale=(
            size * float(normal(1, 0.045)),
            size * float(normal(1, 0.05)),
            size * float(normal(1, 0.05)),
        ),
        fat=float(np.clip(normal(1, 0.35), 0.35, 2.2)),
        inspiration=float(normal(0, 7)),
        hyperinflation=float(over),
        heart=heart,
        rotation=float(normal(0, 2)),
        bow=float(normal(0, 3)),
        tilt=float(normal(0, 1)),
        rib_slope=float(normal(0.62, 0.05)) * (1 - 0.12 * min(over, 1.2)),
        shift=(float(normal(0, 5)), float(normal(0, 6))),
        unfolding=max(0.0, 0.02 * (age - 45) + float(normal(0, 0.15))),
        lung_density=float(np.clip(normal(0.25, 0.025) - 0.05 * over, 0.15, 0.32)),
        scapula=float(normal(138, 7)),
        shoulder=float(normal(0, 8)),
        co_findings=found,
    )
