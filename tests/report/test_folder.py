"""A run's folder: files of every film, names that never collide, failures that stop nobody."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image as Picture

from konio.assess import Examined
from konio.errors import OutputError, UsageError
from konio.records import Refusal
from konio.report import ResultFolder, json_line, parse_formats
from konio.report import files as files_module
from konio.report import folder as folder_module


@pytest.fixture(scope="module")
def examined(assessor, chest) -> Examined:
    return assessor.examine_image(chest)


def named(examined: Examined, path: str) -> Examined:
    given = {**examined.assessment.input, "path": path}
    return dataclasses.replace(
        examined, assessment=dataclasses.replace(examined.assessment, input=given)
    )


def test_everything_that_was_asked_for_is_written(examined: Examined, tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path / "out", ("json", "page"))
    assessment, failure = folder.add(examined)
    folder.finish()
    assert failure is None
    assert set(assessment.files) == {"json", "page", "heatmap"}
    names = sorted(entry.name for entry in (tmp_path / "out").iterdir())
    assert names == [
        "assessments.jsonl", "chest-1-heatmap.png", "chest-1.html", "chest-1.json", "index.html",
    ]  # fmt: skip
    assert json.loads(Path(assessment.files["json"]).read_text()) == assessment.to_json()
    with Picture.open(assessment.files["heatmap"]) as heat:
        assert heat.size == (200, 240)


def test_films_of_one_name_do_not_overwrite_each_other(examined: Examined, tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path, ("json",))
    paths = ["a/x.dcm", "b/x.dcm", "c/X.png", "d/x-2.dcm", "e/index.dcm"]
    written = [folder.add(named(examined, path))[0].files["json"] for path in paths]
    assert len({name.casefold() for name in written}) == len(paths)
    assert json.loads(Path(written[1]).read_text())["input"]["path"] == "b/x.dcm"


def test_a_film_never_takes_the_place_of_the_list(examined: Examined, tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path, ("page",))
    assessment, _ = folder.add(named(examined, "index.dcm"))
    assert Path(assessment.files["page"]).name != "index.html"


def test_refused_inputs_appear_in_the_lists_only(examined: Examined, tmp_path: Path) -> None:
    refusal = Refusal("empty", "the file holds no bytes", "文件为空")
    nothing = Examined(
        dataclasses.replace(examined.assessment, refusal=refusal), examined.questions
    )
    folder = ResultFolder(tmp_path, ("json", "page"))
    folder.add(nothing)
    folder.finish()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["assessments.jsonl", "index.html"]
    (line,) = (tmp_path / "assessments.jsonl").read_text().splitlines()
    assert json.loads(line)["refusal"]["code"] == "empty"


def test_a_film_that_cannot_be_written_does_not_stop_the_next(
    examined: Examined, tmp_path: Path, monkeypatch
) -> None:
    folder = ResultFolder(tmp_path, ("json", "page"))
    write = files_module.write_bytes

    def full(path: Path, content: bytes) -> Path:
        if path.name.startswith("first"):
            raise OutputError(f"{path} could not be written: the disk is full")
        return write(path, content)

    monkeypatch.setattr(files_module, "write_bytes", full)
    monkeypatch.setattr(folder_module, "write_bytes", full)
    first, failure = folder.add(named(examined, "first.dcm"))
    assert isinstance(failure, OutputError)
    assert first.files == {}
    assert folder.add(named(examined, "second.dcm"))[1] is None
    folder.finish()
    assert "could not be written" in (tmp_path / "index.html").read_text()
    lines = (tmp_path / "assessments.jsonl").read_text().splitlines()
    assert [json.loads(line)["input"]["path"] for line in lines] == ["first.dcm", "second.dcm"]


def test_a_folder_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="choose another folder"):
        ResultFolder(tmp_path / "file")
    with pytest.raises(UsageError, match="language"):
        ResultFolder(tmp_path, language="fr")


@pytest.mark.parametrize("text", ["", "pdf", "json,xml", ","])
def test_unknown_formats_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match="json,page,dicom"):
        parse_formats(text)


def test_json_lines_hold_one_line_and_plain_ascii(examined: Examined) -> None:
    line = json_line(named(examined, "片子\udcff\n.dcm").assessment)
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line)["input"]["path"] == "片子\udcff\n.dcm"
