"""How the tests of this room read a table, and how large their study is."""

from __future__ import annotations

import csv
import io

from konio.studies.tables import Table, to_csv

FOLDS, SEEDS = 4, 4


def lines_of(table: Table | None) -> list[dict[str, str]]:
    """Rows of the CSV by head, comments left out."""
    assert table is not None
    rows = list(csv.reader(io.StringIO(to_csv(table))))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if len(row) > 1]
