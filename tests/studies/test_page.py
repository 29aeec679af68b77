"""A study's page: whole in itself, in both languages, honest about who the patients are; figures that are drawings."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from konio.errors import UsageError
from konio.records import NOTICE, NOTICE_ZH
from konio.report.words import Words
from konio.significance import Interval
from konio.studies.cells import empty, text
from konio.studies.drawings import (
    Box,
    Curve,
    Dot,
    draw_confusion,
    draw_curves,
    draw_dots,
    draw_flow,
    draw_reliability,
    draw_roc,
)
from konio.studies.figures import Figure, canvas, chinese_font
from konio.studies.page import (
    MADE_UP,
    About,
    Bullets,
    Film,
    Gallery,
    Paragraph,
    Section,
    render_page,
    write_page,
)
from konio.studies.tables import Cell, Column, Heading, Table

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")  # fmt: skip
TABLE = Table(
    Words("Table 2 <b>", "表2"),
    (Column("rate"), Column("accuracy", "Paper", published=True), Column("accuracy", "Ours")),
    (Heading("Task 1"), (text("0.25"), Cell("93.4", {"": 93.4}, ("narrow",), strong=True), empty())),
    {"narrow": Words("too narrow", "过窄")},
    name="table-2",
)  # fmt: skip


def drawn(language):
    drawing, axes = canvas(3, 2)
    line = Curve(Words("line", "线"), [0, 1], [0, 1], [0, 0.9], [0.1, 1])
    draw_curves(axes[0, 0], [line], language)
    return drawing


FIGURE = Figure("figure-2", Words("Figure 2", "图2"), drawn, Words("A line.", "一条线。"))
SECTIONS = (
    Section(
        Words("Results", "结果"),
        (
            Paragraph(Words("Nothing is proven.", "未证明任何事。"), "warn"),
            TABLE,
            FIGURE,
            Bullets(("one", Words("two", "二"))),
            Gallery((Film(PIXEL, "case 7", (Words("flips", "翻转"),)), Film(b"", "case 8"))),
        ),
        "results",
    ),
)


class _Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = frozenset({"meta", "img", "br", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def is_svg(text):
    parser = _Balanced()
    parser.feed(text)
    return not parser.open and "<svg" in text and "<path" in text


def test_the_page_is_whole_and_stands_alone(tmp_path):
    index = write_page(tmp_path / "study", "Paper A", SECTIONS, now=NOW)
    page = index.read_text("utf-8")
    parser = _Balanced()
    parser.feed(page)
    assert not parser.open
    for address in parser.addresses:
        if not address.startswith(("data:image/", "#")):
            assert (index.parent / address).is_file(), address
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "default-src 'none'" in unescape(page)
    for said in (NOTICE, NOTICE_ZH, MADE_UP.en, MADE_UP.zh, "2026-01-02 03:04 UTC", "过窄"):
        assert said in page
    assert "Table 2 &lt;b&gt;" in page
    names = {p.relative_to(index.parent).as_posix() for p in index.parent.rglob("*") if p.is_file()}
    assert {"index.html", "tables/table-2.csv", "tables/table-2.md", "tables/table-2.tex"} <= names
    assert {"figures/figure-2.svg", "figures/figure-2.png"} <= names


def test_real_patients_carry_no_banner_of_made_up_ones():
    about = About(
        "lead", made_up=False, banners=(Words("Tiny.", "极小。"),), provenance=(("a", "b"),)
    )
    page = render_page("Paper A", SECTIONS, about, now=NOW)
    assert MADE_UP.en not in page
    assert "Tiny." in page
    assert "<dt><span" in page


def test_published_columns_are_marked_in_the_page():
    page = render_page("Paper A", SECTIONS, now=NOW)
    assert len(re.findall(r'<td class="published">', page)) == 1
    assert page.count("as printed") == 1


@pytest.mark.parametrize(("mixed", "left"), [(False, 1), (True, 2)])
def test_a_column_of_words_and_numbers_begins_on_the_left(mixed, left):
    columns = (Column("fact"), Column("ours", mixed=mixed))
    rows = ((text("films"), Cell("360", {"": 360})), (text("network"), text("DenseNet121")))
    page = render_page("t", [Section("s", (Table("t", columns, rows),))], now=NOW)
    assert page.count('<td class=" words">') == left


def test_language_is_chosen_or_refused():
    assert 'data-lang="zh"' in render_page("x", SECTIONS, About(language="zh"), now=NOW)
    assert "data-follow>" in render_page("x", SECTIONS, now=NOW)
    with pytest.raises(UsageError, match="auto, en, zh"):
        render_page("x", SECTIONS, About(language="fr"), now=NOW)  # type: ignore[arg-type]


def test_figures_are_the_same_every_time_and_are_pictures():
    svg = FIGURE.svg()
    assert svg == FIGURE.svg()
    assert is_svg(svg)
    assert FIGURE.png().startswith(b"\x89PNG")
    if chinese_font():
        assert FIGURE.svg("zh") != svg


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_drawing_draws(language):
    if language == "zh" and not chinese_font():
        language = "en"

    def draw(_):
        drawing, axes = canvas(8, 5, 2, 3)
        line = Curve(Words("line", "线"), [0, 1], [0, 1])
        draw_roc(axes[0, 0], [line], language, Words("Task 1", "任务一"))
        draw_curves(
            axes[0, 1],
            [line, Curve("paper", [0, 1], [1, 0], published=True)],
            language,
            markers=True,
        )
        dots = [
            Dot("a", Interval(1, 0, 2), 1.5, "x"),
            Dot("a", None, None, "y"),
            Dot("b", Interval(0, -1, 1), None, "y"),
        ]
        draw_dots(axes[0, 2], dots, language, zero=0)
        draw_confusion(axes[1, 0], np.array([[3, 0], [1.5, 0]]), ("0", "I"), language)
        draw_reliability(axes[1, 1], {"raw": ([0.5], [0.6])}, language, "x")
        draw_flow(
            axes[1, 2],
            [Box("a", 0.2, 0.8, to=(1, 2)), Box("b", 0.2, 0.2), Box("c", 0.8, 0.8, accent=True)],
            language,
        )
        return drawing  # fmt: skip

    assert is_svg(Figure("f", "f", draw).svg(language))
