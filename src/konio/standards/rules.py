"""Chapter 5 of GBZ 70-2015 as a table, and the readings that close its gaps.

References:
    GBZ 70-2015: 5.1-5.3, A.3. The gaps and their readings: docs/decisions/0002-gaps-of-gbz-70-2015.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from konio.standards.findings import Findings

Stage = Literal["0", "I", "II", "III"]

#: 5.1a: "reaching at least 2 zones".
STAGE_I_ZONES: Final = 2
#: 5.2 and 5.3: "reaching 4 zones" (达到) is this or more, "more than 4 zones" (超过) is above it.
FOUR_ZONES: Final = 4
#: Where a conclusion without pneumoconiosis is worded; stands where no clause of 5.1-5.3 is met.
NO_STAGE_CLAUSE: Final = "A.3"


class Clause(NamedTuple):
    """One lettered item of chapter 5: its name, its stage, and whether findings meet it."""

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
CLAUSES: Final[tuple[Clause, ...]] = (
    Clause("5.3a", "III", lambda f: any(opacity.is_stage_iii for opacity in f.large)),
    Clause("5.3b", "III", lambda f: _level_3_in_more_than_4(f) and f.aggregation),
    Clause("5.3c", "III", lambda f: _level_3_in_more_than_4(f) and bool(f.large)),
    Clause("5.3d", "III", lambda f: _level_3_in_more_than_4(f) and _asbestos_plaque_iii(f)),
    Clause("5.2a", "II", lambda f: f.overall == 2 and f.distribution > FOUR_ZONES),
    Clause("5.2b", "II", lambda f: f.overall == 3 and f.distribution >= FOUR_ZONES),
    Clause(
        "5.2c",
        "II",
        lambda f: f.overall == 1 and f.distribution > FOUR_ZONES and _asbestos_plaque_at_heart(f),
    ),
    Clause(
        "5.2d",
        "II",
        lambda f: f.overall == 2 and f.distribution >= FOUR_ZONES and _asbestos_plaque_at_heart(f),
    ),
    Clause("5.1a", "I", lambda f: f.overall == 1 and f.distribution >= STAGE_I_ZONES),
    Clause("5.1b", "I", lambda f: f.overall == 1 and f.distribution == 1 and _asbestos_plaque(f)),
    Clause("5.1c", "I", lambda f: f.overall == 0 and f.doubtful_zones >= 2 and _asbestos_plaque(f)),
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


def decide(findings: Findings) -> tuple[Stage, str, Gap | None]:
    """Stage, clause and the gap that had to be closed, if any; total over all findings."""
    for clause in CLAUSES:
        if clause.holds(findings):
            return clause.stage, clause.name, None
    for gap in GAPS:
        if gap.holds(findings):
            return gap.stage, gap.clause, gap
    return "0", NO_STAGE_CLAUSE, None
