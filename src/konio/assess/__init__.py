"""The way from a file to an `konio.records.Assessment`: read, locate, prepare, ask, explain, stage.

Examples:
    >>> import konio
    >>> assessor = konio.load("konio-radiograph")  # doctest: +SKIP
    >>> for assessment in assessor.assess(["film.dcm"]):  # doctest: +SKIP
    ...     print(assessment.tasks["differential"].prediction)
    dust
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.assess.assessor import Assessor, load
    from konio.assess.examined import Examined, HeatMap
    from konio.assess.nodules import NoduleAssessor, Place, load_nodules

_HOMES: Final = {
    "Assessor": "konio.assess.assessor",
    "Examined": "konio.assess.examined",
    "HeatMap": "konio.assess.examined",
    "NoduleAssessor": "konio.assess.nodules",
    "Place": "konio.assess.nodules",
    "load": "konio.assess.assessor",
    "load_nodules": "konio.assess.nodules",
}

__all__ = [
    "Assessor",
    "Examined",
    "HeatMap",
    "NoduleAssessor",
    "Place",
    "load",
    "load_nodules",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.assess' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
