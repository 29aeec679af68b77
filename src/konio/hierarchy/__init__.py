"""Two levels: diseased or not with a cut point, then the stage (paper B, algorithm 2.1).

`StagingNetwork` holds one level or both, `sweep` and `choose` find the cut point on validation data, and
`hierarchical_recall_bound` says what two levels can reach at most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.hierarchy.bound import RecallBound, hierarchical_recall_bound, recall_bound
    from konio.hierarchy.bundle import STAGING, Staging, read_staging
    from konio.hierarchy.cut import (
        CUT_POINTS,
        CutCurve,
        CutPoint,
        Verdicts,
        choose,
        decide,
        sweep,
    )
    from konio.hierarchy.network import StagingNetwork, StagingPlan, build_staging
    from konio.hierarchy.populations import Zero, diseased, stage_of, stages

# Where each public name lives; imported on first use, since some of them bring torch.
_HOMES: Final = {
    "CUT_POINTS": "cut",
    "CutCurve": "cut",
    "CutPoint": "cut",
    "RecallBound": "bound",
    "STAGING": "bundle",
    "Staging": "bundle",
    "StagingNetwork": "network",
    "StagingPlan": "network",
    "Verdicts": "cut",
    "Zero": "populations",
    "build_staging": "network",
    "choose": "cut",
    "decide": "cut",
    "diseased": "populations",
    "hierarchical_recall_bound": "bound",
    "read_staging": "bundle",
    "recall_bound": "bound",
    "stage_of": "populations",
    "stages": "populations",
    "sweep": "cut",
}

__all__ = [
    "CUT_POINTS",
    "STAGING",
    "CutCurve",
    "CutPoint",
    "RecallBound",
    "Staging",
    "StagingNetwork",
    "StagingPlan",
    "Verdicts",
    "Zero",
    "build_staging",
    "choose",
    "decide",
    "diseased",
    "hierarchical_recall_bound",
    "read_staging",
    "recall_bound",
    "stage_of",
    "stages",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.hierarchy' has no attribute {name!r}")
    return getattr(import_module(f"konio.hierarchy.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
