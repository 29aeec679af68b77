"""Made-up people whose truth is known to the millimetre: chest radiographs with their labels and masks.

Nothing made here is a patient; no figure from it is a clinical result.
"""

from __future__ import annotations

from konio.phantom.film import BITS, RECIPE, PhantomFilm, radiograph
from konio.phantom.implant import ImplantedFilm, implant
from konio.phantom.labels import WISHES
from konio.phantom.processing import DEVICES
from konio.phantom.subject import PRESETS

__all__ = [
    "BITS",
    "DEVICES",
    "PRESETS",
    "RECIPE",
    "WISHES",
    "ImplantedFilm",
    "PhantomFilm",
    "implant",
    "radiograph",
]
