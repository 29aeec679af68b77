"""``konio assess SCAN --at X,Y,Z``: answers about nodules, as lines to read, JSON lines to pipe, or pages in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from konio.cli.terminal import Language, complain, count_line, say
from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.assess.nodules import ExaminedNodule, Place

#: The model that answers where none is named.
MODEL: Final = "konio-nodule"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked.

    Args:
        scans: MHD files or DICOM series.
        at: places as ``X,Y,Z``.
        table: CSV of places, or ``None``.
        model: bundle.
        out: folder of pages, or ``None``.
        formats: some of ``json`` and ``page``.
        language: shown first.
    """

    scans: Sequence[str]
    at: Sequence[str]
    table: Path | None
    model: str
    out: Path | None
    formats: tuple[str, ...]
    language: Language


@dataclass(slots=True)
class _Outcome:
    done: int = 0
    failed: int = 0
    rows: list[tuple[ExaminedNodule, str]] = field(default_factory=list)


def assess_nodules(wish: Wish) -> int:
    """Assess places in scans.

    Returns:
        0 where every place was answered.

    Raises:
        UsageError: on places for several scans, or DICOM results, which are of films.
    """
    if "dicom" in wish.formats:
        raise UsageError("nodules have no DICOM results yet; use --format json,page")
    if wish.at and len(wish.scans) > 1:
        raise UsageError("--at means one scan; give the places of several scans with --nodules CSV")
    from konio.assess.nodules import load_nodules, parse_place, read_places

    assessor = load_nodules(wish.model)
    outcome = _Outcome()
    for scan in wish.scans:
        places: list[Place] = [parse_place(text) for text in wish.at]
        if wish.table is not None:
            places += read_places(wish.table, scan)
        for examined in assessor.examine(scan, places):
            _tell(examined, wish, outcome, assessor.about)
    if wish.out is not None and "page" in wish.formats:
        from konio.report.files import write_text
        from konio.report.nodule_page import render_nodule_list

        page = render_nodule_list(outcome.rows, language=wish.language)
        write_text(wish.out / "index.html", page)
    piping = wish.formats == ("json",)
    line = count_line(outcome.done, outcome.failed, "assessed", "已评估", wish.language)
    say(line, to=sys.stderr if piping else sys.stdout)
    return int(bool(outcome.failed or not outcome.done))


def _tell(examined: ExaminedNodule, wish: Wish, outcome: _Outcome, about: object) -> None:
    refusal = examined.assessment.refusal
    page = ""
    if wish.out is not None:
        page = _write(examined, wish, len(outcome.rows) + 1, about)
    outcome.rows.append((examined, page))
    if wish.formats == ("json",):
        say(json.dumps(examined.assessment.to_json(), ensure_ascii=True, allow_nan=False))
    elif refusal is None:
        say(_line(examined, wish.language))
    if refusal is None:
        outcome.done += 1
        return
    outcome.failed += 1
    reason = refusal.reason_zh if wish.language == "zh" else refusal.reason
    path = examined.assessment.input["path"]
    complain(f"{path}: {'拒绝' if wish.language == 'zh' else 'refused'} [{refusal.code}]: {reason}")


def _write(examined: ExaminedNodule, wish: Wish, number: int, about: object) -> str:
    """The files of one place; returns the page's name."""
    from konio.report.files import make_folder, plain_name, write_text
    from konio.report.nodule_page import render_nodule_page

    if wish.out is None:
        return ""
    make_folder(wish.out)
    stem = f"{plain_name(str(examined.assessment.input['path']))}-{number:03d}"
    assessed = examined.assessment.refusal is None
    page = f"{stem}.html" if assessed and "page" in wish.formats else ""
    files = {"page": str(wish.out / page)} if page else {}
    if "json" in wish.formats:
        files["json"] = str(wish.out / f"{stem}.json")
        named = examined.assessment.with_files(files)
        text = json.dumps(named.to_json(), indent=1, ensure_ascii=True, allow_nan=False)
        write_text(Path(files["json"]), text + "\n")
    if page:
        known = about if isinstance(about, dict) else {}
        html = render_nodule_page(examined, language=wish.language, about=known)
        write_text(wish.out / page, html)
    return page


def _line(examined: ExaminedNodule, language: Language) -> str:
    """One nodule in one line."""
    from konio.networks.rated import diameter_mm
    from konio.report.words import answer_words, percent

    chinese = language == "zh"
    parts = []
    for task in examined.questions:
        answer = examined.assessment.tasks.get(task.name)
        if answer is None:
            continue
        words = answer_words(task, answer.prediction)
        shown = words.zh if chinese else words.en
        if task.name == "diameter" and answer.expected is not None:
            shown = f"{diameter_mm(answer.expected):.1f} mm"
        name = task.zh if chinese else task.en.lower()
        parts.append(f"{name} {shown} ({percent(answer.probabilities[answer.prediction])})")
    place = ",".join(f"{value:g}" for value in examined.place.at_mm)
    return f"{examined.assessment.input['path']} @ {place}: {'; '.join(parts)}"
