"""GBZ 70-2015 and ILO as pure functions: findings in, stage and clause out."""

from konio.standards.diagnosis import (
    DISEASES,
    Obstacle,
    QualityConsequence,
    Words,
    obstacles,
    phrase,
    quality_consequence,
)
from konio.standards.gbz import (
    GAPS,
    Change,
    Findings,
    Gap,
    LargeOpacity,
    Plaque,
    Staging,
    major,
    minor,
    stage,
)
from konio.standards.ilo import large_opacity_category, whole_lung_profusion

__all__ = [
    "DISEASES",
    "GAPS",
    "Change",
    "Findings",
    "Gap",
    "LargeOpacity",
    "Obstacle",
    "Plaque",
    "QualityConsequence",
    "Staging",
    "Words",
    "large_opacity_category",
    "major",
    "minor",
    "obstacles",
    "phrase",
    "quality_consequence",
    "stage",
    "whole_lung_profusion",
]
