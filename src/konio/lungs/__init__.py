"""Where to look on a chest radiograph: both lungs, six zones, and what the film's quality allows to say.

``load_segmenter`` opens the shipped network, ``find_lungs`` answers with `konio.records.Lungs` or refuses the film,
``zones_from_mask`` cuts lungs by GBZ 70-2015 (3.7), ``measure_quality`` measures the film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from konio.lungs.find import find_lungs
    from konio.lungs.quality import measure_quality
    from konio.lungs.segmenter import LungSegmenter, load_segmenter
    from konio.lungs.zones import zones_from_mask

__all__ = [
    "LungSegmenter",
    "find_lungs",
    "load_segmenter",
    "measure_quality",
    "zones_from_mask",
]

_HOMES = {
    "LungSegmenter": "segmenter",
    "load_segmenter": "segmenter",
    "find_lungs": "find",
    "measure_quality": "quality",
    "zones_from_mask": "zones",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.lungs' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"konio.lungs.{_HOMES[name]}"), name)
