"""A folder of numbered cases: one plan, whole files, each case once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from konio.errors import OutputError
from konio.io.numbered import PLAN_FILE, case_name, claim_folder, make_cases, replace_file

PLAN = {"seed": 3, "mix": (("healthy", 1.0), ("dust-I", 0.25))}


def test_a_folder_belongs_to_one_plan_whatever_its_spelling(tmp_path: Path) -> None:
    for _ in range(2):
        claim_folder(tmp_path / "c", ("films", "records"), PLAN)
    assert (tmp_path / "c" / "films").is_dir()
    note = tmp_path / "c" / PLAN_FILE
    note.write_text(json.dumps(json.loads(note.read_text()), indent=4))
    claim_folder(tmp_path / "c", ("films",), PLAN)
    with pytest.raises(OutputError, match="another plan"):
        claim_folder(tmp_path / "c", ("films",), {**PLAN, "seed": 4})
    note.write_text("{")
    with pytest.raises(OutputError, match="another plan"):
        claim_folder(tmp_path / "c", ("films",), PLAN)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        claim_folder(tmp_path / "file", ("films",), PLAN)


def test_a_file_is_replaced_whole_and_leaves_no_part(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        replace_file(tmp_path / "a.json", content)
        assert (tmp_path / "a.json").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(OutputError, match=r"b\.json cannot be written .* has room"):
        replace_file(tmp_path / "nowhere" / "b.json", b"")


def double(number: int, factor: int) -> int:
    return number * factor


def test_cases_are_made_in_turn_by_one_worker() -> None:
    assert list(make_cases(double, [(1, 2), (2, 2), (5, 3)], 1)) == [2, 4, 15]
    assert list(make_cases(double, [(4, 2)], 3)) == [8]  # no process for a single case
    assert list(make_cases(double, [], 2)) == []
    assert case_name(12) == "000012"
