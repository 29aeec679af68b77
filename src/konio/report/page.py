"""One film as one self-contained HTML file: nothing is loaded from anywhere, both languages are inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

from konio.assess import Examined, HeatMap
from konio.errors import UsageError
from konio.records import NOTICE, NOTICE_ZH, Image, TaskAnswer
from konio.report import pictures
from konio.report.facts import film_facts, provenance
from konio.report.words import WORDS, Words
from konio.standards import major, obstacles
from konio.tasks import PROFUSIONS, RADIOGRAPH_TASKS, ZONES, Task, zone_words

if TYPE_CHECKING:
    from jinja2 import Environment

Language = Literal["auto", "en", "zh"]
LANGUAGES: Final = ("auto", "en", "zh")

#: The question whose heat map is shown first is the first of these that was answered.
FIRST_SHOWN: Final = ("stage", "differential")

# How many changes that would alter the stage are listed.
_CHANGES_SHOWN: Final = 8


def render_page(
    examined: Examined,
    *,
    language: Language = "auto",
    about: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> str:
    """The page of an assessed film.

    Args:
        examined: an assessed film with its pixels.
        language: which language is shown first; ``auto`` asks the browser.
        about: the bundle's description (``cohort``, ``metrics``, ``licence`` ...), shown as provenance.
        now: the time written on the page; the present by default.

    Returns:
        HTML that needs nothing beside itself.

    Raises:
        UsageError: if the input was refused, so that there is nothing to show.
    """
    if examined.image is None or examined.assessment.refusal is not None:
        raise UsageError(
            f"{examined.assessment.input['path']} was refused, so there is no page of it; list it in the index"
        )
    shown = first_shown(examined)
    film = pictures.film_picture(examined.image)
    context = {
        "film": _film(examined.image, pictures.film_uri(film)),
        "heats": [_heat(examined, heat, shown) for heat in examined.heats],
        "outlines": _outlines(examined),
        "boxes": _boxes(examined, examined.image, shown),
        "tiles": _tiles(examined),
        "verdict": _verdict(examined),
        "answers": _answers(examined),
        "zones": _zones(examined),
        "rule": _rule(examined),
        "obstacles": obstacles(exposure_history=False, films_half_a_year_apart=1, quality_grade=2),
        "withheld": _withheld(examined),
        "regions": _regions(examined),
        "facts": film_facts(examined, film.size),
        "provenance": provenance(examined, about or {}, now or datetime.now(UTC)),
    }
    page = {
        **page_head(_title(examined), language),
        "name": str(examined.assessment.input["path"]).rstrip("/").rpartition("/")[2],
        "synthetic": "synthetic" in examined.image.source.notes,
        "shown_task": shown,
        "probability": WORDS[
            "probability" if (about or {}).get("temperatures") else "probability-raw"
        ],
    }
    return render("page.html.j2", page=page, **context)


def first_shown(examined: Examined) -> str | None:
    """The question whose heat map stands for the film, or ``None`` without any map."""
    explained = [heat.task for heat in examined.heats]
    return next((task for task in (*FIRST_SHOWN, *explained) if task in explained), None)


def page_head(title: str, language: Language) -> dict[str, Any]:
    """What every page's first lines need.

    Raises:
        UsageError: on an unknown language.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language!r} is unknown; use one of {', '.join(LANGUAGES)}")
    chosen = "zh" if language == "zh" else "en"
    return {
        "title": title,
        "lang": chosen,
        "html_lang": {"zh": "zh-Hans", "en": "en"}[chosen],
        "follow": language == "auto",
    }


def render(template: str, **context: Any) -> str:
    """A template with style, script and words filled in; only these may run (content security policy)."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    words = {**WORDS, "notice": Words(NOTICE, NOTICE_ZH)}
    html: str = (
        _environment()
        .get_template(template)
        .render(w=words, style=style, script=script, csp=policy, **context)
    )
    return html


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("konio.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["trusted"] = Markup
    return environment


@cache
def _asset(name: str) -> str:
    text = resources.files("konio.report").joinpath("templates", name).read_text("utf-8")
    return text.strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def percent(value: float) -> str:
    """A probability as people read it.

    Examples:
        >>> percent(0.973), percent(0.9999), percent(0.0004)
        ('97 %', '> 99 %', '< 1 %')
    """
    if 0.99 < value < 1:
        return "> 99 %"
    if 0 < value < 0.01:
        return "< 1 %"
    return f"{100 * value:.0f} %"


def answer_words(task: Task, name: str) -> Words:
    """A class in both languages."""
    answer = task.answer(name)
    return Words(answer.en, answer.zh)


def _question(task: Task) -> Words:
    return Words(task.en, task.zh)


def short_question(task: Task) -> Words:
    """A question in a word or two."""
    if task.zone:
        return Words(f"Zone {task.zone.upper()}", zone_words(task.zone).zh)
    return WORDS.get(task.name, _question(task))


def _film(image: Image, uri: str) -> dict[str, Any]:
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


def _title(examined: Examined) -> str:
    said = [
        answer_words(examined.questions[name], answer.prediction)
        for name, answer in examined.assessment.tasks.items()
        if name in FIRST_SHOWN and answer is not None
    ]
    en, zh = (" · ".join(part) for part in zip(*said, strict=True)) if said else ("", "")
    return f"konio · {en} · {zh}"


def _heat(examined: Examined, heat: HeatMap, shown: str | None) -> dict[str, Any]:
    task = examined.questions[heat.task]
    top, left, bottom, right = heat.box_px
    answer = answer_words(task, heat.answer)
    return {
        "task": task.name,
        "choice": short_question(task),
        "caption": Words(f"{task.en}: {answer.en}.", f"{task.zh}：{answer.zh}。"),
        "uri": pictures.heat_layer_uri(heat),
        "x": round(left, 1),
        "y": round(top, 1),
        "width": round(right - left, 1),
        "height": round(bottom - top, 1),
        "shown": heat.task == shown,
    }


def _outlines(examined: Examined) -> list[dict[str, Any]]:
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


def _boxes(examined: Examined, image: Image, shown: str | None) -> list[dict[str, Any]]:
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


def _tiles(examined: Examined) -> list[dict[str, Any]]:
    assessment = examined.assessment
    tiles = []
    for name, question in (
        ("differential", WORDS["differential"]),
        ("stage", WORDS["stage-by-network"]),
    ):
        if name not in examined.questions:
            continue
        answer = assessment.tasks.get(name)
        if answer is None:
            why = assessment.withheld.get(name, ("", ""))
            tiles.append(_tile(question, WORDS["not-answered"], Words(*why), silent=True))
        else:
            sure = percent(answer.probabilities[answer.prediction])
            words = answer_words(examined.questions[name], answer.prediction)
            tiles.append(_tile(question, words, Words(sure, sure)))
    if assessment.rule is not None:
        rule = assessment.rule
        words = (
            answer_words(examined.questions["stage"], rule["stage"])
            if "stage" in (examined.questions)
            else Words(rule["stage"], rule["stage"])
        )
        under = WORDS["interpretation" if rule["by_interpretation"] else "literal"]
        clause = Words(f"{rule['clause']} · {under.en}", f"{rule['clause']} · {under.zh}")
        tiles.append(_tile(WORDS["stage-by-rule"], words, clause))
    return tiles


def _tile(question: Words, answer: Words, under: Words, *, silent: bool = False) -> dict[str, Any]:
    return {"question": question, "answer": answer, "under": under, "silent": silent}


def _verdict(examined: Examined) -> dict[str, Any] | None:
    rule, stage = examined.assessment.rule, examined.assessment.tasks.get("stage")
    if rule is None or stage is None:
        return None
    agree = rule["stage"] == stage.prediction
    return {"words": WORDS["agree" if agree else "disagree"], "warn": not agree}


def _answers(examined: Examined) -> list[dict[str, Any]]:
    explained = {heat.task for heat in examined.heats}
    return [
        {
            "name": task.name,
            "question": _question(task),
            "rows": _bars(task, answer),
            "expected": None if answer.expected is None else f"{answer.expected:.2f}",
            "heat": task.name in explained,
        }
        for task in examined.questions
        if task.zone is None and (answer := examined.assessment.tasks.get(task.name)) is not None
    ]


def _bars(task: Task, answer: TaskAnswer) -> list[dict[str, Any]]:
    return [
        {
            "words": answer_words(task, name),
            "width": f"{100 * probability:.1f}%",
            "percent": percent(probability),
            "chosen": name == answer.prediction,
        }
        for name, probability in answer.probabilities.items()
    ]


def _zones(examined: Examined) -> list[dict[str, Any]]:
    zones = examined.assessment.zones
    if zones is None:
        return []
    explained = {heat.task for heat in examined.heats}
    cells = []
    # Two columns as one looks at the film: upper right lung, upper left lung, middle ...
    for zone in sorted(ZONES, key=lambda name: ("uml".index(name[1]), "rl".index(name[0]))):
        name = zone_words(zone)
        answer = examined.assessment.tasks.get(f"zone_{zone}")
        spread = answer.probabilities if answer else {}
        cells.append(
            {
                "task": f"zone_{zone}",
                "heat": f"zone_{zone}" in explained,
                "words": Words(name.en, name.zh),
                "profusion": zones[zone]["profusion"],
                "level": major(zones[zone]["profusion"]),
                "percent": percent(zones[zone]["confidence"]),
                "bars": [round(20 * spread.get(level, 0.0), 1) for level in PROFUSIONS],
            }
        )
    return cells


def _rule(examined: Examined) -> dict[str, Any] | None:
    rule = examined.assessment.rule
    if rule is None:
        return None
    changes = [Words(change["en"], change["zh"]) for change in rule["one_change_away"]]
    rest = len(changes) - _CHANGES_SHOWN
    if rest > 0:
        more = WORDS["more"]
        changes = [
            *changes[:_CHANGES_SHOWN],
            Words(f"… {rest} {more.en}", f"…… {more.zh} {rest} 项"),
        ]
    return {
        "sentence": Words(rule["sentence"], rule["sentence_zh"]),
        "by_interpretation": rule["by_interpretation"],
        "assumed": [Words(*pair) for pair in rule.get("assumed", ())],
        "changes": changes,
    }


def _withheld(examined: Examined) -> list[dict[str, Any]]:
    found = []
    for name, why in examined.assessment.withheld.items():
        question = (
            short_question(RADIOGRAPH_TASKS[name])
            if name in RADIOGRAPH_TASKS
            else WORDS.get(name, Words(name, name))
        )
        found.append({"question": question, "why": Words(*why)})
    return found


def _regions(examined: Examined) -> list[dict[str, Any]]:
    rows = []
    for region in examined.assessment.regions:
        zone = zone_words(region.zone) if region.zone else None
        rows.append(
            {
                "question": short_question(examined.questions[region.task]),
                "zone": Words(zone.en, zone.zh) if zone else WORDS["outside"],
                "share": percent(region.share),
                "box": ", ".join(map(str, region.box_px)),
            }
        )
    return rows
