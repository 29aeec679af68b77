"""Why the network answered so: Grad-CAM in closed form, and the regions it points to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.explain.gradcam import grad_cam
    from konio.explain.regions import RegionRule, enlarge, find_regions

# Where each public name lives; imported on first use, since all of them bring torch.
_HOMES: Final = {
    "RegionRule": "regions",
    "enlarge": "regions",
    "find_regions": "regions",
    "grad_cam": "gradcam",
}

__all__ = ["RegionRule", "enlarge", "find_regions", "grad_cam"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.explain' has no attribute {name!r}")
    return getattr(import_module(f"konio.explain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
