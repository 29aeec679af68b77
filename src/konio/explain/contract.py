"""What an explainer gets and gives, and how a network is asked without a trace.

A network is anything that makes a map and answers from it (`konio.networks.classifier.Classifier`, or one question of
a multi-task network through `about_task`). An explainer takes `Asked` and returns one heat map per image, on the cells
of the feature map or finer ones, float32, not negative, not scaled.

The class that is explained is the predicted one. A map of the true class would carry the label into whatever is made
of it: paper B's features are very probably such a leak (dossier 4.2, B18). Asking for it is possible to show that leak,
by its name, and warns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from konio.errors import BundleError, UsageError
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import Pooled

#: An inner map ``(B, C', h', w')``, not negative, and the way from it to the map ``(B, C, h, w)``.
Halves = tuple[Tensor, Callable[[Tensor], Tensor]]

#: Whose class is explained: the network's own answer, or the label (a leak, for demonstration only).
ClassSource = Literal["predicted", "true"]

_TRUTH_LEAKS: Final = "the true class is explained, so that the map knows the label; use it to demonstrate this leak and nothing else"


class LeakageWarning(UserWarning):
    """Something was asked for that lets the truth leak into a result."""


class Network(Protocol):
    """A map, and logits from it."""

    def features(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` in -1..1 to ``(B, C, h, w)``, not negative."""

    def answer(self, features: Tensor) -> Tensor:
        """``(B, C, h, w)`` to logits ``(B, classes)``, differentiable."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A network's answer to a batch of images, to be explained.

    Args:
        network: whose answer it is, in evaluation mode.
        image: ``(B, 1, H, W)``.
        maps: ``(B, C, h, w)`` float32 of these images, without a graph.
        logits: ``(B, classes)`` from these maps.
        chosen: ``(B,)`` positions of the classes to be explained.
    """

    network: Network
    image: Tensor
    maps: Tensor
    logits: Tensor
    chosen: Tensor

    def score(self, logits: Tensor) -> Tensor:
        """The score before the softmax of every image's chosen class, ``(B,)``."""
        return logits.gather(1, self.chosen[:, None])[:, 0]

    def alone(self, number: int) -> Network:
        """The network as it answers variants of one image of the batch."""
        single = getattr(self.network, "alone", None)
        return self.network if single is None else single(number)

    def halves(self) -> Halves | None:
        """A finer map of the images and the way on from it to ``maps``; ``None`` where the network has none."""
        module: Any = getattr(self.network, "module", self.network)
        backbone: Any = getattr(module, "backbone", None)
        if not hasattr(backbone, "halves"):
            return None
        found: Halves = backbone.halves(self.image.expand(-1, backbone.in_channels, -1, -1))
        return found


Explainer = Callable[[Asked], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class AboutTask:
    """One question of a multi-task network as a network of its own; made by `about_task`."""

    module: MultiTaskNetwork
    task: str
    zones: Tensor | None
    fastest: Callable[[Tensor], Tensor] | None = None

    def features(self, image: Tensor) -> Tensor:
        """As the network, in its fastest form where one was given."""
        return self.module.features(image) if self.fastest is None else self.fastest(image)

    def answer(self, features: Tensor) -> Tensor:
        """Logits of the question; the zones of one film serve any number of variants of it."""
        zones = self.zones
        if zones is not None and len(zones) == 1:
            zones = zones.expand(len(features), -1, -1, -1)
        task = self.module.tasks[self.task]
        logits: Tensor = self.module.head(task)(self.module.pool(Pooled(features, zones), task))
        return logits

    def alone(self, number: int) -> AboutTask:
        """The same question about one film of the batch."""
        zones = self.zones
        if zones is not None and len(zones) > 1:
            zones = zones[number : number + 1]
        return AboutTask(self.module, self.task, zones, self.fastest)


def about_task(
    network: MultiTaskNetwork,
    task: str,
    zones: Tensor | None = None,
    fastest: Callable[[Tensor], Tensor] | None = None,
) -> AboutTask:
    """One question of a multi-task network.

    Args:
        network: which answers several.
        task: name of the question.
        zones: ``(B, 6, h, w)`` zone weights of the images to come, if the question needs them.
        fastest: the way to the map in its fastest form (`MultiTaskNetwork.folded`); the network's own where ``None``.

    Raises:
        UsageError: on an unknown question.
    """
    network.tasks[task]
    return AboutTask(network, task, zones, fastest)


@contextmanager
def undisturbed(network: Network) -> Iterator[None]:
    """Evaluation mode inside, the modes as they were afterwards."""
    module: Any = getattr(network, "module", network)
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    modes = [part.training for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


@torch.no_grad()
def ask(
    network: Network,
    image: Tensor,
    *,
    class_source: ClassSource = "predicted",
    truth: Tensor | None = None,
    features: Tensor | None = None,
) -> Asked:
    """Answers a batch; the network has to be in evaluation mode (`undisturbed`).

    Args:
        network: to be asked.
        image: ``(B, 1, H, W)`` in -1..1.
        class_source: ``predicted``, or ``true`` to demonstrate what leaks; warns.
        truth: ``(B,)`` true classes, with ``class_source="true"`` only.
        features: ``(B, C, h, w)`` of the images where they are known already.

    Raises:
        UsageError: if truth and class source do not fit together, or a class does not exist.
        BundleError: if the network answers with values that are no numbers.
    """
    maps = (network.features(image) if features is None else features).float()
    logits = network.answer(maps).float()
    if not torch.isfinite(logits).all():
        raise BundleError(
            "the model answers with values that are no numbers; get or train it again"
        )
    return Asked(network, image, maps, logits, _chosen(logits, class_source, truth))


def _chosen(logits: Tensor, class_source: ClassSource, truth: Tensor | None) -> Tensor:
    if class_source not in get_args(ClassSource) or (class_source == "true") != (truth is not None):
        raise UsageError(
            f"classes are explained as 'predicted', or as 'true' with the truth given, got {class_source!r} "
            f"{'with' if truth is not None else 'without'} a truth; leave both out"
        )
    if truth is None:
        return logits.argmax(dim=1)
    classes = logits.shape[1]
    if truth.shape != logits.shape[:1] or int(truth.min()) < 0 or int(truth.max()) >= classes:
        raise UsageError(
            f"{len(logits)} images have one true class of 0 to {classes - 1} each, got {truth.tolist()}; correct them"
        )
    warnings.warn(_TRUTH_LEAKS, LeakageWarning, stacklevel=4)
    return truth.to(logits.device)
