"""The ILO classification where it differs from GBZ 70: whole-lung profusion and sizes of large opacities.

The same film can have another "overall profusion" under ILO (the lungs as a whole) than under GBZ 70-2015
(the densest zone), so both are offered and named apart.

References:
    International Labour Office, Guidelines for the use of the ILO International Classification of
    Radiographs of Pneumoconioses, Occupational Safety and Health Series 22, 2011 (revised 2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from konio.errors import RecordError
from konio.standards.gbz import LargeOpacity, minor
from konio.tasks import PROFUSIONS, ZONES

#: Zones at least this many minor categories below the densest one are left out.
IGNORED_BELOW: Final = 3
#: The first category that means opacities are present: zones below are not affected.
FIRST_AFFECTED: Final = "1/0"
#: Categories A and B part at this summed longest dimension in mm.
CATEGORY_A_UP_TO_MM: Final = 50.0


def whole_lung_profusion(zones: Mapping[str, str]) -> str:
    """Profusion of the affected zones of the lungs as a whole.

    Where zones differ by three or more minor categories, those with the lesser profusion are ignored; the
    others are averaged on the 12-point scale (halves go up). Without an affected zone it is the highest
    category seen.

    Args:
        zones: 12-point profusion of each of the six zones.

    Returns:
        One of the twelve categories.

    Raises:
        RecordError: on a missing zone or unknown profusion.

    References:
        ILO 2011, section on profusion ("considered as a whole over affected zones of the lungs").

    Examples:
        >>> whole_lung_profusion({"ru": "2/2", "rm": "2/1", "rl": "0/1", "lu": "2/2", "lm": "2/2", "ll": "1/0"})
        '2/2'
    """
    if set(zones) != set(ZONES):
        raise RecordError(
            f"six zones are needed ({', '.join(ZONES)}), got {', '.join(map(str, zones)) or 'none'}; "
            "grade every zone, 0/0 where nothing is seen"
        )
    grades = [minor(profusion) for profusion in zones.values()]
    highest = max(grades)
    if highest < PROFUSIONS.index(FIRST_AFFECTED):
        return PROFUSIONS[highest]
    kept = [
        grade
        for grade in grades
        if highest - grade < IGNORED_BELOW and grade >= PROFUSIONS.index(FIRST_AFFECTED)
    ]
    return PROFUSIONS[math.floor(sum(kept) / len(kept) + 0.5)]


def large_opacity_category(
    large: Sequence[LargeOpacity], right_upper_zone_mm2: float | None = None
) -> Literal["0", "A", "B", "C"]:
    """Category of the large opacities.

    A: one up to 50 mm, or several with a summed longest dimension up to 50 mm. B: more than that, together
    not larger than the right upper zone. C: together larger than the right upper zone.

    Args:
        large: all large opacities (each longer than 10 mm).
        right_upper_zone_mm2: area of the right upper zone in mm2, as seen on the film; without it C cannot
            be told from B.

    Returns:
        ``0`` where there is none.

    Raises:
        RecordError: if the area is not positive, or is missing where B and C have to be told apart.

    References:
        ILO 2011, section on large opacities. Areas are those of ellipses with the given diameters.

    Examples:
        >>> large_opacity_category([LargeOpacity(30, 20), LargeOpacity(20, 15)])
        'A'
    """
    if not large:
        return "0"
    if sum(opacity.long_mm for opacity in large) <= CATEGORY_A_UP_TO_MM:
        return "A"
    if right_upper_zone_mm2 is None or not right_upper_zone_mm2 > 0:
        raise RecordError(
            f"categories B and C are told apart by the area of the right upper zone, got "
            f"{right_upper_zone_mm2}; give it in square millimetres"
        )
    area = sum(math.pi / 4 * opacity.long_mm * opacity.short_mm for opacity in large)
    return "C" if area > right_upper_zone_mm2 else "B"
