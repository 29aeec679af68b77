"""What the study comes to, in sentences at the top of its page: multi-task or single-task, network or baseline, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from konio.metrics import relative_gain
from konio.report.words import Words
from konio.significance import Interval
from konio.studies.cells import digits
from konio.studies.nodules.classical import ClassicalResult
from konio.studies.nodules.design import MULTI
from konio.studies.nodules.evidence import FROM_ANSWERS, Evidence
from konio.studies.nodules.report_words import BASELINE_WORDS, interval
from konio.studies.page import Paragraph, Tone
from konio.studies.reported import Reported
from konio.studies.tables import say

#: The question that decides; named before anything was measured.
_MAIN: Final = "malignancy"
_MEASURES: Final[Mapping[str, Words]] = {
    "accuracy": Words("accuracy", "准确率"),
    "auc": Words("area under the curve", "AUC"),
}
_STOP: Final = Words("; ", "；")


def answers(
    evidence: Evidence,
    questions: Sequence[str],
    singles: Sequence[str],
    measured: int,
) -> list[Paragraph]:
    """The verdicts on the networks; whatever the sign.

    Args:
        evidence: the finished trainings, with baselines.
        questions: those that have measured nodules.
        singles: those that also have a network of their own.
        measured: nodules with a class in the main question.
    """
    found = [
        _against_single(evidence, singles, measured),
        _over_questions(evidence, singles),
        _from_answers(evidence),
        *(_against_baselines(evidence, score) for score in _MEASURES),
        _baselines_over_questions(evidence, questions),
    ]
    return [paragraph for paragraph in found if paragraph is not None]


def _against_single(evidence: Evidence, singles: Sequence[str], measured: int) -> Paragraph | None:
    gaps = _gaps(evidence, evidence.single(_MAIN), _MAIN) if _MAIN in singles else {}
    if not gaps:
        return None
    parts = [
        Words(*(f"{say(_MEASURES[s], x)} {_shown(gap, x)}{colon}{say(_outcome(gap), x)}" for x, colon in (("en", ", "), ("zh", "，"))))
        for s, gap in gaps.items()
    ]  # fmt: skip
    return Paragraph(
        Words(
            f"All questions together minus a network of its own, suspicion of malignancy ({measured} nodules, {evidence.folds} folds by "
            f"patient): {_joined(parts, 'en')}.",
            f"多任务减单任务，恶性可能（{measured}个结节，按患者{evidence.folds}折）：{_joined(parts, 'zh')}。",
        ),
        _tone(list(gaps.values())),
    )


def _over_questions(evidence: Evidence, singles: Sequence[str]) -> Paragraph | None:
    gaps = {q: _gaps(evidence, evidence.single(q), q) for q in singles}
    gaps = {q: own for q, own in gaps.items() if own}
    if len(gaps) < 2:
        return None
    parts = [
        _tally(words, [own[score] for own in gaps.values() if score in own])
        for score, words in _MEASURES.items()
    ]
    gain = _gain(evidence, list(gaps))
    return Paragraph(
        Words(
            f"Over the {len(gaps)} questions that have a network of their own, multi-task against single-task: {_joined(parts, 'en')}{gain.en}. "
            "These intervals are not adjusted for the number of questions; the P values of Table 3 are.",
            f"在有单任务网络的{len(gaps)}个问题上，多任务对单任务：{_joined(parts, 'zh')}{gain.zh}。此处区间未按问题数校正，表3的P值已校正。",
        )
    )


def _from_answers(evidence: Evidence) -> Paragraph | None:
    """What the network's other answers know about malignancy that the one about it does not."""
    means = {score: evidence.interval(FROM_ANSWERS, _MAIN, score) for score in _MEASURES}
    gaps = {score: evidence.difference(FROM_ANSWERS, MULTI, _MAIN, score) for score in _MEASURES}
    parts = [
        Words(
            f"{_MEASURES[score].en} {own.estimate:.3f}, minus the answer itself {_shown(gap[0], 'en')}, {_outcome(gap[0]).en}",
            f"{_MEASURES[score].zh}{own.estimate:.3f}，减直接回答{_shown(gap[0], 'zh')}，{_outcome(gap[0]).zh}",
        )
        for score in _MEASURES
        if (own := means[score]) is not None and (gap := gaps[score]) is not None
    ]
    if not parts:
        return None
    return Paragraph(
        Words(
            "Malignancy told from all answers of the multi-task network, by a logistic model of the nodules it has learned from: "
            f"{_joined(parts, 'en')}.",
            f"由多任务网络的全部回答判断恶性（逻辑回归，以其训练结节拟合）：{_joined(parts, 'zh')}。",
        )
    )


def _gain(evidence: Evidence, questions: Sequence[str]) -> Words:
    """The mean relative gain in accuracy (dossier section 5, S13)."""
    new, old = (
        {q: found.estimate for q in questions if (found := evidence.interval(group(q), q, "accuracy"))}
        for group in (lambda q: MULTI, evidence.single)
    )  # fmt: skip
    if set(new) != set(old) or not all(old.values()):
        return Words("", "")
    gain = digits(relative_gain(new, old), 1, percent=True, sign=True)
    return Words(f"; mean relative gain in accuracy {gain} %", f"；准确率平均相对增益{gain}%")


def _against_baselines(evidence: Evidence, score: str) -> Paragraph | None:
    """The network beside every baseline in one measure; a constant answer has no area to speak of."""
    own = evidence.interval(MULTI, _MAIN, score)
    rivals = [name for name in BASELINE_WORDS if (name, score) != ("majority", "auc")]
    gaps = {
        name: gap[0]
        for name in rivals
        if (gap := evidence.difference(MULTI, name, _MAIN, score)) is not None
    }
    if own is None or not gaps:
        return None
    parts = [
        Words(
            f"minus {BASELINE_WORDS[name].en} {_shown(gap, 'en')}",
            f"减{BASELINE_WORDS[name].zh} {_shown(gap, 'zh')}",
        )
        for name, gap in gaps.items()
    ]
    unbeaten = [BASELINE_WORDS[name] for name, gap in gaps.items() if gap.low <= 0]
    if unbeaten:
        verdict = Words(
            f"It is not shown to be better than {', '.join(w.en for w in unbeaten)}.",
            f"未能证明优于{'、'.join(w.zh for w in unbeaten)}。",
        )
    else:
        verdict = Words("It is better than each of them.", "优于上述各项。")
    words = _MEASURES[score]
    return Paragraph(
        Words(
            f"The multi-task network against the baselines, {words.en} of malignancy: {own.estimate:.3f}; {_joined(parts, 'en')}. "
            f"{verdict.en}",
            f"多任务网络与基线，恶性的{words.zh}：{own.estimate:.3f}；{_joined(parts, 'zh')}。{verdict.zh}",
        ),
        "warn" if unbeaten else "good",
    )


def _baselines_over_questions(evidence: Evidence, questions: Sequence[str]) -> Paragraph | None:
    parts = []
    for name in ("diameter", "shape"):
        gaps = [
            gap[0]
            for q in questions
            if q != name and (gap := evidence.difference(MULTI, name, q, "auc")) is not None
        ]
        if gaps:
            parts.append(_tally(BASELINE_WORDS[name], gaps))
    if not parts:
        return None
    return Paragraph(
        Words(
            f"Over all questions, area under the curve of the multi-task network against: {_joined(parts, 'en')}.",
            f"在全部问题上，多任务网络的AUC与基线比较：{_joined(parts, 'zh')}。",
        )
    )


def readings_answer(result: ClassicalResult, reported: Reported) -> Paragraph | None:
    """How far people's readings of the characteristics tell their suspicion."""
    svm, diameter = (result.scores.get(n, {}).get("accuracy") for n in ("svm", "diameter"))
    if svm is None or diameter is None:
        return None
    printed = reported["classical.accuracy"].value
    return Paragraph(
        Words(
            f"People's readings alone, no network: all characteristics tell suspicion of malignancy with an accuracy of {_plain(svm, 'en')}, "
            f"the diameter alone with {_plain(diameter, 'en')} (the paper prints {printed} for the former).",
            f"仅用人工读片、不用网络：全部特征判断恶性可能的准确率为{_plain(svm, 'zh')}，仅直径为{_plain(diameter, 'zh')}（论文前者为{printed}）。",
        )
    )


def _gaps(evidence: Evidence, other: str, question: str) -> dict[str, Interval]:
    found = {s: evidence.difference(MULTI, other, question, s) for s in _MEASURES}
    return {score: gap[0] for score, gap in found.items() if gap is not None}


def _outcome(gap: Interval) -> Words:
    if gap.low > 0:
        return Words("better", "更优")
    if gap.high < 0:
        return Words("worse", "更差")
    return Words("not settled, since the interval holds 0", "区间包含0，尚无定论")


def _tally(words: Words, gaps: Sequence[Interval]) -> Words:
    better = sum(gap.low > 0 for gap in gaps)
    worse = sum(gap.high < 0 for gap in gaps)
    open_ = len(gaps) - better - worse
    return Words(
        f"{words.en} better in {better}, worse in {worse}, not settled in {open_}",
        f"{words.zh}更优{better}项、更差{worse}项、未定{open_}项",
    )


def _tone(gaps: Sequence[Interval]) -> Tone:
    if any(gap.high < 0 for gap in gaps):
        return "warn"
    return "good" if any(gap.low > 0 for gap in gaps) else "plain"


def _shown(gap: Interval, language: str) -> str:
    return say(interval(gap, sign=True).text, language)


def _plain(found: Interval, language: str) -> str:
    return say(interval(found).text, language) if math.isfinite(found.estimate) else "–"


def _joined(parts: Sequence[Words], language: str) -> str:
    return say(_STOP, language).join(say(part, language) for part in parts)
