"""One or two base classifiers that name a stage, with the crops they look at.

One level answers stage 0, I, II, III at once (the thesis' end-to-end); two levels answer diseased or not, and then
I, II or III. Two levels do not share a backbone: the thesis trains two networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from konio.errors import RecordError
from konio.hierarchy.populations import ZEROS, Zero
from konio.networks.classifier import Classifier, ClassifierPlan
from konio.networks.folded import FoldedDenseNet
from konio.prepare.crops import CropPlan

#: Classes of each level, by the number of levels.
CLASSES: Final[Mapping[int, tuple[int, ...]]] = {1: (4,), 2: (2, 3)}


@dataclass(frozen=True, slots=True)
class StagingPlan:
    """What the levels are made of.

    Args:
        levels: one base classifier of 4 classes, or two of 2 and 3.
        crops: what each film is looked at by.
        zero: who counts as stage 0.

    Raises:
        RecordError: if the levels' classes are others.
    """

    levels: tuple[ClassifierPlan, ...]
    crops: CropPlan = field(default_factory=CropPlan)
    zero: Zero = "both"

    def __post_init__(self) -> None:
        classes = tuple(level.classes for level in self.levels)
        if classes not in CLASSES.values():
            raise RecordError(
                f"levels answer (4) or (2, 3) classes, got {classes}; build one level or two of these"
            )
        if self.zero not in ZEROS:
            raise RecordError(f"class 0 are {', '.join(ZEROS)}, got {self.zero!r}; choose one")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "levels": [level.to_json() for level in self.levels],
            "crops": self.crops.to_json(),
            "zero": self.zero,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> StagingPlan:
        """The plan that `to_json` wrote.

        Raises:
            RecordError: on a field missing or unknown.
        """
        if set(plain) != {"levels", "crops", "zero"}:
            raise RecordError(
                f"the plan of a staging network has levels, crops and zero, got {sorted(plain)}; "
                "the file may come from another version of konio"
            )
        levels = tuple(ClassifierPlan.from_json(level) for level in plain["levels"])
        return cls(levels, CropPlan.from_json(plain["crops"]), plain["zero"])


class StagingNetwork(nn.Module):
    """The levels of a plan.

    Args:
        plan: what it is made of.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        plan: as given.
        levels: the base classifiers, in order.
    """

    def __init__(self, plan: StagingPlan, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.levels = nn.ModuleList(Classifier(level, generator) for level in plan.levels)

    def level(self, number: int) -> Classifier:
        """Level 1 or 2."""
        found = self.levels[number - 1]
        if not isinstance(found, Classifier):
            raise TypeError(f"level {number} is a {type(found).__name__}")
        return found

    @torch.no_grad()
    def probabilities(
        self, number: int, images: Tensor, features: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """What one level says to some films, over all their crops.

        Args:
            number: level 1 or 2.
            images: ``(B, 1, S, S)`` in -1..1.
            features: the way to the map, its fastest form for instance; the level's own where ``None``.

        Returns:
            Probabilities ``(B, K)``, and the maps of all crops ``(B * V, C, h, w)`` for explaining.
        """
        level = self.level(number)
        maps = crop_maps(features or level.features, images, self.plan.crops)
        return self.plan.crops.merge(level.answer(maps)), maps


def crop_maps(features: Callable[[Tensor], Tensor], images: Tensor, crops: CropPlan) -> Tensor:
    """The maps of all crops of some films.

    Args:
        features: the way from a crop to its map; one that can share its first layers does so where the plan wants it.
        images: ``(B, 1, S, S)`` in -1..1.
        crops: which crops.

    Returns:
        ``(B * V, C, h, w)``, the V crops of the first film first.

    Raises:
        UsageError: if layers are to be shared and the crops do not lie on the network's grid.
    """
    places = crops.crops(images.shape[-1])
    resized = crops.size not in (0, places[0].side)
    if not crops.shared or resized or not isinstance(features, FoldedDenseNet):
        return features(crops.cut(images))
    return torch.cat([features.of_crops(image, places) for image in images[:, None]])


@dataclass(frozen=True, slots=True, eq=False)
class FastLevel:
    """One level for answering only: its network in the fastest form.

    Args:
        level: the base classifier, in evaluation mode.
        features: its way to the map (`Classifier.fastest`).
    """

    level: Classifier
    features: Callable[[Tensor], Tensor]

    @classmethod
    def of(cls, level: Classifier, size: int) -> FastLevel:
        """The fast form of a level.

        Args:
            level: in evaluation mode.
            size: height and width of the crops to come.
        """
        return cls(level, level.fastest(size))

    def __call__(self, images: Tensor) -> Tensor:
        """``(B, 1, h, w)`` to logits ``(B, K)``."""
        return self.level.answer(self.features(images))

    def over(self, images: Tensor, crops: CropPlan) -> Tensor:
        """Films to the logits of all their crops, ``(B * V, K)``."""
        return self.level.answer(crop_maps(self.features, images, crops))


def build_staging(plan: StagingPlan, generator: torch.Generator | None = None) -> StagingNetwork:
    """The network of a plan, in training mode, with fresh weights."""
    return StagingNetwork(plan, generator)
