"""The page to print: one reader's signed reading, the machine's answer beside it, what is missing for a diagnosis."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from sqlalchemy.orm import Session

from konio.records import NOTICE, NOTICE_ZH
from konio.report.facts import doubtful
from konio.report.viewer import lung_warning
from konio.report.words import WORDS, Words, percent
from konio.standards import obstacles, phrase, quality_consequence
from konio.tasks import RADIOGRAPH_TASKS, ZONES
from konio.web import agreement, pictures, readings
from konio.web.asker import Asker, Room
from konio.web.assessing import unpack
from konio.web.shapes import SYMBOLS
from konio.web.tables import Case, Film, Reading
from konio.web.words import REPORT_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

Language = Literal["en", "zh"]

_FILM_SIDE: Final = 620
_SHOWN: Final = ("differential", "stage", "large_opacity", "aggregation")


def _asset(name: str) -> str:
    return resources.files("konio.web").joinpath("templates", name).read_text("utf-8")


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_asset("report.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )


#: The report runs nothing and loads nothing.
POLICY: Final = _policy()


def render(
    session: Session,
    room: Room,
    asker: Asker,
    case: Case,
    said: Mapping[str, Any] | None,
    language: Language,
) -> str:
    """The report of one case for one reader.

    Args:
        session: a transaction.
        room: the installation.
        asker: whose reading is printed; an administrator gets the newest reading of anybody.
        case: which.
        said: what the machine said, ``None`` if it has not.
        language: of the page.
    """
    reading = _reading(session, asker, case)
    names = readings.displays(session)
    word = {key: _pick(text, language) for key, text in REPORT_WORDS.items()}
    context = {
        "lang": {"en": "en", "zh": "zh-Hans"}[language],
        "w": word,
        "notice": _pick(Words(NOTICE, NOTICE_ZH), language),
        "other_notice": NOTICE if language == "zh" else NOTICE_ZH,
        "facts": _facts(session, case, word),
        "synthetic": "synthetic" in case.facts.get("notes", []),
        "reading": None if reading is None else _reading_view(reading, names, word, language),
        "machine": None if said is None else _machine_view(said, language),
        "film": _film(room, session, case, said),
        "consensus": _consensus(session, case, names, word),
        "obstacles": [
            (item.clause, _pick(item.reason, language))
            for item in obstacles(
                exposure_history=False,
                films_half_a_year_apart=1,
                quality_grade=_grade(reading),
            )
        ],
        "printed": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "style": _asset("report.css"),
    }
    html: str = _environment().get_template("report.html.j2").render(**context)
    return html


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("konio.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["trusted"] = Markup
    return environment


def _pick(words: Any, language: Language) -> str:
    return str(words.zh if language == "zh" else words.en)


def _reading(session: Session, asker: Asker, case: Case) -> Reading | None:
    own = readings.mine(session, asker, case)
    if own or not asker.is_administrator:
        return own[0] if own else None
    everybody = readings.newest_of_all(session, [case.id])
    return everybody[-1] if everybody else None


def _grade(reading: Reading | None) -> int:
    given = None if reading is None else reading.findings.get("quality_grade")
    return int(given) if given else 2


def _facts(session: Session, case: Case, w: Mapping[str, str]) -> list[tuple[str, str]]:
    facts, film = case.facts, session.get_one(Film, case.film_id)
    spacing = facts.get("spacing_mm")
    rows = [
        (w["patient-id"], case.patient_id),
        (w["patient-name"], case.patient_name),
        (w["sex"], facts.get("sex", "")),
        (w["born"], facts.get("birth_date", "")),
        (w["study-date"], case.study_date),
        (w["received"], _time(case.received)),
        (w["file"], case.name),
        (w["spacing"], " × ".join(f"{mm:.3f}" for mm in spacing) + " mm" if spacing else ""),
        (w["film-hash"], film.sha256),
    ]
    return [(name, value) for name, value in rows if value]


def _reading_view(
    reading: Reading, names: Mapping[int, str], w: Mapping[str, str], language: Language
) -> dict[str, Any]:
    found, staging = reading.findings, reading.staging
    override = found.get("stage_override")
    conclusion = phrase(reading.stage, found.get("disease"))
    return {
        "reader": names.get(reading.account_id, ""),
        "signed": _time(reading.signed),
        "version": reading.version,
        "when": w["before" if reading.before_machine else "after"],
        "reason": reading.reason,
        "conclusion": _pick(conclusion, language),
        "sentence": staging["sentence_zh" if language == "zh" else "sentence"],
        "override": override["reason"] if override else "",
        "zones": _zone_rows(found["zones"]),
        "rows": _finding_rows(found, w, language),
        "comment": found.get("comment", ""),
        "sha256": reading.sha256,
    }


def _zone_rows(zones: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Upper, middle, lower: the patient's right, then left, as one looks at the film."""
    return [
        (level, zones["r" + letter], zones["l" + letter])
        for level, letter in (("upper", "u"), ("middle", "m"), ("lower", "l"))
    ]


def _finding_rows(
    found: Mapping[str, Any], w: Mapping[str, str], language: Language
) -> list[tuple[str, str]]:
    shape = found.get("shape") or {}
    letters = "/".join(
        letter for letter in (shape.get("primary"), shape.get("secondary")) if letter
    )
    large = ", ".join(f"{item['long_mm']:g} × {item['short_mm']:g} mm" for item in found["large"])
    pleura = [w[name] for name, there in (found.get("pleura") or {}).items() if there]
    symbols = [f"{name} ({SYMBOLS[name][language == 'zh']})" for name in found.get("symbols", [])]
    rows = [
        (w["shape"], letters),
        (w["large"], large or w["none"]),
        (w["aggregation"], w["present"] if found["aggregation"] else w["none"]),
        (w["pleura"], ", ".join(pleura) or w["none"]),
        (w["asbestos"], w["yes"] if found["asbestos"] else ""),
        (w["symbols"], ", ".join(symbols)),
        (w["grade"], _grade_words(found.get("quality_grade"), language)),
    ]
    return [(name, value) for name, value in rows if value]


def _grade_words(grade: int | None, language: Language) -> str:
    if grade is None:
        return ""
    return f"{grade} · {_pick(quality_consequence(grade).name, language)}"


def _machine_view(said: Mapping[str, Any], language: Language) -> dict[str, Any]:
    document = said["assessment"]
    answers = []
    for name in _SHOWN:
        answer = (document.get("tasks") or {}).get(name)
        if answer is not None and name in RADIOGRAPH_TASKS:
            task = RADIOGRAPH_TASKS[name]
            chosen = task.answer(answer["prediction"])
            sure = percent(answer["probabilities"][answer["prediction"]])
            answers.append((_pick(task, language), _pick(chosen, language), sure))
    rule, zones = document.get("rule"), document.get("zones")
    withheld = said["withheld_zh"] if language == "zh" else document.get("withheld", {})
    return {
        "answers": answers,
        "rule": rule["sentence_zh" if language == "zh" else "sentence"] if rule else "",
        "zones": _zone_rows({zone: zones[zone]["profusion"] for zone in ZONES}) if zones else [],
        "doubtful": _pick(WORDS["zones-doubtful"], language) if doubtful(zones) else "",
        "warnings": [
            _pick(words, language)
            for words in lung_warning(document.get("explanation"), RADIOGRAPH_TASKS)
        ],
        "withheld": list(withheld.values()),
        "model": f"{document['model']['name']} · {document['model']['weights_sha256'][:16]}",
    }


def _consensus(
    session: Session, case: Case, names: Mapping[int, str], w: Mapping[str, str]
) -> dict[str, str] | None:
    found = agreement.consensus_of(session, case)
    if len(found.readers) < 2:
        return None
    return {
        "state": w[found.state],
        "profusion": found.profusion or "",
        "readers": ", ".join(names.get(number, "") for number in found.readers),
    }


def _film(room: Room, session: Session, case: Case, said: Mapping[str, Any] | None) -> str | None:
    """The film with the heat map of the stage on it, as a data address."""
    from PIL import Image as Picture

    from konio.errors import RefusedError
    from konio.report.pictures import heat_colours

    sha256 = session.get_one(Film, case.film_id).sha256
    try:
        path = pictures.ensure(room.storage, sha256, "preview.png")
    except RefusedError:
        return None
    with Picture.open(path) as opened:
        film = opened.convert("RGB")
    film.thumbnail((_FILM_SIDE, _FILM_SIDE))
    heats = {heat["task"]: heat for heat in (said or {}).get("heats", ())}
    heat = heats.get("stage") or heats.get("differential")
    facts = pictures.facts(room.storage, sha256)
    if heat is not None and facts is not None:
        scale = film.height / facts["rows"]
        top, left, bottom, right = heat["box_px"]
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        smooth = Picture.fromarray(unpack(heat)).resize(size, Picture.Resampling.BICUBIC)
        layer = Picture.fromarray(heat_colours(np.clip(np.asarray(smooth), 0, 1)))
        film.paste(layer, (round(left * scale), round(top * scale)), layer.getchannel("A"))
    buffer = io.BytesIO()
    film.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
