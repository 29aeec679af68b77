"""The list of a batch: one row a film, refusals with their reasons, counts; one self-contained HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from konio.assess import Examined
from konio.records import Assessment
from konio.report import pictures
from konio.report.facts import claim, doubtful
from konio.report.page import Language, page_head, render
from konio.report.words import Words, answer_words, percent
from konio.standards import major
from konio.tasks import STAGE, ZONES, TaskSet


@dataclass(frozen=True, slots=True)
class Row:
    """What the list keeps of one input; small, so that a list of thousands stays small.

    Args:
        assessment: what was said.
        questions: the questions of the model.
        thumbnail: a small picture as a data address, or ``""``.
        failed: whether its files could not be written.
    """

    assessment: Assessment
    questions: TaskSet
    thumbnail: str = ""
    failed: bool = False

    @classmethod
    def of(cls, examined: Examined, assessment: Assessment, *, failed: bool) -> Row:
        """The row of an input; pixels are let go."""
        has_picture = examined.image is not None and assessment.refusal is None
        thumbnail = pictures.thumbnail_uri(examined.image) if has_picture else ""  # type: ignore[arg-type]
        return cls(assessment, examined.questions, thumbnail, failed)


def render_index(
    rows: Sequence[Row], *, language: Language = "auto", about: Mapping[str, Any] | None = None
) -> str:
    """The list of all inputs of one run.

    Args:
        rows: in the order of the inputs.
        language: which language is shown first; ``auto`` asks the browser.
        about: the bundle's description.
    """
    assessed = [row for row in rows if row.assessment.refusal is None]
    refused = [row.assessment for row in rows if row.assessment.refusal is not None]
    model = rows[0].assessment.model if rows else None
    page = {
        **page_head("konio", language),
        "claim": claim(about or {}),
        "model": f"{model.name} · {model.weights_sha256[:12]}" if model else "",
    }
    counts = {
        "assessed": len(assessed),
        "refused": len(refused),
        "unwritten": sum(row.failed for row in rows),
        "answers": _count_answers(assessed),
    }
    return render(
        "index.html.j2",
        page=page,
        counts=counts,
        assessed=[_assessed(row) for row in assessed],
        refused=[_refused(item) for item in refused],
    )


def _count_answers(rows: Sequence[Row]) -> list[dict[str, Any]]:
    counted: Counter[tuple[str, str]] = Counter()
    words: dict[tuple[str, str], Words] = {}
    for row in rows:
        for name in ("differential", "stage"):
            answer = row.assessment.tasks.get(name)
            if answer is not None:
                counted[name, answer.prediction] += 1
                words[name, answer.prediction] = answer_words(
                    row.questions[name], answer.prediction
                )
    return [{"words": words[key], "number": counted[key]} for key in sorted(counted)]


def _assessed(row: Row) -> dict[str, Any]:
    assessment = row.assessment
    cells: dict[str, Any] = {
        "name": _name(assessment),
        "page": PurePath(assessment.files["page"]).name if "page" in assessment.files else "",
        "thumb": row.thumbnail,
        "failed": row.failed,
        **_rule_cells(assessment.rule),
        **_zone_cells(assessment.zones),
    }
    for name in ("differential", "stage"):
        answer = assessment.tasks.get(name)
        dash = Words("–", "–")
        cells[name] = answer_words(row.questions[name], answer.prediction) if answer else dash
        cells[f"{name}_percent"] = (
            percent(answer.probabilities[answer.prediction]) if answer else ""
        )
    return cells


def _rule_cells(rule: Mapping[str, Any] | None) -> dict[str, Any]:
    if rule is None:
        return {"rule": Words("–", "–"), "clause": ""}
    return {"rule": answer_words(STAGE, rule["stage"]), "clause": rule["clause"]}


def _zone_cells(zones: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    if zones is None:
        return {"zones": [], "zones_text": ""}
    grid = [
        {
            "profusion": zones[zone]["profusion"],
            "level": 0 if doubtful(zones) else major(zones[zone]["profusion"]),
            "x": 1 + 22 * "rl".index(zone[0]),
            "y": 1 + 16 * "uml".index(zone[1]),
        }
        for zone in ZONES
    ]
    text = ", ".join(f"{zone} {zones[zone]['profusion']}" for zone in ZONES)
    return {"zones": grid, "zones_text": text}


def _refused(assessment: Assessment) -> dict[str, Any]:
    refusal = assessment.refusal
    if refusal is None:
        return {}
    reason = Words(refusal.reason, refusal.reason_zh)
    return {"name": str(assessment.input["path"]), "code": refusal.code, "reason": reason}


def _name(assessment: Assessment) -> str:
    return PurePath(str(assessment.input["path"])).name
