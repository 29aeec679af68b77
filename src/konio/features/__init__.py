"""What a network looked at, as numbers for classical methods: SCDA features, PCA and t-SNE, classifiers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.features.classifier_files import load, save
    from konio.features.classifiers import Classifier, fit
    from konio.features.curves import LearningCurve, learning_curve, search
    from konio.features.films import deciding_level_features, film_features
    from konio.features.reduce import Components, embed, fit_components

# Where each public name lives; imported on first use, since all of them bring scikit-learn or torch.
_HOMES: Final = {
    "Classifier": "classifiers",
    "Components": "reduce",
    "LearningCurve": "curves",
    "deciding_level_features": "films",
    "embed": "reduce",
    "film_features": "films",
    "fit": "classifiers",
    "fit_components": "reduce",
    "learning_curve": "curves",
    "load": "classifier_files",
    "save": "classifier_files",
    "search": "curves",
}

__all__ = [
    "Classifier",
    "Components",
    "LearningCurve",
    "deciding_level_features",
    "embed",
    "film_features",
    "fit",
    "fit_components",
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
