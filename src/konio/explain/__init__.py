"""Why the network answered so: maps of several kinds under one contract, and the regions they point to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.explain.contract import Asked, LeakageWarning, Network, about_task
    from konio.explain.gradcam import grad_cam
    from konio.explain.regions import RegionRule, enlarge, find_regions
    from konio.explain.registry import EXPLAINERS, Explained, discriminative_maps, explain

# Where each public name lives; imported on first use, since all of them bring torch.
_HOMES: Final = {
    "EXPLAINERS": "registry",
    "Asked": "contract",
    "Explained": "registry",
    "LeakageWarning": "contract",
    "Network": "contract",
    "RegionRule": "regions",
    "about_task": "contract",
    "discriminative_maps": "registry",
    "enlarge": "regions",
    "explain": "registry",
    "find_regions": "regions",
    "grad_cam": "gradcam",
}

__all__ = [
    "EXPLAINERS",
    "Asked",
    "Explained",
    "LeakageWarning",
    "Network",
    "RegionRule",
    "about_task",
    "discriminative_maps",
    "enlarge",
    "explain",
    "find_regions",
    "grad_cam",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.explain' has no attribute {name!r}")
    return getattr(import_module(f"konio.explain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
