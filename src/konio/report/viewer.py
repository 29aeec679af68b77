"""The film and what lies on it: heat maps, outlines of the zones, boxes; all in pixels of the stored film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from konio.assess import Examined, HeatMap
from konio.assess.explained import outside_the_lungs
from konio.records import Image
from konio.report import pictures
from konio.report.words import WORDS, Words, answer_words, percent, short_question
from konio.tasks import TaskSet

#: The question whose heat map is shown first is the first of these that was answered.
FIRST_SHOWN: Final = ("stage", "differential")


def first_shown(examined: Examined) -> str | None:
    """The question whose heat map stands for the film, or ``None`` without any map."""
    explained = [heat.task for heat in examined.heats]
    return next((task for task in (*FIRST_SHOWN, *explained) if task in explained), None)


def film_layer(image: Image, uri: str) -> dict[str, Any]:
    """The film itself: address, size and the height of letters on it."""
    height, width = image.shape
    return {
        "uri": uri,
        "width": width,
        "height": height,
        "letter": _letter(image),
    }


def _letter(image: Image) -> int:
    """Height of letters on the film, in its pixels."""
    return max(8, max(image.shape) // 42)


def heat_layer(examined: Examined, heat: HeatMap, shown: str | None) -> dict[str, Any]:
    """One heat map, where it lies, and the words beside it."""
    task = examined.questions[heat.task]
    top, left, bottom, right = heat.box_px
    answer = answer_words(task, heat.answer)
    inside = _inside(examined, heat.task)
    return {
        "task": task.name,
        "choice": short_question(task),
        "caption": Words(
            f"{task.en}: {answer.en}.{inside.en}", f"{task.zh}：{answer.zh}。{inside.zh}"
        ),
        "uri": pictures.heat_layer_uri(heat),
        "x": round(left, 1),
        "y": round(top, 1),
        "width": round(right - left, 1),
        "height": round(bottom - top, 1),
        "shown": heat.task == shown,
    }


def _inside(examined: Examined, task: str) -> Words:
    """What the map has to do with the lungs, as a sentence; nothing for a zone's question or an empty map."""
    facts = examined.assessment.explanation or {}
    share = (facts.get("in_lungs") or {}).get(task)
    if share is None:
        return Words("", "")
    if task in facts.get("made_from_lungs", ()):
        words = WORDS["lungs-alone"]
        return Words(f" {words.en}", words.zh)
    words = WORDS["in-lungs"]
    return Words(f" {percent(share)} {words.en}.", f"{percent(share)} {words.zh}。")


def lung_warning(explanation: Mapping[str, Any] | None, questions: TaskSet) -> list[Words]:
    """A warning that names the answers that were moved more from outside the lungs than from inside.

    Args:
        explanation: of an assessment.
        questions: that were asked.
    """
    low = outside_the_lungs(explanation)
    if not low:
        return []
    named = [(short_question(questions[name]), percent(share)) for name, share in low.items()]
    words = WORDS["outside-lungs"]
    en = ", ".join(f"{question.en} ({share} inside)" for question, share in named)
    zh = "、".join(f"{question.zh}（肺野内 {share}）" for question, share in named)
    return [Words(f"{en}: {words.en}", f"{zh}：{words.zh}")]


def outline_layers(examined: Examined) -> list[dict[str, Any]]:
    """Outline and name of each zone; nothing without lungs."""
    lungs = examined.lungs
    if lungs is None:
        return []
    found = []
    for zone, path in pictures.zone_outlines(lungs).items():
        rows, columns = lungs.zone(zone).nonzero()
        found.append(
            {
                "name": zone.upper(),
                "path": path,
                "x": round(float(columns.mean() + 0.5) * lungs.scale[1]),
                "y": round(float(rows.mean() + 0.5) * lungs.scale[0]),
            }
        )
    return found


def box_layers(examined: Examined, image: Image, shown: str | None) -> list[dict[str, Any]]:
    """Boxes of evidence with their share; those of the question shown first are visible."""
    letter = _letter(image)
    boxes = []
    for region in examined.assessment.regions:
        top, left, bottom, right = region.box_px
        boxes.append(
            {
                "task": region.task,
                "x": left,
                "y": top,
                "width": right - left,
                "height": bottom - top,
                "text_y": top - letter // 3 if top > 2 * letter else bottom + letter,
                "percent": percent(region.share),
                "shown": region.task == shown,
            }
        )
    return boxes
