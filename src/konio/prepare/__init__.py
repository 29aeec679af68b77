"""Tensors and augmentation: from a film and its lungs to the network's input and back.

`prepare_film` makes the input of one film, its `Frame` leads back to the film's pixels; `draw`,
`move_image` and `move_labels` vary a batch in training.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.prepare.augment import NO_LIMITS, Drawing, Limits, draw, move_image, move_labels
    from konio.prepare.geometry import Frame, frame_around, frame_of_film
    from konio.prepare.tensors import (
        Preparation,
        Prepared,
        lesion_shares,
        normalise,
        prepare_film,
        zone_weights,
    )

# Where each public name lives; imported on first use, since all of them bring torch.
_HOMES: Final = {
    "NO_LIMITS": "augment",
    "Drawing": "augment",
    "Frame": "geometry",
    "Limits": "augment",
    "Preparation": "tensors",
    "Prepared": "tensors",
    "draw": "augment",
    "frame_around": "geometry",
    "frame_of_film": "geometry",
    "lesion_shares": "tensors",
    "move_image": "augment",
    "move_labels": "augment",
    "normalise": "tensors",
    "prepare_film": "tensors",
    "zone_weights": "tensors",
}

__all__ = [
    "NO_LIMITS",
    "Drawing",
    "Frame",
    "Limits",
    "Preparation",
    "Prepared",
    "draw",
    "frame_around",
    "frame_of_film",
    "lesion_shares",
    "move_image",
    "move_labels",
    "normalise",
    "prepare_film",
    "zone_weights",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.prepare' has no attribute {name!r}")
    return getattr(import_module(f"konio.prepare.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
