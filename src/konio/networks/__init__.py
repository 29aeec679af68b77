"""Backbones, heads, losses, published weights and bundles.

`build_network(NetworkPlan(...))` makes a network; `write_bundle` and `read_bundle` keep one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.networks.balancing import BalancePlan, build_balance
    from konio.networks.bundle import (
        Bundle,
        BundleFacts,
        find_bundle,
        read_bundle,
        shipped_bundles,
        write_bundle,
    )
    from konio.networks.classifier import (
        ARCHITECTURES,
        Classifier,
        ClassifierPlan,
        build_classifier,
    )
    from konio.networks.folded import FoldedDenseNet
    from konio.networks.imagenet import load_imagenet
    from konio.networks.losses import (
        LossPlan,
        label_counts,
        multi_task_loss,
        scale_gradient,
        task_weights,
    )
    from konio.networks.multitask import MultiTaskNetwork, build_network
    from konio.networks.nodule import NoduleNetwork, NodulePlan, build_nodule_network
    from konio.networks.nodule_bundle import nodule_network
    from konio.networks.plan import NetworkPlan
    from konio.networks.precision import fastest_dtype
    from konio.networks.weights import load_backbone_weights

# Where each public name lives; imported on first use, since most of them bring torch.
_HOMES: Final = {
    "ARCHITECTURES": "classifier",
    "BalancePlan": "balancing",
    "Bundle": "bundle",
    "BundleFacts": "bundle",
    "Classifier": "classifier",
    "ClassifierPlan": "classifier",
    "FoldedDenseNet": "folded",
    "LossPlan": "losses",
    "MultiTaskNetwork": "multitask",
    "NetworkPlan": "plan",
    "NoduleNetwork": "nodule",
    "NodulePlan": "nodule",
    "build_balance": "balancing",
    "build_classifier": "classifier",
    "build_network": "multitask",
    "build_nodule_network": "nodule",
    "fastest_dtype": "precision",
    "find_bundle": "bundle",
    "label_counts": "losses",
    "load_backbone_weights": "weights",
    "load_imagenet": "imagenet",
    "multi_task_loss": "losses",
    "nodule_network": "nodule_bundle",
    "read_bundle": "bundle",
    "scale_gradient": "losses",
    "shipped_bundles": "bundle",
    "task_weights": "losses",
    "write_bundle": "bundle",
}

__all__ = [
    "ARCHITECTURES",
    "BalancePlan",
    "Bundle",
    "BundleFacts",
    "Classifier",
    "ClassifierPlan",
    "FoldedDenseNet",
    "LossPlan",
    "MultiTaskNetwork",
    "NetworkPlan",
    "NoduleNetwork",
    "NodulePlan",
    "build_balance",
    "build_classifier",
    "build_network",
    "build_nodule_network",
    "fastest_dtype",
    "find_bundle",
    "label_counts",
    "load_backbone_weights",
    "load_imagenet",
    "multi_task_loss",
    "nodule_network",
    "read_bundle",
    "scale_gradient",
    "shipped_bundles",
    "task_weights",
    "write_bundle",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.networks' has no attribute {name!r}")
    return getattr(import_module(f"konio.networks.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
