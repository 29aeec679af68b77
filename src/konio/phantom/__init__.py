"""Made-up people whose truth is known to the millimetre: chest radiographs and nodules with their labels and masks.

Nothing made here is a patient; no figure from it is a clinical result.
"""

from __future__ import annotations

from konio.phantom.film import BITS, RECIPE, PhantomFilm, radiograph
from konio.phantom.implant import ImplantedFilm, implant
from konio.phantom.labels import FORM_WISHES, WISHES
from konio.phantom.nodule_ct import FIELD_MM, NODULE_RECIPE, PhantomNodule, nodule
from konio.phantom.nodule_shape import Outlined
from konio.phantom.nodule_truth import NoduleTruth, draw_truth
from konio.phantom.processing import DEVICES
from konio.phantom.subject import PRESETS

__all__ = [
    "BITS",
    "DEVICES",
    "FIELD_MM",
    "FORM_WISHES",
    "NODULE_RECIPE",
    "PRESETS",
    "RECIPE",
    "WISHES",
    "ImplantedFilm",
    "NoduleTruth",
    "Outlined",
    "PhantomFilm",
    "PhantomNodule",
    "draw_truth",
    "implant",
    "nodule",
    "radiograph",
]
