"""What a reader sees on one film, in the terms of GBZ 70-2015.

References:
    GBZ 70-2015: 3.2-3.7 (terms), B.1.2 (profusion and distribution).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from konio.errors import RecordError
from konio.tasks import PROFUSIONS, ZONES

#: Minor categories in one major level (B.1.2.2).
MINOR_PER_MAJOR: Final = 3
#: An opacity wider than this is a large one (3.4); up to it, a small one (3.2).
LARGE_OPACITY_OVER_MM: Final = 10.0
#: 5.3a: long diameter *not less than* this ...
STAGE_III_LONG_AT_LEAST_MM: Final = 20.0
#: ... and short diameter *greater than* this (GBZ 70-2009 said "not less than").
STAGE_III_SHORT_OVER_MM: Final = 10.0
#: 5.3d: plaques longer in sum than this part of one lateral chest wall.
PLAQUE_OVER_WALL_FRACTION: Final = 0.5


def minor(profusion: str) -> int:
    """Position on the 12-point scale, 0 (``0/-``) to 11 (``3/+``).

    Raises:
        RecordError: if the text is not one of the twelve categories.
    """
    if profusion not in PROFUSIONS:
        raise RecordError(
            f"{profusion!r} is no profusion of the 12-point scale; use one of {', '.join(PROFUSIONS)}"
        )
    return PROFUSIONS.index(profusion)


def major(profusion: str) -> int:
    """Major level 0..3 of a minor category.

    References:
        GBZ 70-2015, B.1.2.2.

    Examples:
        >>> major("0/1"), major("1/0"), major("3/+")
        (0, 1, 3)
    """
    return minor(profusion) // MINOR_PER_MAJOR


@dataclass(frozen=True, slots=True)
class LargeOpacity:
    """One opacity of more than 10 mm (3.4).

    Args:
        long_mm: longest diameter in mm, above 10.
        short_mm: longest diameter at a right angle to it in mm, above 0 and at most ``long_mm``.
        measured: ``False`` where only its kind is known and the diameters stand for that kind; sentences then
            name the kind and no millimetres.

    Raises:
        RecordError: on a size that is no large opacity.
    """

    long_mm: float
    short_mm: float
    measured: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.long_mm) and self.long_mm > LARGE_OPACITY_OVER_MM):
            raise RecordError(
                f"a large opacity is longer than {LARGE_OPACITY_OVER_MM:g} mm, got {self.long_mm} mm; "
                "count anything smaller into the profusion of its zone"
            )
        if not 0 < self.short_mm <= self.long_mm:
            raise RecordError(
                f"the short diameter must lie in 0..{self.long_mm:g} mm, got {self.short_mm} mm; "
                "give the long diameter first"
            )

    @property
    def is_stage_iii(self) -> bool:
        """Whether it makes stage III by itself (5.3a)."""
        return (
            self.long_mm >= STAGE_III_LONG_AT_LEAST_MM and self.short_mm > STAGE_III_SHORT_OVER_MM
        )


@dataclass(frozen=True, slots=True)
class Plaque:
    """Pleural plaques that are present: thicker than 5 mm or calcified, not at apex or angle (3.6).

    Args:
        length_fraction_of_wall: length of one plaque, or of all on both sides together, as a part of the
            length of one lateral chest wall, 0..2; 0 where it was not measured.
        heart_border_or_diaphragm: a plaque involves part of the heart border or the diaphragm.
        shaggy_heart: the heart border is involved so that part of it looks shaggy (蓬乱).

    Raises:
        RecordError: if the length is not in 0..2.
    """

    length_fraction_of_wall: float = 0.0
    heart_border_or_diaphragm: bool = False
    shaggy_heart: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.length_fraction_of_wall <= 2:
            raise RecordError(
                f"plaque length must be 0..2 lateral chest walls, got {self.length_fraction_of_wall}; "
                "divide the summed length by the length of one wall"
            )

    @property
    def involves_heart_or_diaphragm(self) -> bool:
        """What 5.2c and 5.2d ask for; a shaggy heart border is an involved one."""
        return self.heart_border_or_diaphragm or self.shaggy_heart

    @property
    def is_stage_iii(self) -> bool:
        """What 5.3d asks for beside the small opacities."""
        return self.shaggy_heart or self.length_fraction_of_wall > PLAQUE_OVER_WALL_FRACTION


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reader sees on one film, as far as the stage depends on it.

    Args:
        zones: profusion of each of the six zones (`konio.tasks.ZONES`) on the 12-point scale. A zone takes a
            profusion only where the opacities cover at least two thirds of it (B.1.2.3.2).
        aggregation: small opacities cluster somewhere without forming a large one (3.5).
        large: all large opacities.
        asbestos: the person was exposed to asbestos.
        plaque: pleural plaques, or ``None`` where there are none.

    Raises:
        RecordError: on a missing or unknown zone or profusion.
    """

    zones: Mapping[str, str]
    aggregation: bool = False
    large: tuple[LargeOpacity, ...] = ()
    asbestos: bool = False
    plaque: Plaque | None = None

    def __post_init__(self) -> None:
        if set(self.zones) != set(ZONES):
            raise RecordError(
                f"six zones are needed ({', '.join(ZONES)}), got {', '.join(map(str, self.zones)) or 'none'}; "
                "grade every zone, 0/0 where nothing is seen"
            )
        ordered = {zone: self.zones[zone] for zone in ZONES}
        for profusion in ordered.values():
            minor(profusion)
        object.__setattr__(self, "zones", MappingProxyType(ordered))
        object.__setattr__(self, "large", tuple(self.large))

    @property
    def overall(self) -> int:
        """Overall profusion 总体密集度: the level of the densest zone, 0..3 (B.1.2.3.3)."""
        return max(major(profusion) for profusion in self.zones.values())

    @property
    def distribution(self) -> int:
        """Distribution 分布范围: number of zones at level 1 or above, 0..6 (B.1.2.3.4)."""
        return sum(major(profusion) >= 1 for profusion in self.zones.values())

    @property
    def doubtful_zones(self) -> int:
        """Number of zones at 0/1, which only 5.1c counts."""
        return sum(profusion == "0/1" for profusion in self.zones.values())
