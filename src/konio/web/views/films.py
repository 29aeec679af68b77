"""The film for the viewer, its outlines, the machine's answer, heat maps, the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from flask import Response, send_file
from sqlalchemy.orm import Session

from konio.assess.explained import outside_the_lungs
from konio.errors import RefusedError
from konio.io.notes import notes_zh
from konio.records import NOTICE_ZH
from konio.web import cases, pictures, report, shapes
from konio.web.asker import Call
from konio.web.assessing import unpack
from konio.web.problems import ProblemError
from konio.web.tables import Case, CaseReader, Film, Result, now_ms

#: Side of a heat map's picture; it is smooth and the browser enlarges it.
_HEAT_SIDE: Final = 256


def picture(call: Call, case: str) -> Response:
    """The film as an 8-bit PNG."""
    query: shapes.FilmQuery = call.query
    name = pictures.FULL if query.size == "full" else pictures.PREVIEW
    return _picture(call, _viewed(call, case, "film.viewed"), name, "image/png")


def words(call: Call, case: str) -> Response:
    """The film as 16-bit words: all of them, or as many as a pane has pixels."""
    query: shapes.WordsQuery = call.query
    sha256 = _viewed(call, case, "film.viewed")
    facts = pictures.facts(call.room.storage, sha256)
    if facts is None:
        _made(call, sha256, pictures.FULL)
        facts = pictures.facts(call.room.storage, sha256) or {}
    step = pictures.step_for(facts["rows"], facts["columns"], query.width, query.height)
    name = pictures.words_name(step)
    answer = _picture(call, sha256, name, "application/octet-stream")
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["X-Film-Step"] = str(step)
    return answer


def _made(call: Call, sha256: str, name: str) -> Path:
    try:
        return pictures.ensure(call.room.storage, sha256, name)
    except RefusedError as error:
        raise ProblemError("film-unreadable", error.reason, detail_zh=error.reason_zh) from error


def _picture(call: Call, sha256: str, name: str, kind: str) -> Response:
    path = _made(call, sha256, name)
    facts = pictures.facts(call.room.storage, sha256) or {}
    answer = send_file(path.absolute(), mimetype=kind, conditional=False, etag=False)
    answer.headers["X-Film-Rows"] = str(facts.get("rows", ""))
    answer.headers["X-Film-Columns"] = str(facts.get("columns", ""))
    return answer


def original(call: Call, case: str) -> Response:
    """The file as it was uploaded, to the bit."""
    sha256 = _viewed(call, case, "film.exported")
    return send_file(
        call.room.storage.film(sha256).absolute(),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=f"{sha256[:16]}.film",
        conditional=False,
        etag=False,
    )


def _viewed(call: Call, case: str, action: str, **details: Any) -> str:
    """Writes down that a film was looked at; gives its hash."""
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        call.room.audit.append_once(session, action, call.asker.id, found.id, **details)
        return session.get_one(Film, found.film_id).sha256


def outlines(call: Call, case: str) -> dict[str, Any]:
    """Lungs and zones; they say where to look, not what is there, so they wait for nobody."""
    with call.room.database.read() as session:
        found = cases.find(session, call.asker, case)
        said = _result(session, found)["outlines"]
    return said or {"shape_px": [], "lungs": [], "zones": {}}


def machine(call: Call, case: str) -> dict[str, Any]:
    """The machine's answer; from the first time on, the reader has seen it."""
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        said = _opened(session, call, found)
    explanation = said["assessment"].get("explanation") or {}
    # Of an answer that is made from the lungs alone the share says nothing (docs/decisions/0043).
    by_making = explanation.get("made_from_lungs", ())
    shares = explanation.get("in_lungs", {})
    base = f"/api/cases/{found.public}/heat"
    heats = [
        {name: heat[name] for name in ("task", "answer", "box_px")}
        | {"url": f"{base}/{heat['task']}.png"}
        for heat in said["heats"]
    ]
    return {
        "assessment": said["assessment"],
        "withheld_zh": said["withheld_zh"],
        "in_lungs": {name: share for name, share in shares.items() if name not in by_making},
        "outside_lungs": list(outside_the_lungs(explanation or None)),
        "heats": heats,
        "film_notes": said["facts"].get("notes", []),
        "film_notes_zh": notes_zh(said["facts"].get("notes", [])),
        "notice_zh": NOTICE_ZH,
    }


def heat(call: Call, case: str, task: str) -> Response:
    """One heat map as a transparent picture."""
    from PIL import Image as Picture

    from konio.report.pictures import heat_colours, png_bytes

    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        said = _opened(session, call, found)
    packed = next((item for item in said["heats"] if item["task"] == task), None)
    if packed is None:
        raise ProblemError("not-found")
    values = Picture.fromarray(unpack(packed))
    smooth = values.resize((_HEAT_SIDE, _HEAT_SIDE), Picture.Resampling.BICUBIC)
    colours = heat_colours(np.clip(np.asarray(smooth), 0, 1))
    return Response(png_bytes(Picture.fromarray(colours)), mimetype="image/png")


def report_page(call: Call, case: str) -> Response:
    """The page to print: the reader's signed reading beside the machine's answer."""
    query: shapes.LanguageQuery = call.query
    with call.room.database.write() as session:
        found = cases.find(session, call.asker, case)
        part = cases.my_part(session, call.asker, found)
        if not call.asker.is_administrator and (part is None or part.signed is None):
            raise ProblemError("blind")
        said = _opened(session, call, found) if found.result_id is not None else None
        call.room.audit.append(
            session, "report.exported", call.asker.id, found.id, language=query.lang
        )
        page = report.render(session, call.room, call.asker, found, said, query.lang)
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = report.POLICY
    return answer


def _result(session: Session, case: Case) -> dict[str, Any]:
    if case.result_id is None:
        raise ProblemError("not-assessed")
    body: dict[str, Any] = json.loads(session.get_one(Result, case.result_id).body)
    return body


def _opened(session: Session, call: Call, case: Case) -> dict[str, Any]:
    """What the machine said, once it may be seen; the first look is written down."""
    part = cases.my_part(session, call.asker, case)
    if not cases.machine_open(call.room, call.asker, part):
        raise ProblemError("blind")
    said = _result(session, case)
    _mark(session, call, case, part)
    return said


def _mark(session: Session, call: Call, case: Case, part: CaseReader | None) -> None:
    if part is not None and part.machine_shown is not None:
        return
    if part is not None:
        part.machine_shown = now_ms()
    call.room.audit.append(session, "machine.shown", call.asker.id, case.id, result=case.result_id)
