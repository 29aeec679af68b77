"""Paper A as one study: does learning two questions together help, and how sure are we?

`run_multitask` goes from a cohort and a preset to a page. Its parts, in the order they come: `presets` (how large),
`parts` (who is trained on and who is measured), `trial` (one network or one baseline), `choice` (dropout and
temperatures, from cross-validation only), `report`.

References:
    Paper A: Modern Preventive Medicine 2024; 51(7): 1187-1192.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.studies.multitask.experiment import Ask, run_multitask
    from konio.studies.multitask.presets import PRESETS, Preset

_HOMES: Final = {
    "Ask": "experiment",
    "PRESETS": "presets",
    "Preset": "presets",
    "run_multitask": "experiment",
}

__all__ = ["PRESETS", "Ask", "Preset", "run_multitask"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.studies.multitask' has no attribute {name!r}")
    return getattr(import_module(f"konio.studies.multitask.{_HOMES[name]}"), name)
