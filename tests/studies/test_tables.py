"""Tables: what is read, what the file keeps, footnotes that follow their cells, and text that no format misreads."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from konio.errors import OutputError, RecordError
from konio.records import NOTICE
from konio.report.words import Words
from konio.significance import Interval
from konio.studies.cells import count, digits, empty, interval, number, p_value, spread, text
from konio.studies.tables import (
    Cell,
    Column,
    Heading,
    Table,
    latex,
    say,
    to_csv,
    to_latex,
    to_markdown,
)

NOTES = {
    "width": Words("too narrow", "过窄"),
    "typo": Words("a misprint", "印刷错误"),
    "unused": "never seen",
}


def made(**changes: object) -> Table:
    plain = {
        "title": Words("Table 3. Ten folds", "表3 十折"),
        "columns": (
            Column(Words("drop-out", "丢弃率")),
            Column("accuracy", "Paper A", published=True),
            Column("accuracy", "Ours", marks=("typo",)),
        ),
        "rows": (
            Heading("Task 1"),
            (text("0.25"), Cell("93.38 | x", {"": 93.38, "low": 93.23}, ("width",)), number(0.91, 1, percent=True)),
            (text("0.50"), empty(), interval(Interval(0.9, 0.8, 0.95), 1, percent=True).marked("typo", "width")),
        ),
        "footnotes": NOTES,
        "note": "Percent & more.",
        "name": "table-3",
    }  # fmt: skip
    return Table(**{**plain, **changes})  # type: ignore[arg-type]


def rows_of(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(table))))


def test_letters_run_in_the_order_of_first_use():
    assert made().letters == {"typo": "a", "width": "b"}
    many = {f"n{i}": str(i) for i in range(30)}
    table = made(footnotes={**NOTES, **many}, marks=tuple(many))
    letters = list(table.letters.values())
    assert letters[0] == "a"
    assert letters[25:28] == ["z", "aa", "ab"]
    assert len(set(letters)) == 32


def test_csv_keeps_every_number_at_full_precision_and_says_which_are_published():
    head, first, second, *rest = rows_of(made(rows=(
        Heading("Task 1"),
        (text("0.25"), Cell("93.4", {"": 93.38, "low": 93.23}), number(1 / 3, 1, percent=True)),
        (text("0.50"), empty(), interval(Interval(0.9, 0.8, 0.95), 1, percent=True).marked("typo")),
    )))  # fmt: skip
    assert head == [
        "section", "drop-out", "Paper A: accuracy (published)", "Paper A: accuracy low (published)", "Ours: accuracy",
        "Ours: accuracy low", "Ours: accuracy high", "footnotes",
    ]  # fmt: skip
    assert first[:5] == ["Task 1", "0.25", "93.38", "93.23", repr(100 * (1 / 3))]
    assert second == ["Task 1", "0.50", "", "", "90.0", "80.0", "95.0", "Ours: accuracy: a"]
    assert all(len(line) == 1 and line[0].startswith("# ") for line in rest)
    assert [f"# {NOTICE}"] in rest
    assert ["# a a misprint"] in rest


def test_numbers_of_numpy_are_written_like_any_other():
    rows = ((text("a"), number(np.float64(0.25)), count(np.int64(7))),)
    assert rows_of(made(rows=rows))[1][:3] == ["a", "0.25", "7"]


def test_markdown_rows_have_as_many_cells_as_heads():
    lines = to_markdown(made()).splitlines()
    bars = [line.replace("\\|", "").count("|") for line in lines if line.startswith("|")]
    assert set(bars) == {4}
    assert "Paper A: accuracy (published)" in lines[2]
    assert "93.38 \\| x<sup>b</sup>" in "\n".join(lines)
    assert lines[-1] == NOTICE
    assert "never seen" not in "\n".join(lines)


def test_latex_escapes_what_it_would_read_as_commands():
    assert latex(r"50 % & a_b #1 {x} ~^ \y") == (
        r"50 \% \& a\_b \#1 \{x\} \textasciitilde{}\textasciicircum{} \textbackslash{}y"
    )
    source = to_latex(made(), "table-3")
    assert source.count(r"\begin{") == source.count(r"\end{")
    body = source.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert body[0] == r"\multicolumn{3}{l}{\textbf{Task 1}} \\"
    assert [line.count(" & ") for line in body[1:]] == [2, 2]
    assert r"\multicolumn{1}{c}{Paper A (published)}" in source
    assert r"\cmidrule(lr){2-2} \cmidrule(lr){3-3}" in source
    assert r"Percent \& more." in source
    assert latex(NOTICE) in source


def test_files_are_written_and_a_name_that_is_no_name_is_refused(tmp_path):
    written = made().write(tmp_path / "tables")
    assert sorted(p.name for p in written) == ["table-3.csv", "table-3.md", "table-3.tex"]
    assert all(NOTICE in p.read_text("utf-8") for p in written)
    with pytest.raises(RecordError, match="no name"):
        made().write(tmp_path, "../away")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        made().write(tmp_path / "file")


def test_what_does_not_fit_is_refused():
    with pytest.raises(RecordError, match="3 columns and a row of 1"):
        made(rows=((text("0.25"),),))
    with pytest.raises(RecordError, match="footnotes"):
        made(rows=((text("a", "nowhere"), empty(), empty()),))


@pytest.mark.parametrize(
    ("cell", "shown", "numbers"),
    [
        (number(0.94128, 1, percent=True), "94.1", {"": pytest.approx(94.128)}),
        (number(float("nan")), "–", {}),
        (number(None), "–", {}),
        (number(-0.0004, 3, sign=True), "0.000", {"": -0.0004}),
        (number(-0.24, 1, percent=True, sign=True), "−24.0", {"": -24.0}),
        (number(0.004, 1, percent=True, sign=True), "+0.4", {"": 0.4}),
        (count(3600), "3 600", {"": 3600}),
        (
            spread([0.9, 0.94]),
            "0.92 ± 0.03",
            {"": pytest.approx(0.92), "sd": pytest.approx(0.0282842712)},
        ),
        (spread([0.9, float("nan")]), "0.90", {"": 0.9, "sd": None}),
        (spread([]), "–", {}),
        (p_value(0.0216), "0.022", {"": 0.0216}),
        (p_value(1e-12), "< 0.001", {"": 1e-12}),
        (p_value(1.0), "1.000", {"": 1.0}),
    ],
)
def test_cells(cell, shown, numbers):
    assert say(cell.text) == shown
    assert dict(cell.numbers) == numbers


def test_an_interval_reads_in_both_languages():
    cell = interval(Interval(-0.01, -0.05, 0.03), 1, percent=True, sign=True)
    assert say(cell.text) == "−1.0 (−5.0 to +3.0)"
    assert say(cell.text, "zh") == "−1.0（−5.0～+3.0）"
    assert cell.numbers == {"": -1.0, "low": -5.0, "high": 3.0}  # in the unit that is read


def test_infinite_numbers_have_a_sign():
    assert (digits(float("inf"), 1), digits(float("-inf"), 1)) == ("∞", "−∞")
