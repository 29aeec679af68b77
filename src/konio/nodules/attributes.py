"""The nine characteristics that LIDC-IDRI's readers rate, with the words of every grade.

Five grades each, except internal structure (four, nominal) and calcification (six, nominal: **6 is absent**). Mind
the directions: high subtlety is easy to see, high margin is sharp, high texture is solid. Spiculation and lobulation
rise with what they name; about a hundred of the first 399 scans were rated on inconsistent scales for these two, which
`Nodule.initial_release` lets a study leave out.

References:
    Armato et al., Medical Physics 38:915 (2011), table II; dossier section 3.1.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

#: Grade names from 1 upwards.
SCALES: Final = MappingProxyType(
    {
        "subtlety": ("extremely subtle", "moderately subtle", "fairly subtle", "moderately obvious", "obvious"),
        "internal_structure": ("soft tissue", "fluid", "fat", "air"),
        "calcification": ("popcorn", "laminated", "solid", "non-central", "central", "absent"),
        "sphericity": ("linear", "ovoid/linear", "ovoid", "ovoid/round", "round"),
        "margin": ("poorly defined", "near poorly defined", "medium", "near sharp", "sharp"),
        "lobulation": ("none", "nearly none", "medium", "near marked", "marked"),
        "spiculation": ("none", "nearly none", "medium", "near marked", "marked"),
        "texture": ("non-solid", "non-solid/mixed", "part-solid", "solid/mixed", "solid"),
        "malignancy": ("highly unlikely", "moderately unlikely", "indeterminate", "moderately suspicious", "highly suspicious"),
    }
)  # fmt: skip
#: The characteristics in one order.
RATED: Final = tuple(SCALES)
#: Characteristics whose grades carry no order; they are never averaged unasked.
NOMINAL: Final = frozenset({"internal_structure", "calcification"})
#: What calcification 6 means.
CALCIFICATION_ABSENT: Final = 6
#: Most readers of one nodule.
MOST_READERS: Final = 4


def rated_name(text: str) -> str | None:
    """The characteristic that a column or an element means, in any spelling, or ``None``.

    Examples:
        >>> rated_name("internalStructure")
        'internal_structure'
    """
    plain = text.replace("_", "").casefold()
    return next((name for name in RATED if name.replace("_", "") == plain), None)
