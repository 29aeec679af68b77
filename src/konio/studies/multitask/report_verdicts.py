"""What Table 6 comes to, in sentences: does it help, does another estimate say otherwise, and the mean gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from konio.metrics import relative_gain
from konio.report.words import Words
from konio.significance import Interval
from konio.studies.cells import digits, interval
from konio.studies.multitask.report_effect import Line, believed, places_of
from konio.studies.multitask.report_pooled import TEST
from konio.studies.multitask.report_runs import METHODS, Evidence
from konio.studies.multitask.report_scores import by_unit
from konio.studies.page import Paragraph, Tone
from konio.studies.tables import say


def verdicts(evidence: Evidence, lines: Mapping[str, Sequence[Line]]) -> tuple[Paragraph, ...]:
    """One sentence a question: better, worse or not settled, whatever the sign.

    Args:
        evidence: of the study.
        lines: question to its `effect_lines`.
    """
    new, old = evidence.pair
    found = []
    for task, question in evidence.questions.items():
        line = believed(lines[task])
        if line is None or line.difference is None or old is None:
            continue
        gap = line.difference
        shown = interval(gap, places_of(lines[task]), percent=True, sign=True).text
        word, tone = _verdict(gap)
        first, second = METHODS[new], METHODS[old]
        found.append(
            Paragraph(
                Words(
                    f"{say(question.title)}: {first.en} against {second.en}: {say(shown)} points of accuracy, {line.films} films "
                    f"({line.name.en}). {word.en}",
                    f"{say(question.title, 'zh')}：{first.zh}对{second.zh}，准确率差{say(shown, 'zh')}个百分点，{line.films}例"
                    f"（{line.name.zh}）。{word.zh}",
                ),
                tone,
            )
        )
    return tuple(found)


def ensemble_sentences(
    evidence: Evidence, lines: Mapping[str, Sequence[Line]]
) -> tuple[Paragraph, ...]:
    """Says why the patient bootstrap of the test set and the line to believe disagree, where they do.

    Args:
        evidence: of the study.
        lines: question to its `report_effect.effect_lines`.

    References:
        docs/decisions/0015.
    """
    found = []
    for task, question in evidence.questions.items():
        best = believed(lines[task])
        averaged = [
            line for line in lines[task] if line.note == "patients" and TEST.en in line.name.en
        ]
        if best is None or best.note != "crossed" or best.difference is None or not averaged:
            continue
        other = averaged[0].difference
        if other is None or _verdict(other) == _verdict(best.difference):
            continue
        places = places_of(lines[task])
        shown = [
            interval(gap, places, percent=True, sign=True).text for gap in (best.difference, other)
        ]
        found.append(
            Paragraph(
                Words(
                    f"{say(question.title)}: {say(shown[0])} is the difference between single networks, on average. The average of all networks of a method is "
                    f"another estimate, usually better than each of them; between averages the difference is {say(shown[1])}, for these "
                    "very networks on other patients (and so McNemar's test). Training anew is not in it.",
                    f"{say(question.title, 'zh')}：{say(shown[0], 'zh')}是单个网络之差的均值。同一方法全部网络的平均是另一种估计，通常优于各单个网络；"
                    f"平均之间的差值为{say(shown[1], 'zh')}，仅指现有网络用于其他患者（McNemar检验亦然），不含重新训练的随机性。",
                ),
                "quiet",
            )
        )
    return tuple(found)


def gain_sentence(evidence: Evidence) -> tuple[Paragraph, ...]:
    """The mean relative gain over all questions, which one number people ask for; nothing until all have been measured.

    References:
        Dossier section 5, S13.
    """
    new, old = evidence.pair
    if old is None or len(evidence.questions) < 2:
        return ()
    means: list[dict[str, float]] = [{}, {}]
    for task, question in evidence.questions.items():
        for method, own in ((new, means[0]), (old, means[1])):
            values = by_unit(evidence.best(task, method), question, ("accuracy", "mean"))
            if values:
                own[task] = float(np.mean(list(values.values())))
    if set(means[0]) != set(evidence.questions) or set(means[1]) != set(means[0]):
        return ()
    if not all(means[1].values()):
        return ()
    gain = digits(relative_gain(*means), 1, percent=True, sign=True)
    return (
        Paragraph(
            Words(
                f"Mean relative gain in accuracy over all questions, cross-validation: {gain} %.",
                f"各任务准确率的平均相对增益（交叉验证）：{gain}%。",
            ),
            "quiet",
        ),
    )


def _verdict(gap: Interval) -> tuple[Words, Tone]:
    if gap.low > 0:
        return Words("It helps.", "有提升。"), "good"
    if gap.high < 0:
        return Words("It harms.", "有下降。"), "warn"
    return (
        Words("Not settled: the interval holds 0.", "尚无定论：区间包含0。"),
        "plain",
    )
