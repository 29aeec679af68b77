"""From logits to what may be said: calibrated answers, what is withheld and why, the stage by the standard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from konio.errors import BundleError
from konio.records import TaskAnswer
from konio.standards import Findings, LargeOpacity, Staging, stage
from konio.tasks import ZONES, Task, TaskSet

#: A question that only makes sense for one class of another (the stage: for dust-exposed people) is answered if
#: that class is the most probable one or has at least this probability; below, one film in ten would be
#: given a stage although nothing speaks for dust. See docs/decisions/0010-when-a-stage-is-withheld.md.
MAY_BE: Final = 0.10

#: The class of the differential whose films carry no zone grades (`konio.phantom.labels`).
UNGRADED: Final = "tuberculosis"

#: What stands for "a large opacity of stage III size is present", which the network answers without measuring it.
STAGE_III_SIZE: Final = LargeOpacity(long_mm=20.0, short_mm=11.0, measured=False)

#: What no shipped network answers, and why: name to (English, Chinese).
NEVER_ASSESSED: Final[Mapping[str, tuple[str, str]]] = {
    "pleural_plaque": (
        "no network here reads pleural plaques, so the clauses for asbestos (5.1b, 5.1c, 5.2c, 5.2d, 5.3d) are not applied",
        "没有判读胸膜斑的模型，因此未应用石棉相关条款（5.1b、5.1c、5.2c、5.2d、5.3d）",
    ),
    "opacity_type": (
        "shape and size of small opacities (p, q, r, s, t, u) and the millimetres of large ones are not measured",
        "未测定小阴影的形态和大小（p、q、r、s、t、u）及大阴影的毫米尺寸",
    ),
    "film_grade": (
        "the quality grade of the film (GBZ 70-2015 C.2) is given by a physician; measured facts are listed instead",
        "胸片质量等级（GBZ 70-2015 C.2）由医师评定，此处仅列出测量值",
    ),
}

Reason = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that may be said from one network's output.

    Args:
        tasks: question to answer; ``None`` where it is withheld.
        withheld: question to the reason in both languages.
        zones: zone to profusion, mean grade and confidence; ``None`` if the model does not answer all six.
        rule: stage by GBZ 70-2015; ``None`` if it cannot be derived or does not apply.
    """

    tasks: Mapping[str, TaskAnswer | None]
    withheld: Mapping[str, Reason]
    zones: Mapping[str, Mapping[str, Any]] | None
    rule: Mapping[str, Any] | None


def interpret(
    questions: TaskSet,
    logits: Mapping[str, Sequence[float]],
    temperatures: Mapping[str, float],
    known: TaskSet,
) -> Answers:
    """Calibrate, withhold what does not apply, and stage by the standard.

    Args:
        questions: what the model answers.
        logits: question to one number per class.
        temperatures: question to the temperature its logits are divided by; 1 where not named.
        known: every question konio knows about this kind of image.

    Raises:
        BundleError: if the model's numbers are not finite.
    """
    answers = {
        task.name: calibrated(task, logits[task.name], temperatures.get(task.name, 1.0))
        for task in questions
    }
    withheld: dict[str, Reason] = {
        task.name: (
            "this model does not answer this question",
            "该模型不回答此问题",
        )
        for task in known
        if task.name not in questions
    }
    tasks: dict[str, TaskAnswer | None] = {}
    for task in questions:
        why = why_not(task, answers, questions)
        tasks[task.name] = None if why else answers[task.name]
        if why:
            withheld[task.name] = why
    zones = zone_table(answers)
    rule, why = stage_by_rule(zones, tasks, withheld)
    if why:
        withheld["stage_by_rule"] = why
    return Answers(tasks, {**withheld, **NEVER_ASSESSED}, zones, rule)


def calibrated(task: Task, logits: Sequence[float], temperature: float) -> TaskAnswer:
    """Softmax at a temperature, the mean class of an ordered question, the middle one where that is the answer.

    Raises:
        BundleError: if a number is not finite.
    """
    if not all(map(math.isfinite, logits)):
        raise BundleError(
            f"the model answers {task.name!r} with values that are no numbers; get or train it again"
        )
    peak = max(logits)
    weights = [math.exp((value - peak) / temperature) for value in logits]
    total = math.fsum(weights)
    shares = [weight / total for weight in weights]
    mean = sum(place * share for place, share in enumerate(shares)) if task.ordered else None
    decided = task.classes[task.chosen(shares)] if task.by_middle else None
    return TaskAnswer(dict(zip(task.classes, shares, strict=True)), mean, decided)


def why_not(task: Task, answers: Mapping[str, TaskAnswer], questions: TaskSet) -> Reason | None:
    """Why a question does not apply to this film, or ``None`` if it may."""
    if task.only_if is None or task.only_if[0] not in answers:
        return None
    condition, needed = task.only_if
    answer = answers[condition]
    probability = answer.probabilities[needed]
    if answer.prediction == needed or probability >= MAY_BE:
        return None
    words = questions[condition].answer(needed)
    least = f"{100 * MAY_BE:.0f} %"
    said, said_zh = f"a probability of {100 * probability:.1f} %", f"为 {100 * probability:.1f} %"
    if probability < 1 / 100:
        said, said_zh = "a probability of less than 1 %", "不到 1 %"
    return (
        f"asked only where the film may be {words.en}; that has {said}, below {least}",
        f"仅在可能为“{words.zh}”时回答；其概率{said_zh}，低于 {least}",
    )


def zone_table(answers: Mapping[str, TaskAnswer]) -> dict[str, dict[str, Any]] | None:
    """Profusion, mean grade (0 is ``0/-``, 11 is ``3/+``) and confidence of the six zones, and whether to doubt them.

    Films of tuberculosis carry no grades to learn from, so that a zone's answer there is made from what it never saw.
    """
    differential = answers.get("differential")
    doubtful = differential is not None and differential.prediction == UNGRADED
    found = {zone: answers.get(f"zone_{zone}") for zone in ZONES}
    table = {
        zone: {
            "profusion": answer.prediction,
            "expected": answer.expected,
            "confidence": answer.probabilities[answer.prediction],
            "doubtful": doubtful,
        }
        for zone, answer in found.items()
        if answer is not None
    }
    return table if len(table) == len(ZONES) else None


def stage_by_rule(
    zones: Mapping[str, Mapping[str, Any]] | None,
    tasks: Mapping[str, TaskAnswer | None],
    withheld: Mapping[str, Reason],
) -> tuple[dict[str, Any] | None, Reason | None]:
    """The stage that follows from the zones, or why there is none.

    Args:
        zones: from `zone_table`.
        tasks: answers; ``None`` where withheld.
        withheld: reasons for what is withheld.
    """
    if zones is None:
        return None, ("the model does not answer all six zones", "该模型未回答全部六个肺区")
    conditional = [name for name in ("stage", "large_opacity", "aggregation") if name in tasks]
    if conditional and all(tasks[name] is None for name in conditional):
        return None, withheld[conditional[0]]
    large, aggregated = _present(tasks, "large_opacity"), _present(tasks, "aggregation")
    findings = Findings(
        zones={zone: row["profusion"] for zone, row in zones.items()},
        aggregation=bool(aggregated),
        large=(STAGE_III_SIZE,) if large else (),
    )
    return _rule(stage(findings), _assumed(large, aggregated)), None


def _present(tasks: Mapping[str, TaskAnswer | None], name: str) -> bool | None:
    answer = tasks.get(name)
    return None if answer is None else answer.prediction == "present"


def _assumed(large: bool | None, aggregated: bool | None) -> list[list[str]]:
    """What the stage takes for granted because nothing here measures it: pairs (English, Chinese)."""
    notes = []
    if large is None:
        notes.append(
            [
                "Large opacities are not answered and taken as absent.",
                "未回答大阴影，按无大阴影处理。",
            ]
        )
    if aggregated is None:
        notes.append(
            [
                "Aggregation is not answered and taken as absent.",
                "未回答小阴影聚集，按无聚集处理。",
            ]
        )
    return notes


def _rule(staging: Staging, assumed: list[list[str]]) -> dict[str, Any]:
    return {
        "stage": staging.stage,
        "clause": staging.clause,
        "by_interpretation": staging.by_interpretation,
        "overall_profusion": staging.overall,
        "distribution": staging.distribution,
        "sentence": staging.en,
        "sentence_zh": staging.zh,
        "assumed": assumed,
        "one_change_away": [change._asdict() for change in staging.one_change_away],
    }
