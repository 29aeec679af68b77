"""Health, what this installation is, the words of the page, the description of the interface."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response, jsonify
from sqlalchemy import func, select

from konio import __version__
from konio.io.sizes import MAX_FILE_BYTES
from konio.records import NOTICE, NOTICE_ZH
from konio.standards import DISEASES
from konio.standards.diagnosis import QUALITY_GRADES
from konio.tasks import PROFUSIONS, RADIOGRAPH_TASKS, ZONES, zone_words
from konio.web import shapes
from konio.web.asker import Call
from konio.web.tables import Job, now_ms


def health(call: Call) -> dict[str, Any]:
    """The process answers; asks nothing else, so that it is quick when all else is slow."""
    return {"status": "ok"}


def ready(call: Call) -> tuple[Response, int]:
    """Database, disk and tables are as they must be to work."""
    database = call.room.database.answers()
    disk = call.room.storage.has_room(0)
    fit = database and disk
    answer = {"status": "ok" if fit else "not ready", "database": database, "disk": disk}
    return jsonify(answer), 200 if fit else 503


def about(call: Call) -> dict[str, Any]:
    """Version, limits and whether anybody works on the queue."""
    settings = call.room.settings
    with call.room.database.read() as session:
        busy = session.scalar(
            select(func.count(func.distinct(Job.owner))).where(
                Job.state == "running", Job.lease_until > now_ms()
            )
        )
        waiting = session.scalar(select(func.count()).where(Job.state == "queued"))
    return {
        "version": __version__,
        "blind_first": settings.blind_first,
        "model": settings.model,
        "limits": {
            "upload_bytes": settings.upload_bytes,
            "zip_films": settings.zip_films,
            "film_bytes": MAX_FILE_BYTES,
        },
        "workers_busy": int(busy or 0),
        "jobs_waiting": int(waiting or 0),
        "languages": ["en", "zh"],
    }


@cache
def _words() -> dict[str, Any]:
    return {
        "tasks": [
            {
                "name": task.name,
                "en": task.en,
                "zh": task.zh,
                "ordered": task.ordered,
                "zone": task.zone,
                "classes": [
                    {"name": answer.name, "en": answer.en, "zh": answer.zh}
                    for answer in task.answers
                ],
            }
            for task in RADIOGRAPH_TASKS
        ],
        "zones": [
            {"name": zone, "en": zone_words(zone).en, "zh": zone_words(zone).zh} for zone in ZONES
        ],
        "profusions": list(PROFUSIONS),
        "shapes": [{"name": name, **_SHAPES[name]} for name in shapes.SHAPES],
        "symbols": [
            {"name": name, "en": en, "zh": zh} for name, (en, zh) in shapes.SYMBOLS.items()
        ],
        "diseases": [{"name": zh, "en": en, "zh": zh} for zh, en in DISEASES.items()],
        "quality_grades": [
            {"grade": item.grade, "en": item.name.en, "zh": item.name.zh} for item in QUALITY_GRADES
        ],
        "notice_zh": NOTICE_ZH,
        "notice": NOTICE,
    }


_SHAPES = {
    "p": {"en": "rounded, up to 1.5 mm", "zh": "圆形，直径不超过1.5 mm"},
    "q": {"en": "rounded, over 1.5 to 3 mm", "zh": "圆形，直径1.5～3 mm"},
    "r": {"en": "rounded, over 3 to 10 mm", "zh": "圆形，直径3～10 mm"},
    "s": {"en": "irregular, width up to 1.5 mm", "zh": "不规则形，宽度不超过1.5 mm"},
    "t": {"en": "irregular, width over 1.5 to 3 mm", "zh": "不规则形，宽度1.5～3 mm"},
    "u": {"en": "irregular, width over 3 to 10 mm", "zh": "不规则形，宽度3～10 mm"},
}


def vocabulary(call: Call) -> dict[str, Any]:
    """Questions, classes, zones, scales and diseases in both languages."""
    return _words()


def openapi(call: Call) -> dict[str, Any]:
    """The description of this interface."""
    from konio.web.openapi import document

    return document()
