"""Learning: recipe, prepared films, training with Lightning, pre-training, evaluation.

`train` goes from a cohort and a recipe to a bundle, `evaluate` measures a bundle on a cohort. None of it is needed
to assess films.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.learning.callbacks import TrainingProgress
    from konio.learning.evaluation import evaluate
    from konio.learning.recipe import Recipe, parse_recipe, read_recipe
    from konio.learning.training import Options, StoppedError, train

# Where each public name lives; imported on first use, since most of them bring torch and Lightning.
_HOMES: Final = {
    "Options": "training",
    "Recipe": "recipe",
    "StoppedError": "training",
    "TrainingProgress": "callbacks",
    "evaluate": "evaluation",
    "parse_recipe": "recipe",
    "read_recipe": "recipe",
    "train": "training",
}

__all__ = [
    "Options",
    "Recipe",
    "StoppedError",
    "TrainingProgress",
    "evaluate",
    "parse_recipe",
    "read_recipe",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.learning' has no attribute {name!r}")
    return getattr(import_module(f"konio.learning.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
