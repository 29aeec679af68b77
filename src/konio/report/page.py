"""One film as one self-contained HTML file: nothing is loaded from anywhere, both languages are inside."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

from konio.assess import Examined
from konio.errors import UsageError
from konio.records import NOTICE, NOTICE_ZH, TaskAnswer
from konio.report import pictures
from konio.report.facts import claim, decision_words, doubtful, film_facts, provenance
from konio.report.viewer import (
    FIRST_SHOWN,
    box_layers,
    film_layer,
    first_shown,
    heat_layer,
    lung_warning,
    outline_layers,
)
from konio.report.words import WORDS, Words, answer_words, percent, question_words, short_question
from konio.standards import major
from konio.tasks import PROFUSIONS, RADIOGRAPH_TASKS, ZONES, Task, zone_words

if TYPE_CHECKING:
    from jinja2 import Environment

Language = Literal["auto", "en", "zh"]
LANGUAGES: Final = ("auto", "en", "zh")

# How many boxes of each question are listed; the strongest come first, and the JSON holds all.
_REGIONS_LISTED: Final = 2

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
    context: dict[str, Any] = {
        "film": film_layer(examined.image, pictures.film_uri(film)),
        "heats": [heat_layer(examined, heat, shown) for heat in examined.heats],
        "outlines": outline_layers(examined),
        "boxes": box_layers(examined, examined.image, shown),
        "tiles": _tiles(examined),
        "verdicts": _verdicts(examined),
        "answers": _answers(examined),
        "zones": _zones(examined),
        "rule": _rule(examined),
        "doubtful": doubtful(examined.assessment.zones),
        "withheld": _withheld(examined),
        "regions": _regions(examined),
        "facts": film_facts(examined, film.size),
        "provenance": provenance(examined, about or {}, now or datetime.now(UTC)),
    }
    page = {
        **page_head(_title(examined), language),
        "name": str(examined.assessment.input["path"]).rstrip("/").rpartition("/")[2],
        "synthetic": "synthetic" in examined.image.source.notes,
        "claim": claim(about or {}),
        "shown_task": shown,
        "probability": WORDS[
            "probability" if (about or {}).get("temperatures") else "probability-raw"
        ],
    }
    return render("page.html.j2", page=page, **context)


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


def render(template: str, *, beside: str = "", **context: Any) -> str:
    """A template with style, script and words filled in; only these may run (content security policy).

    Args:
        template: its file.
        beside: a style sheet of its own, after that of all pages.
        context: what else it needs.
    """
    style, script = _asset("page.css") + (_asset(beside) if beside else ""), _asset("page.js")
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


def _verdicts(examined: Examined) -> list[dict[str, Any]]:
    """What must be read before the stage: whether it is conditional, and whether network and standard agree."""
    tasks, rule = examined.assessment.tasks, examined.assessment.rule
    stage, differential = tasks.get("stage"), tasks.get("differential")
    found = [{"words": words, "warn": False} for words in decision_words(examined.assessment)]
    if (rule or stage) and differential is not None and differential.prediction != "dust":
        found.append({"words": WORDS["condition"], "warn": True})
    warnings = lung_warning(examined.assessment.explanation, examined.questions)
    found += [{"words": words, "warn": True} for words in warnings]
    if rule is not None and stage is not None:
        agree = rule["stage"] == stage.prediction
        found.append({"words": WORDS["agree" if agree else "disagree"], "warn": not agree})
    return found


def _answers(examined: Examined) -> list[dict[str, Any]]:
    explained = {heat.task for heat in examined.heats}
    return [
        {
            "name": task.name,
            "question": question_words(task),
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
                "level": "doubtful"
                if doubtful(zones)
                else f"level-{major(zones[zone]['profusion'])}",
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
    rows: list[dict[str, Any]] = []
    listed: Counter[str] = Counter()
    for region in examined.assessment.regions:
        listed[region.task] += 1
        if listed[region.task] > _REGIONS_LISTED:
            continue
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


def _title(examined: Examined) -> str:
    said = [
        answer_words(examined.questions[name], answer.prediction)
        for name, answer in examined.assessment.tasks.items()
        if name in FIRST_SHOWN and answer is not None
    ]
    en, zh = (" · ".join(part) for part in zip(*said, strict=True)) if said else ("", "")
    return f"konio · {en} · {zh}"
