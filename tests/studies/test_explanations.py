"""The table of explainers and networks."""

from __future__ import annotations

import math
from pathlib import Path

from konio.explain.known import Mean
from konio.studies.explanations import ENDED, HEADS, explanation_table
from konio.studies.tables import Heading, say, to_csv, to_markdown


def test_rows_columns_and_what_is_not_defined(tmp_path: Path) -> None:
    measured = {
        "one": {"grad-cam": {"pointing": Mean(0.9, 7), "in_lungs": Mean(0.8125, 9)},
                "chance": {"pointing": Mean(0.01, 7), "in_lungs": Mean(0.4, 9)}},
        "two": {"eigen-cam": {"pointing": Mean(math.nan, 0), "deletion": Mean(0.2, 3)}},
    }  # fmt: skip
    table = explanation_table(measured)
    assert [column.name for column in table.columns[2:]] == [
        HEADS[name][0 if name == "x" else 1] for name in ("pointing", "in_lungs", "deletion")
    ]
    text = to_markdown(table)
    assert "0.81" in text
    assert "chance" in text
    assert "not a clinical" in text or "clinical result" in text
    assert "0.8125" in to_csv(table)
    assert "nan" not in text
    assert len(table.write(tmp_path)) == 3


def test_rows_that_end_at_the_lungs_say_so() -> None:
    means = {"pointing": Mean(0.5, 3)}
    rows = {
        "hires-cam": means,
        f"hires-cam{ENDED}": means,
        "chance": means,
        f"chance{ENDED}": means,
    }
    table = explanation_table({"one": rows})
    names = [row[0].text for row in table.rows if not isinstance(row, Heading)]
    assert [say(name, "en") for name in names] == [
        "hires-cam", "hires-cam, ending at the lungs", "chance", "chance, ending at the lungs",
    ]  # fmt: skip
    assert [say(name, "zh") for name in names] == [
        "hires-cam", "hires-cam（止于肺野）", "随机水平", "随机水平（止于肺野）",
    ]  # fmt: skip
