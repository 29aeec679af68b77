"""What a network looked at, as numbers for classical methods: SCDA features, PCA and t-SNE, classifiers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.features.classifiers import Classifier, fit, load, save
    from konio.features.curves import LearningCurve, learning_curve, search

# Where each public name lives; imported on first use, since all of them bring scikit-learn or torch.
_HOMES: Final = {
    "Classifier": "classifiers",
    "LearningCurve": "curves",
    "fit": "classifiers",
    "learning_curve": "curves",
    "load": "classifiers",
    "save": "classifiers",
    "search": "curves",
}

__all__ = [
    "Classifier",
    "LearningCurve",
    "fit",
    "learning_curve",
    "load",
    "save",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.features' has no attribute {name!r}")
    return getattr(import_module(f"konio.features.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
