"""Paper C as one study: which characteristics speak of malignancy, and does answering nine questions at once help?

`run_nodules` goes from nodules and a preset to a page. Its parts, in the order they come: `konio.learning.nodule_sources` (whose nodules),
`relevance` and `classical` (people's readings alone), `design` and `presets` (which trainings), `estimate` (how long),
`trial` (one of them), `baselines` (majority, diameter, shape), `report`.

References:
    Paper C: Computer Systems & Applications 2022; 31(4): 117-122.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.studies.nodules.classical import classical_model
    from konio.studies.nodules.design import Preset
    from konio.studies.nodules.experiment import run_nodules
    from konio.studies.nodules.presets import PRESETS
    from konio.studies.nodules.relevance import relevance

_HOMES: Final = {
    "PRESETS": "presets",
    "Preset": "design",
    "classical_model": "classical",
    "relevance": "relevance",
    "run_nodules": "experiment",
}

__all__ = ["PRESETS", "Preset", "classical_model", "relevance", "run_nodules"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.studies.nodules' has no attribute {name!r}")
    return getattr(import_module(f"konio.studies.nodules.{_HOMES[name]}"), name)
