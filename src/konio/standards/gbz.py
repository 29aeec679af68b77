"""GBZ 70-2015 as pure functions: from what is seen on a film to the stage and the clause.

The rules are the clauses of chapter 5 in the standard's own order and words. Where those words name
no stage, a `Gap` says how konio reads them, and the outcome is marked ``by_interpretation``
(docs/decisions/0002-gaps-of-gbz-70-2015.md).

References:
    GBZ 70-2015, Diagnosis of occupational pneumoconiosis (职业性尘肺病的诊断):
    3.2-3.7 terms, 5.1-5.3 stages, A.3 wording of the conclusion, B.1.2.3 profusion and distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

from konio.standards.changes import Change, one_change_away
from konio.standards.findings import Findings, LargeOpacity, Plaque, major, minor
from konio.standards.rules import GAPS, NO_STAGE_CLAUSE, Gap, Stage, decide
from konio.tasks import STAGE, ZONES

__all__ = [
    "GAPS",
    "Change",
    "Findings",
    "Gap",
    "LargeOpacity",
    "Plaque",
    "Stage",
    "Staging",
    "major",
    "minor",
    "stage",
]


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
    reached, clause, gap = decide(findings)
    return Staging(
        stage=reached,
        clause=clause,
        by_interpretation=gap is not None,
        overall=findings.overall,
        distribution=findings.distribution,
        one_change_away=tuple(one_change_away(findings, reached)),
        en=_sentence_en(findings, reached, clause, gap),
        zh=_sentence_zh(findings, reached, clause, gap),
        gap=gap.name if gap else None,
    )


def _size_en(opacity: LargeOpacity) -> str:
    if opacity.measured:
        return f"{opacity.long_mm:g} x {opacity.short_mm:g} mm"
    kind = "of stage III size" if opacity.is_stage_iii else "below stage III size"
    return f"{kind} (not measured)"


def _size_zh(opacity: LargeOpacity) -> str:
    if opacity.measured:
        return f"{opacity.long_mm:g}×{opacity.short_mm:g} mm"
    kind = "达到叁期大小" if opacity.is_stage_iii else "未达到叁期大小"
    return f"（{kind}，未测量）"


def _sentence_en(findings: Findings, reached: Stage, clause: str, gap: Gap | None) -> str:
    facts = [
        f"overall profusion {findings.overall}",
        f"distribution {findings.distribution} of {len(ZONES)} zones",
    ]
    if findings.aggregation:
        facts.append("aggregation of small opacities")
    facts += [f"large opacity {_size_en(opacity)}" for opacity in findings.large]
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
    facts += [f"大阴影{_size_zh(opacity)}" for opacity in findings.large]
    if findings.asbestos:
        facts.append("接触石棉粉尘")
    if findings.plaque is not None:
        facts.append("有胸膜斑")
    why = f"；标准条文未明确此种情况：{gap.zh}" if gap else ""
    basis = f"第{clause}项" if clause != NO_STAGE_CLAUSE else f"{clause}，不符合5.1至5.3任何一项"
    outcome = STAGE.answer(reached).zh if reached == "0" else "尘肺" + STAGE.answer(reached).zh
    return f"依据GBZ 70-2015 {basis}：{'，'.join(facts)}，为{outcome}{why}。"
