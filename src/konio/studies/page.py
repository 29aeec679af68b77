"""A study as one self-contained page: tables, figures, what was made up, where it comes from.

`write_page` writes every named table and figure of its sections into ``tables/`` and ``figures/`` and then ``index.html``, which
needs nothing beside itself. Look and language switch are those of the pages of `konio.report`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from konio.errors import UsageError
from konio.records import NOTICE, NOTICE_ZH
from konio.report.files import make_folder, write_text
from konio.report.words import WORDS, Words
from konio.studies.figures import Figure, chinese_font
from konio.studies.tables import EMPTY, Cell, Heading, Table, Text, say, spans

if TYPE_CHECKING:
    from jinja2 import Environment

PageLanguage = Literal["auto", "en", "zh"]
Tone = Literal["plain", "quiet", "good", "warn"]

#: Stands over a study of made-up patients.
MADE_UP: Final = Words(
    "Made-up patients. Every film was computed; the figures describe the method and are no clinical evidence.",
    "虚构患者。所有胸片均由计算机生成；结果仅说明方法本身，不构成临床证据。",
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph.

    Args:
        text: its sentences.
        tone: ``warn`` and ``good`` stand out, ``quiet`` steps back.
        link: a file of the study that it ends with, by its path in the study's folder; none where empty.
    """

    text: Text
    tone: Tone = "plain"
    link: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences.

    Args:
        items: one or more.
    """

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A small picture with words, for a `Gallery`.

    Args:
        picture: PNG or JPEG, or ``b""`` where there is none.
        title: such as the name of the case.
        lines: below.
    """

    picture: bytes
    title: Text
    lines: tuple[Text, ...] = ()

    @property
    def address(self) -> str:
        """The picture as a data address, or ``""``."""
        kind = "png" if self.picture.startswith(b"\x89PNG") else "jpeg"
        coded = base64.b64encode(self.picture).decode()
        return f"data:image/{kind};base64,{coded}" if self.picture else ""


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Small pictures side by side.

    Args:
        films: in order.
    """

    films: tuple[Film, ...]


Block = Paragraph | Bullets | Table | Figure | Gallery


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A chapter of the page.

    Args:
        title: its head.
        blocks: in order.
        key: its anchor.
    """

    title: Text
    blocks: tuple[Block, ...]
    key: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What stands above the first section and in the last.

    Args:
        lead: one or two sentences under it.
        made_up: whether the patients are made up; a banner says so.
        banners: more of them (a tiny preset, a part that is not finished).
        provenance: pairs of name and value for the last section.
        language: shown first; ``auto`` asks the browser.
    """

    lead: Text = ""
    made_up: bool = True
    banners: tuple[Text, ...] = ()
    provenance: tuple[tuple[Text, Text], ...] = ()
    language: PageLanguage = "auto"


_PAGE: Final[Mapping[str, Words]] = {
    "published": Words("as printed", "原文所印"),
    "contents": Words("On this page", "本页内容"),
    "provenance": Words("Where this comes from", "来源"),
    "made": Words("made at", "生成时间"),
    "version": Words("konio version", "konio 版本"),
    "as-file": Words("as a file", "文件"),
}


def write_page(
    out: Path,
    title: Text,
    sections: Sequence[Section],
    about: About | None = None,
    *,
    now: datetime | None = None,
) -> Path:
    """Write a study's page with its tables and figures.

    Args:
        out: the study's folder.
        title: of the study.
        sections: the chapters.
        about: banners and provenance; made-up patients unless it says otherwise.
        now: the time written on the page; the present by default.

    Returns:
        Path of ``index.html``.

    Raises:
        OutputError: if something cannot be written.
    """
    make_folder(out)
    for block in (block for section in sections for block in section.blocks):
        if isinstance(block, Table) and block.name:
            block.write(out / "tables")
        elif isinstance(block, Figure):
            block.write(out / "figures")
    return write_text(out / "index.html", render_page(title, sections, about, now=now))


def render_page(
    title: Text,
    sections: Sequence[Section],
    about: About | None = None,
    *,
    now: datetime | None = None,
) -> str:
    """The page as HTML, without writing anything.

    Raises:
        UsageError: on an unknown language.
    """
    import konio

    head = about or About()
    if head.language not in ("auto", "en", "zh"):
        raise UsageError(f"language {head.language!r} is unknown; use one of auto, en, zh")
    style, script = _asset("page.css", "study.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    provenance = [
        *head.provenance,
        (_PAGE["version"], konio.__version__),
        (_PAGE["made"], made),
    ]
    chinese = head.language == "zh"
    html: str = (
        _environment()
        .get_template("study.html.j2")
        .render(
            w={**WORDS, **_PAGE, "notice": Words(NOTICE, NOTICE_ZH)},
            style=style,
            script=script,
            csp=policy,
            lang="zh" if chinese else "en",
            html_lang="zh-Hans" if chinese else "en",
            follow=head.language == "auto",
            title=_both(title),
            lead=_both(head.lead),
            banners=[_both(b) for b in ([MADE_UP] if head.made_up else []) + list(head.banners)],
            sections=[_section(place, section) for place, section in enumerate(sections)],
            provenance=[(_both(name), _both(value)) for name, value in provenance],
        )
    )
    return html


def _both(text: Text) -> Words:
    return text if isinstance(text, Words) else Words(text, text)


def _section(place: int, section: Section) -> dict[str, Any]:
    return {
        "key": section.key or f"section-{place + 1}",
        "title": _both(section.title),
        "blocks": [_block(block) for block in section.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            words = {"text": _both(block.text), "tone": block.tone, "link": block.link}
            return {"kind": "paragraph", **words}
        case Bullets():
            return {"kind": "bullets", "items": [_both(item) for item in block.items]}
        case Table():
            return {"kind": "table", **_table(block)}
        case Figure():
            return {"kind": "figure", **_figure(block)}
        case Gallery():
            films = [
                {
                    "address": f.address,
                    "title": _both(f.title),
                    "lines": [_both(x) for x in f.lines],
                }
                for f in block.films
            ]
            return {"kind": "gallery", "films": films}


def _figure(figure: Figure) -> dict[str, Any]:
    languages: dict[Literal["en", "zh"], str] = {"en": _svg_address(figure.svg("en"))}
    if chinese_font():
        languages["zh"] = _svg_address(figure.svg("zh"))
    return {
        "name": figure.name,
        "title": _both(figure.title),
        "caption": _both(figure.caption),
        "pictures": languages,
    }


def _svg_address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@dataclass(frozen=True, slots=True)
class _HtmlCell:
    words: Words
    letters: tuple[str, ...] = ()
    strong: bool = False
    published: bool = False
    first: bool = False
    plain: bool = field(default=False)


def _table(table: Table) -> dict[str, Any]:
    letters = table.letters
    rows: list[dict[str, Any]] = []
    for row in table.rows:
        if isinstance(row, Heading):
            rows.append({"heading": _both(row.text)})
        else:
            rows.append({"cells": [_cell(table, k, cell, letters) for k, cell in enumerate(row)]})
    grouped = any(say(column.group) for column in table.columns)
    groups = [
        {"words": Words(en[0], zh[0]), "published": en[1], "span": en[2]}
        for en, zh in zip(spans(table), spans(table, "zh"), strict=True)
    ]
    return {
        "name": table.name,
        "title": _both(table.title),
        "marks": [letters[mark] for mark in table.marks],
        "groups": groups if grouped else [],
        "columns": [
            {
                "words": _both(column.name),
                "published": column.published,
                "say_published": column.published and not say(column.group),
                "marks": [letters[mark] for mark in column.marks],
                "of_words": _of_words(table, place),
            }
            for place, column in enumerate(table.columns)
        ],
        "rows": rows,
        "width": len(table.columns),
        "note": _both(table.note),
        "footnotes": [(letter, _both(table.footnotes[key])) for key, letter in letters.items()],
    }


def _cell(table: Table, place: int, cell: Cell, letters: Mapping[str, str]) -> _HtmlCell:
    return _HtmlCell(
        words=_both(cell.text),
        letters=tuple(letters[mark] for mark in cell.marks),
        strong=cell.strong,
        published=table.columns[place].published,
        first=place == 0,
        plain=place > 0 and (table.columns[place].mixed or _is_words(cell)),
    )


def _is_words(cell: Cell) -> bool:
    """Whether a cell is read rather than compared, and so begins on the left."""
    shown = say(cell.text)
    return not cell.numbers and any(sign.isalpha() for sign in shown)


def _of_words(table: Table, place: int) -> bool:
    """Whether all that a column says is words, or it mixes words and numbers."""
    if table.columns[place].mixed:
        return True
    own = [row[place] for row in table.rows if not isinstance(row, Heading)]
    said = [cell for cell in own if say(cell.text) != EMPTY]
    return place > 0 and bool(said) and all(_is_words(cell) for cell in said)


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("konio.studies"), PackageLoader("konio.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["trusted"] = Markup
    return environment


@cache
def _asset(*names: str) -> str:
    """Files of the templates of this room or of `konio.report`, one after the other."""
    rooms = ("konio.studies", "konio.report")
    found = []
    for name in names:
        places = [resources.files(room).joinpath("templates", name) for room in rooms]
        found.append(next(p for p in places if p.is_file()).read_text("utf-8").strip())
    return "\n".join(found)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
