"""GBZ 70-2015 as pure functions: from what is seen on a film to the stage and the clause.

The rules are the clauses of chapter 5 in the standard's own order and words. Where those words name
no stage, a `Gap` says how konio reads them, and the outcome is marked ``by_interpretation``
(docs/decisions/0002-gaps-of-gbz-70-2015.md).

References:
    GBZ 70-2015, Diagnosis of occupational pneumoconiosis (职业性尘肺病的诊断):
    3.2-3.7 terms, 5.1-5.3 stages, A.3 wording of the conclusion, B.1.2.3 profusion and distribution.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from konio.errors import RecordError
from konio.tasks import PROFUSIONS, STAGE, ZONES, zone_words

Stage = Literal["0", "I", "II", "III"]

#: Minor categories in one major level (B.1.2.2).
MINOR_PER_MAJOR: Final = 3
#: An opacity wider than this is a large one (3.4); up to it, a small one (3.2).
LARGE_OPACITY_OVER_MM: Final = 10.0
#: 5.3a: long diameter *not less than* this ...
STAGE_III_LONG_AT_LEAST_MM: Final = 20.0
#: ... and short diameter *greater than* this (GBZ 70-2009 said "not less than").
STAGE_III_SHORT_OVER_MM: Final = 10.0
#: 5.1a: "reaching at least 2 zones".
STAGE_I_ZONES: Final = 2
#: 5.2 and 5.3: "reaching 4 zones" (达到) is this or more, "more than 4 zones" (超过) is above it.
FOUR_ZONES: Final = 4
#: 5.3d: plaques longer in sum than this part of one lateral chest wall.
PLAQUE_OVER_WALL_FRACTION: Final = 0.5
#: Where a conclusion without pneumoconiosis is worded; stands where no clause of 5.1-5.3 is met.
NO_STAGE_CLAUSE: Final = "A.3"


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

    Raises:
        RecordError: on a size that is no large opacity.
    """

    long_mm: float
    short_mm: float

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


class Change(NamedTuple):
    """One small change of the findings that would change the stage.

    Attributes:
        kind: ``zone``, ``aggregation`` or ``large_opacity``.
        zone: the zone of a ``zone`` change, else ``None``.
        before: what is there now.
        after: what would be there.
        stage: the stage it would then be.
        clause: the clause it would then rest on.
        en: the change in one English sentence.
        zh: the same in Chinese.
    """

    kind: Literal["zone", "aggregation", "large_opacity"]
    zone: str | None
    before: str
    after: str
    stage: Stage
    clause: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Staging:
    """The stage and why.

    Args:
        stage: ``0``, ``I``, ``II`` or ``III``.
        clause: ``5.1a`` ... ``5.3d``, or ``A.3`` where no clause is met.
        by_interpretation: the standard's words name no stage for this combination; see ``gap``.
        overall: overall profusion, 0..3.
        distribution: number of zones at level 1 or above, 0..6.
        one_change_away: every single change that would lead to another stage.
        en: the reason in one English sentence that names the clause.
        zh: the same in Chinese.
        gap: name of the `Gap` that was closed, or ``None``.
    """

    stage: Stage
    clause: str
    by_interpretation: bool
    overall: int
    distribution: int
    one_change_away: tuple[Change, ...]
    en: str
    zh: str
    gap: str | None = None


class _Clause(NamedTuple):
    name: str
    stage: Stage
    holds: Callable[[Findings], bool]


class Gap(NamedTuple):
    """A combination for which chapter 5 names no stage, and how it is read.

    Attributes:
        name: short identifier.
        stage: the stage given.
        clause: the clause whose spirit it follows.
        holds: whether findings that meet no clause fall into this gap; the first that holds counts.
        en: the reading in English.
        zh: the reading in Chinese.
    """

    name: str
    stage: Stage
    clause: str
    holds: Callable[[Findings], bool]
    en: str
    zh: str


def _asbestos_plaque(f: Findings) -> bool:
    return f.asbestos and f.plaque is not None


def _asbestos_plaque_at_heart(f: Findings) -> bool:
    return f.asbestos and f.plaque is not None and f.plaque.involves_heart_or_diaphragm


def _asbestos_plaque_iii(f: Findings) -> bool:
    return f.asbestos and f.plaque is not None and f.plaque.is_stage_iii


def _level_3_in_more_than_4(f: Findings) -> bool:
    return f.overall == 3 and f.distribution > FOUR_ZONES


#: Chapter 5, the highest stage first; the first clause that holds gives the stage.
_CLAUSES: Final[tuple[_Clause, ...]] = (
    _Clause("5.3a", "III", lambda f: any(opacity.is_stage_iii for opacity in f.large)),
    _Clause("5.3b", "III", lambda f: _level_3_in_more_than_4(f) and f.aggregation),
    _Clause("5.3c", "III", lambda f: _level_3_in_more_than_4(f) and bool(f.large)),
    _Clause("5.3d", "III", lambda f: _level_3_in_more_than_4(f) and _asbestos_plaque_iii(f)),
    _Clause("5.2a", "II", lambda f: f.overall == 2 and f.distribution > FOUR_ZONES),
    _Clause("5.2b", "II", lambda f: f.overall == 3 and f.distribution >= FOUR_ZONES),
    _Clause(
        "5.2c",
        "II",
        lambda f: f.overall == 1 and f.distribution > FOUR_ZONES and _asbestos_plaque_at_heart(f),
    ),
    _Clause(
        "5.2d",
        "II",
        lambda f: f.overall == 2 and f.distribution >= FOUR_ZONES and _asbestos_plaque_at_heart(f),
    ),
    _Clause("5.1a", "I", lambda f: f.overall == 1 and f.distribution >= STAGE_I_ZONES),
    _Clause("5.1b", "I", lambda f: f.overall == 1 and f.distribution == 1 and _asbestos_plaque(f)),
    _Clause(
        "5.1c", "I", lambda f: f.overall == 0 and f.doubtful_zones >= 2 and _asbestos_plaque(f)
    ),
)

#: GBZ 70-2002 called level 2 in four zones "I+"; the half stages are gone, the stage is I.
LEVEL_2_IN_FEW_ZONES: Final = Gap(
    "level-2-in-few-zones",
    "I",
    "5.1a",
    lambda f: f.overall == 2 and f.distribution >= STAGE_I_ZONES,
    "overall profusion 2 in two to four zones is read as stage I",
    "总体密集度2级而分布范围为2至4个肺区，按惯例判为壹期",
)
#: More than stage I asks for, less than stage II asks for.
LEVEL_3_IN_FEW_ZONES: Final = Gap(
    "level-3-in-few-zones",
    "I",
    "5.1a",
    lambda f: f.overall == 3 and f.distribution >= STAGE_I_ZONES,
    "overall profusion 3 in two or three zones is read as stage I",
    "总体密集度3级而分布范围为2至3个肺区，按惯例判为壹期",
)
#: 5.1b names level 1 only; more of the same disease cannot weigh less.
DENSE_ZONE_WITH_PLAQUE: Final = Gap(
    "dense-zone-with-plaque",
    "I",
    "5.1b",
    lambda f: f.distribution == 1 and _asbestos_plaque(f),
    "asbestos exposure, plaque and overall profusion 2 or 3 in one zone is read as stage I",
    "接触石棉粉尘、有胸膜斑且仅1个肺区总体密集度达2级或3级，按惯例判为壹期",
)
#: Below the two zones of 5.1a.
ONE_ZONE: Final = Gap(
    "one-zone",
    "0",
    NO_STAGE_CLAUSE,
    lambda f: f.distribution == 1,
    "small opacities in one zone only are read as no pneumoconiosis and call for follow-up",
    "小阴影仅分布于1个肺区，按惯例判为无尘肺，建议随访",
)
#: A large opacity below the size of 5.3a counts only beside profusion 3 in more than four zones (5.3c).
LARGE_OPACITY_ALONE: Final = Gap(
    "large-opacity-alone",
    "0",
    NO_STAGE_CLAUSE,
    lambda f: bool(f.large),
    "a large opacity below the size of 5.3a without small opacities is read as no pneumoconiosis "
    "and calls for another explanation",
    "仅有未达到5.3a大小的大阴影而无小阴影，按惯例判为无尘肺，应鉴别其他疾病",
)
#: Aggregation counts only beside profusion 3 in more than four zones (5.3b).
AGGREGATION_ALONE: Final = Gap(
    "aggregation-alone",
    "0",
    NO_STAGE_CLAUSE,
    lambda f: f.aggregation,
    "aggregation without a zone at level 1 is read as no pneumoconiosis and calls for follow-up",
    "有小阴影聚集但无肺区密集度达1级，按惯例判为无尘肺，建议随访",
)

#: All gaps, in the order they are asked.
GAPS: Final[tuple[Gap, ...]] = (
    LEVEL_2_IN_FEW_ZONES,
    LEVEL_3_IN_FEW_ZONES,
    DENSE_ZONE_WITH_PLAQUE,
    ONE_ZONE,
    LARGE_OPACITY_ALONE,
    AGGREGATION_ALONE,
)


def _decide(findings: Findings) -> tuple[Stage, str, Gap | None]:
    for clause in _CLAUSES:
        if clause.holds(findings):
            return clause.stage, clause.name, None
    for gap in GAPS:
        if gap.holds(findings):
            return gap.stage, gap.clause, gap
    return "0", NO_STAGE_CLAUSE, None


def stage(findings: Findings) -> Staging:
    """Stage of pneumoconiosis by GBZ 70-2015.

    The function is total (every valid `Findings` has a stage) and monotone (more disease never lowers it).
    It says what the film shows; a diagnosis needs more (`konio.standards.diagnosis`).

    References:
        GBZ 70-2015, 5.1-5.3, A.3, B.1.2.3.

    Examples:
        >>> zones = dict.fromkeys(("ru", "rm", "rl", "lu", "lm"), "2/2")
        >>> result = stage(Findings({**zones, "ll": "0/0"}))
        >>> result.stage, result.clause, result.by_interpretation
        ('II', '5.2a', False)
    """
    reached, clause, gap = _decide(findings)
    return Staging(
        stage=reached,
        clause=clause,
        by_interpretation=gap is not None,
        overall=findings.overall,
        distribution=findings.distribution,
        one_change_away=tuple(_changes(findings, reached)),
        en=_sentence_en(findings, reached, clause, gap),
        zh=_sentence_zh(findings, reached, clause, gap),
        gap=gap.name if gap else None,
    )


def _changes(findings: Findings, now: Stage) -> Iterator[Change]:
    for kind, zone, before, after, changed in _neighbours(findings):
        reached, clause, _ = _decide(changed)
        if reached != now:
            en, zh = _change_words(kind, zone, before, after, reached, clause)
            yield Change(kind, zone, before, after, reached, clause, en, zh)
            if kind == "large_opacity" and before == "absent":
                return  # a larger one would do the same


_Neighbour = tuple[Literal["zone", "aggregation", "large_opacity"], str | None, str, str, Findings]


def _neighbours(findings: Findings) -> Iterator[_Neighbour]:
    """Everything one step away: one minor category of one zone, aggregation, the large opacities."""
    for zone, profusion in findings.zones.items():
        for step in (-1, 1):
            position = minor(profusion) + step
            if 0 <= position < len(PROFUSIONS):
                after = PROFUSIONS[position]
                zones = {**findings.zones, zone: after}
                yield "zone", zone, profusion, after, dataclasses.replace(findings, zones=zones)
    words = {False: "absent", True: "present"}
    now = findings.aggregation
    toggled = dataclasses.replace(findings, aggregation=not now)
    yield "aggregation", None, words[now], words[not now], toggled
    before = _large_word(findings.large)
    for after, large in _LARGE_EXAMPLES.items():
        if after != before:
            changed = dataclasses.replace(findings, large=large)
            yield "large_opacity", None, before, after, changed


_SMALL_SIZE: Final = f"over {LARGE_OPACITY_OVER_MM:g} mm"
_STAGE_III_SIZE: Final = (
    f"at least {STAGE_III_LONG_AT_LEAST_MM:g} mm by over {STAGE_III_SHORT_OVER_MM:g} mm"
)
#: The three states of the large opacities that the rules tell apart, with an example of each.
_LARGE_EXAMPLES: Final[Mapping[str, tuple[LargeOpacity, ...]]] = MappingProxyType(
    {
        "absent": (),
        _SMALL_SIZE: (LargeOpacity(LARGE_OPACITY_OVER_MM + 1, LARGE_OPACITY_OVER_MM),),
        _STAGE_III_SIZE: (LargeOpacity(STAGE_III_LONG_AT_LEAST_MM, STAGE_III_SHORT_OVER_MM + 1),),
    }
)
_WORDS_ZH: Final = MappingProxyType(
    {
        "absent": "无",
        "present": "有",
        _SMALL_SIZE: "大于10 mm",
        _STAGE_III_SIZE: "长径不小于20 mm且短径大于10 mm",
    }
)


def _large_word(large: tuple[LargeOpacity, ...]) -> str:
    if any(opacity.is_stage_iii for opacity in large):
        return _STAGE_III_SIZE
    return _SMALL_SIZE if large else "absent"


def _change_words(
    kind: str, zone: str | None, before: str, after: str, reached: Stage, clause: str
) -> tuple[str, str]:
    words = STAGE.answer(reached)
    if zone is not None:
        name = zone_words(zone)
        what, what_zh = name.en, name.zh + "密集度"
        before_zh, after_zh = before, after
    else:
        what = kind.replace("_", " ")
        what_zh = "小阴影聚集" if kind == "aggregation" else "大阴影"
        before_zh, after_zh = _WORDS_ZH[before], _WORDS_ZH[after]
    return (
        f"With {what} {after} instead of {before} it would be {words.en} ({clause}).",
        f"若{what_zh}由“{before_zh}”变为“{after_zh}”，则为{words.zh}（{clause}）。",
    )


def _sentence_en(findings: Findings, reached: Stage, clause: str, gap: Gap | None) -> str:
    facts = [
        f"overall profusion {findings.overall}",
        f"distribution {findings.distribution} of {len(ZONES)} zones",
    ]
    if findings.aggregation:
        facts.append("aggregation of small opacities")
    facts += [f"large opacity {o.long_mm:g} x {o.short_mm:g} mm" for o in findings.large]
    if findings.asbestos:
        facts.append("asbestos exposure")
    if findings.plaque is not None:
        facts.append("pleural plaque")
    why = f"; the text names no stage here: {gap.en}" if gap else ""
    basis = f"clause {clause}" if clause != NO_STAGE_CLAUSE else f"{clause}, no clause of 5.1-5.3"
    return f"GBZ 70-2015 {basis}: {', '.join(facts)}, so {STAGE.answer(reached).en}{why}."


def _sentence_zh(findings: Findings, reached: Stage, clause: str, gap: Gap | None) -> str:
    facts = [
        f"小阴影总体密集度{findings.overall}级",
        f"分布范围{findings.distribution}个肺区",
    ]
    if findings.aggregation:
        facts.append("有小阴影聚集")
    facts += [f"大阴影{o.long_mm:g}×{o.short_mm:g} mm" for o in findings.large]
    if findings.asbestos:
        facts.append("接触石棉粉尘")
    if findings.plaque is not None:
        facts.append("有胸膜斑")
    why = f"；标准条文未明确此种情况：{gap.zh}" if gap else ""
    basis = f"第{clause}项" if clause != NO_STAGE_CLAUSE else f"{clause}，不符合5.1至5.3任何一项"
    outcome = STAGE.answer(reached).zh if reached == "0" else "尘肺" + STAGE.answer(reached).zh
    return f"依据GBZ 70-2015 {basis}：{'，'.join(facts)}，为{outcome}{why}。"
