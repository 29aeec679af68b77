"""Every explainer under one name, and the one way to use them.

Adding one is one file with a function from `Asked` to ``(B, h, w)`` and one line in `EXPLAINERS`; a contract test runs
them all over every network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from konio.errors import UsageError
from konio.explain.contract import ClassSource, Explainer, Network, ask, undisturbed
from konio.explain.eigencam import eigen_cam
from konio.explain.gradients import grad_cam, grad_cam_plus_plus, hires_cam, weighted_maps
from konio.explain.twoscales import two_scale_cam
from konio.explain.withholding import ablation_cam, score_cam

#: Explainers by name. The first four follow a gradient, the others do not; eigen-cam knows no class.
EXPLAINERS: Final[Mapping[str, Explainer]] = MappingProxyType(
    {
        "grad-cam": grad_cam,
        "hires-cam": hires_cam,
        "two-scale-cam": two_scale_cam,
        "grad-cam++": grad_cam_plus_plus,
        "ablation-cam": ablation_cam,
        "eigen-cam": eigen_cam,
        "score-cam": score_cam,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """What moved the answers to a batch.

    Args:
        logits: ``(B, classes)``.
        chosen: ``(B,)`` the classes that are explained.
        heat: ``(B, h, w)`` float32 on cells of the explainer's own, not negative, not scaled; zero everywhere where nothing spoke for the class.
    """

    logits: Tensor
    chosen: Tensor
    heat: Tensor


def explain(
    network: Network,
    image: Tensor,
    explainer: str = "grad-cam",
    *,
    class_source: ClassSource = "predicted",
    truth: Tensor | None = None,
    features: Tensor | None = None,
) -> Explained:
    """Says what moved a network's answer to each image; the network is left as it was found.

    Args:
        network: a `konio.networks.classifier.Classifier`, or a question (`konio.explain.about_task`).
        image: ``(B, 1, H, W)`` in -1..1.
        explainer: key of `EXPLAINERS`.
        class_source: ``predicted``; ``true`` demonstrates a leak and warns (`LeakageWarning`).
        truth: ``(B,)`` true classes, with ``class_source="true"`` only.
        features: ``(B, C, h, w)`` of the images where they are known already.

    Raises:
        UsageError: on an unknown explainer or class.
        BundleError: if the network answers with values that are no numbers.
    """
    if explainer not in EXPLAINERS:
        raise UsageError(f"explainer {explainer!r} is unknown; use one of {', '.join(EXPLAINERS)}")
    with undisturbed(network):
        asked = ask(network, image, class_source=class_source, truth=truth, features=features)
        return Explained(asked.logits, asked.chosen, EXPLAINERS[explainer](asked).detach())


def discriminative_maps(
    network: Network,
    image: Tensor,
    *,
    class_source: ClassSource = "predicted",
    truth: Tensor | None = None,
    features: Tensor | None = None,
) -> tuple[Explained, Tensor]:
    """Grad-CAM together with the weighted map of every channel, ``(B, C, h, w)``; arguments as for `explain`.

    References:
        Paper B, equations 3.3 and 3.4; figure 3.3 shows such maps, SCDA (equation 3.5) sums them.
    """
    with undisturbed(network):
        asked = ask(network, image, class_source=class_source, truth=truth, features=features)
        maps = weighted_maps(asked).detach()
    return Explained(asked.logits, asked.chosen, torch.relu(maps.sum(dim=1))), maps
