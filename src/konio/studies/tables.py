"""A table as a value: cells that keep their numbers, footnotes that follow their cells, four ways to write it.

One table is written as Markdown, CSV (with the numbers behind the text), LaTeX (``booktabs``) and, by
`konio.studies.page`, as HTML. A published number never stands in a column of ours: columns carry `Column.published`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from konio.errors import RecordError
from konio.records import NOTICE
from konio.report.files import make_folder, write_text
from konio.report.words import Words

#: A text in both languages, or one that needs no translation (a number, a name).
Text = str | Words

#: What stands where there is nothing to say.
EMPTY: Final = "–"


def say(text: Text, language: str = "en") -> str:
    """A text in one language.

    Examples:
        >>> say(Words("stage", "期别"), "zh"), say("0.75", "zh")
        ('期别', '0.75')
    """
    if isinstance(text, str):
        return text
    return text.zh if language == "zh" else text.en


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Args:
        text: what is read.
        numbers: what the CSV holds, at full precision and in the unit that is read: ``""`` is the number itself, other keys
            (``low``, ``high``, ``sd`` ...) become columns of their own. Without numbers the CSV holds the English text.
        marks: keys of footnotes.
        strong: whether it stands out (the best of a column).
    """

    text: Text
    numbers: Mapping[str, float | int | None] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    strong: bool = False

    def marked(self, *marks: str) -> Cell:
        """The same cell with more footnotes."""
        return replace(self, marks=(*self.marks, *marks))


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: its head.
        group: a head over several neighbouring columns, or ``""``.
        published: whether it holds numbers that somebody else printed.
        marks: keys of footnotes.
        mixed: whether words and numbers stand below one another, so that all of it begins on the left.
    """

    name: Text
    group: Text = ""
    published: bool = False
    marks: tuple[str, ...] = ()
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A line across the table that names the rows below it.

    Args:
        text: the name.
    """

    text: Text


Row = Sequence[Cell] | Heading


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        title: one line.
        columns: the first names the rows.
        rows: each with one cell a column, or a `Heading`.
        footnotes: key to text; those that a cell, column or ``marks`` names are printed, in the order of their first use.
        note: sentences under the table.
        name: stem of its files, such as ``table-2``; without one it stands on the page only.
        marks: keys of footnotes to the title.

    Raises:
        RecordError: on a row of another length or a mark without its footnote.
    """

    title: Text
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    footnotes: Mapping[str, Text] = field(default_factory=dict)
    note: Text = ""
    name: str = ""
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(self.rows))
        for row in self.rows:
            if not isinstance(row, Heading) and len(row) != len(self.columns):
                raise RecordError(
                    f"table {self.name or say(self.title)!r} has {len(self.columns)} columns and a row of "
                    f"{len(row)} cells; give one cell a column"
                )
        missing = [key for key in self._used() if key not in self.footnotes]
        if missing:
            raise RecordError(
                f"table {self.name or say(self.title)!r} refers to the footnotes {missing}, which it does not have; "
                "add them or take the marks away"
            )

    @property
    def letters(self) -> dict[str, str]:
        """Footnote key to its letter, in the order of first use."""
        return {key: _letter(place) for place, key in enumerate(self._used())}

    def _used(self) -> list[str]:
        marks = [*self.marks]
        for column in self.columns:
            marks += column.marks
        for row in self.rows:
            if not isinstance(row, Heading):
                marks += [mark for cell in row for mark in cell.marks]
        return list(dict.fromkeys(marks))

    def write(self, out: Path, name: str = "") -> tuple[Path, ...]:
        """Write ``name.csv``, ``name.md`` and ``name.tex``.

        Args:
            out: folder; made if it is not there.
            name: stem of the files; the table's own name by default.

        Returns:
            The three paths.

        Raises:
            OutputError: if they cannot be written.
        """
        stem = name or self.name
        if not re.fullmatch(r"[\w.-]+", stem):
            raise RecordError(f"{stem!r} is no name for a file; use letters, digits and dashes")
        make_folder(out)
        return (
            write_text(out / f"{stem}.csv", to_csv(self)),
            write_text(out / f"{stem}.md", to_markdown(self)),
            write_text(out / f"{stem}.tex", to_latex(self, label=stem)),
        )


def _letter(place: int) -> str:
    """a, b ... z, aa, ab ..."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def head(column: Column, language: str = "en") -> str:
    """Group and name of a column in one line."""
    group, name = say(column.group, language), say(column.name, language)
    return f"{group}: {name}" if group and name else group or name


def to_csv(table: Table) -> str:
    """Comma-separated values: full precision, ``low``, ``high`` and ``sd`` in columns of their own, footnotes last.

    A line whose first cell starts with ``#`` holds the title, a footnote or the notice and no data.
    """
    parts = [_parts(table, place) for place in range(len(table.columns))]
    heads = [
        f"{head(column)} {part}".strip() + (" (published)" if column.published else "")
        for column, own in zip(table.columns, parts, strict=True)
        for part in own
    ]
    grouped = any(isinstance(row, Heading) for row in table.rows)
    lines: list[list[str]] = [[*(["section"] if grouped else []), *heads, "footnotes"]]
    section = ""
    for row in table.rows:
        if isinstance(row, Heading):
            section = say(row.text)
            continue
        cells = [_plain(c, part) for c, own in zip(row, parts, strict=True) for part in own]
        marks = "; ".join(
            f"{head(column)}: {' '.join(table.letters[m] for m in cell.marks)}".lstrip(": ")
            for column, cell in zip(table.columns, row, strict=True)
            if cell.marks
        )
        lines.append([*([section] if grouped else []), *cells, marks])
    lines += [[f"# {line}"] for line in _below(table, say(table.title))]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _parts(table: Table, place: int) -> list[str]:
    found: dict[str, None] = {}
    for row in table.rows:
        if not isinstance(row, Heading):
            found |= dict.fromkeys(row[place].numbers)
    return list(found) or [""]


def _plain(cell: Cell, part: str) -> str:
    if not cell.numbers:
        text = say(cell.text)
        return "" if part or text == EMPTY else text
    number = cell.numbers.get(part)
    if number is None:
        return ""
    return repr(np.asarray(number).item())  # numbers of NumPy like any other


def _below(table: Table, first: str = "") -> list[str]:
    """Title, note, footnotes and notice as plain lines."""
    lines = [first] if first else []
    if say(table.note):
        lines.append(say(table.note))
    lines += [f"{letter} {say(table.footnotes[key])}" for key, letter in table.letters.items()]
    return [*lines, NOTICE]


def to_markdown(table: Table) -> str:
    """A pipe table with its title above and its footnotes below."""
    letters = table.letters
    heads = [
        _pipe(head(column) + (" (published)" if column.published else ""))
        + _superscript([letters[m] for m in column.marks])
        for column in table.columns
    ]
    lines = [
        f"**{say(table.title)}**{_superscript([letters[m] for m in table.marks])}",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'|'.join(['---'] + ['---:'] * (len(heads) - 1))}|",
    ]
    for row in table.rows:
        if isinstance(row, Heading):
            cells = [f"**{_pipe(say(row.text))}**"] + [""] * (len(heads) - 1)
        else:
            cells = [_markdown_cell(cell, letters) for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    below = _below(table)
    return "\n".join([*lines, "", "\n\n".join(below)]) + "\n"


def _markdown_cell(cell: Cell, letters: Mapping[str, str]) -> str:
    text = _pipe(say(cell.text))
    text = f"**{text}**" if cell.strong else text
    return text + _superscript([letters[m] for m in cell.marks])


def _pipe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _superscript(letters: Sequence[str]) -> str:
    return f"<sup>{' '.join(letters)}</sup>" if letters else ""


#: Characters that LaTeX reads as commands, and signs that its text fonts lack.
_LATEX: Final = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "−": "$-$", "–": "--", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$",
    "<": "$<$", ">": "$>$", "κ": r"$\kappa$", "Δ": r"$\Delta$", "ω": r"$\omega$", "→": r"$\rightarrow$", "√": r"$\surd$",
}  # fmt: skip


def latex(text: str) -> str:
    r"""Text as LaTeX takes it.

    Examples:
        >>> latex("94.1 ± 0.8 %")
        '94.1 $\\pm$ 0.8 \\%'
    """
    return "".join(_LATEX.get(sign, sign) for sign in text)


def to_latex(table: Table, label: str = "") -> str:
    """A ``table`` environment; needs the package ``booktabs``."""
    letters, width = table.letters, len(table.columns)
    published = [" (published)" if column.published else "" for column in table.columns]
    heads = [
        latex(say(c.name) + (p if not say(c.group) else ""))
        + _raised([letters[m] for m in c.marks])
        for c, p in zip(table.columns, published, strict=True)
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(say(table.title))}{_raised([letters[m] for m in table.marks])}}}",
        *([rf"\label{{tab:{label}}}"] if label else []),
        rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"\toprule",
        *_latex_groups(table),
        " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        if isinstance(row, Heading):
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textbf{{{latex(say(row.text))}}}}} \\")
        else:
            lines.append(" & ".join(_latex_cell(cell, letters) for cell in row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", "", r"\par\smallskip\footnotesize"]
    notes = [latex(say(table.note))] if say(table.note) else []
    notes += [rf"{_raised([x])} {latex(say(table.footnotes[k]))}" for k, x in letters.items()]
    lines += [rf"\par {note}" for note in [*notes, latex(NOTICE)]]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _latex_groups(table: Table) -> list[str]:
    if not any(say(column.group) for column in table.columns):
        return []
    cells, rules, place = [], [], 1
    for group, published, span in spans(table):
        text = latex(group + (" (published)" if published and group else ""))
        cells.append(rf"\multicolumn{{{span}}}{{{'c' if group else 'l'}}}{{{text}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{place}-{place + span - 1}}}")
        place += span
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def spans(table: Table, language: str = "en") -> list[tuple[str, bool, int]]:
    """Heads over neighbouring columns: name (``""`` for none), whether published, number of columns."""
    found: list[tuple[str, bool, int]] = []
    for column in table.columns:
        group = say(column.group, language)
        if found and group and found[-1][:2] == (group, column.published):
            found[-1] = (group, column.published, found[-1][2] + 1)
        else:
            found.append((group, column.published, 1))
    return found


def _latex_cell(cell: Cell, letters: Mapping[str, str]) -> str:
    text = latex(say(cell.text))
    text = rf"\textbf{{{text}}}" if cell.strong else text
    return text + _raised([letters[m] for m in cell.marks])


def _raised(letters: Sequence[str]) -> str:
    return rf"\textsuperscript{{{' '.join(letters)}}}" if letters else ""
