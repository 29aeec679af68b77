"""A CSV file as people really save it: any common encoding, comma, semicolon or tab.

Every mistake is one `CohortError` that names row, column and value. Rows are counted as spreadsheets
count them: the header is row 1.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from konio.errors import CohortError

#: Separators that spreadsheets write, by country.
DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Args:
        number: as a spreadsheet shows it; the header is 1.
        cells: column name to text without surrounding blanks.
    """

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text: column names in their order, and rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, needed: Sequence[str], known: Sequence[str] = ()) -> Table:
    """Read a CSV file.

    Args:
        path: the file; UTF-8 with or without a mark, UTF-16 with one, or GB18030.
        needed: columns that must be there.
        known: further columns whose names are matched without regard to case, as ``needed`` are.

    Raises:
        CohortError: if it cannot be read, holds no rows, or lacks or repeats a column.
    """
    text = _decode(path)
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    if not header_line:
        raise CohortError(f"{path} holds no text; export the table again as CSV with a header line")
    delimiter = max(DELIMITERS, key=header_line.count)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as why:
        raise CohortError(
            f"{path} is not a readable CSV ({why}); export it again with quoted text fields"
        ) from why
    first = next(i for i, record in enumerate(records) if any(cell.strip() for cell in record))
    columns = _columns(path, records[first], needed, known)
    rows = tuple(
        _row(path, number, record, columns)
        for number, record in enumerate(records[first + 1 :], start=first + 2)
        if any(cell.strip() for cell in record)
    )
    if not rows:
        raise CohortError(f"{path} holds a header but no cases; add one row for each image")
    return Table(columns, rows)


def _decode(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as why:
        raise CohortError(f"{path} does not exist; check the path of the table") from why
    except OSError as why:
        raise CohortError(
            f"{path} cannot be read ({why.strerror}); give a CSV file that may be opened"
        ) from why
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CohortError(
        f"{path} is neither UTF-8 nor GB18030 text; save it as 'CSV UTF-8' (a spreadsheet file is no CSV)"
    )


def _columns(
    path: Path, header: list[str], needed: Sequence[str], known: Sequence[str]
) -> tuple[str, ...]:
    names = [cell.strip() for cell in header]
    while names and not names[-1]:
        names.pop()  # spreadsheets leave empty columns at the end
    wanted = {name.lower(): name for name in (*known, *needed)}
    columns = tuple(wanted.get(name.lower(), name) for name in names)
    for number, name in enumerate(columns, start=1):
        if not name:
            raise CohortError(
                f"{path}: column {number} has no name; name it or remove it from the header"
            )
        if columns.count(name) > 1:
            raise CohortError(
                f"{path}: column {name!r} appears {columns.count(name)} times; keep one of them"
            )
    missing = [name for name in needed if name not in columns]
    if missing:
        raise CohortError(
            f"{path}: column {missing[0]!r} is missing (found: {', '.join(columns)}); add it to the header"
        )
    return columns


def _row(path: Path, number: int, record: list[str], columns: tuple[str, ...]) -> Row:
    cells = [cell.strip() for cell in record]
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        raise CohortError(
            f"{path}, row {number}: {len(cells)} cells but {len(columns)} columns; "
            "put text that holds a separator into quotation marks"
        )
    return Row(number, dict(zip(columns, cells, strict=False)))
