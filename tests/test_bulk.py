"""Films on several processes: the same answers, files and order as in one, and nothing lost where a process dies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from konio.assess import Assessor
from konio.bulk import assess_many, twins, work
from konio.engine import Failure, resolve
from konio.errors import BundleError, UsageError
from konio.report import ResultFolder, read_assessment

DIED = Failure("its process died 2 times, for want of memory most likely; give less", "", 2, died=True)  # fmt: skip


class Here:
    """An engine in this process, text in and text out, under which chosen films bring their process down."""

    def __init__(self, deadly: str = "", failure: Failure = DIED, workers: int = 1) -> None:
        self.deadly, self.failure, self.workers = deadly, failure, workers
        self.sizes: list[int] = []

    def run(self, function: str, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        self.sizes += [len(item["films"]) for item in items]
        for position, item in reversed(list(enumerate(items))):
            if self.deadly and any(film["path"].endswith(self.deadly) for film in item["films"]):
                yield position, self.failure
            else:
                yield position, json.loads(json.dumps(resolve(function)(json.loads(json.dumps(item)))))  # fmt: skip


@pytest.fixture(scope="module")
def opened(make_bundle) -> tuple[str, Assessor]:
    from konio.assess import load

    model = make_bundle()
    return str(model), load(model)


@pytest.fixture
def films(made_up_films, tmp_path) -> list[str]:
    """Three films, one of them twice, and a file that is none."""
    names = ["a.dcm", "b.dcm", "c.dcm", "again.dcm"]
    for name, film in zip(names, [*made_up_films, made_up_films[0]], strict=True):
        (tmp_path / name).write_bytes(film.read_bytes())
    (tmp_path / "empty.dcm").touch()
    return [str(tmp_path / name) for name in [*names[:2], "empty.dcm", *names[2:]]]


def documents(folder: Path) -> list[Any]:
    lines = (folder / "assessments.jsonl").read_text().replace(str(folder), "").splitlines()
    return [json.loads(line) for line in lines]


def test_the_same_answers_files_and_order_as_in_one_process(opened, films, tmp_path) -> None:
    model, assessor = opened
    one, many = ResultFolder(tmp_path / "one"), ResultFolder(tmp_path / "many")
    for examined in assessor.examine(films):
        one.add(examined)
    looked = list(assess_many(films, model, assessor, Here(workers=3), many))
    assert [each.row.assessment.input["path"] for each in looked] == films
    assert [each.problem for each in looked] == [None] * 5
    one.finish(), many.finish()
    assert documents(tmp_path / "many") == documents(tmp_path / "one")
    assert documents(tmp_path / "one")[-1]["quality"]["duplicate_of"] == films[0]
    names = [sorted(p.name for p in (tmp_path / way).iterdir()) for way in ("one", "many")]
    assert names[0] == names[1]
    assert (tmp_path / "many" / "index.html").read_text() == (tmp_path / "one" / "index.html").read_text().replace(
        str(tmp_path / "one"), str(tmp_path / "many")
    )  # fmt: skip


def test_a_film_that_kills_its_process_takes_no_other_along(opened, films) -> None:
    model, assessor = opened
    engine = Here(deadly="b.dcm")
    said = [each.row.assessment for each in assess_many(films, model, assessor, engine)]
    assert engine.sizes == [5, 1, 1, 1, 1, 1]
    assert [each.input["path"] for each in said] == films
    codes = [each.refusal and each.refusal.code for each in said]
    assert codes[1:3] == ["not-assessed", "empty"]
    assert said[1].refusal is not None
    assert "(its process died 2 times)" in said[1].refusal.reason
    assert "（其进程 2 次异常终止）" in said[1].refusal.reason_zh
    assert "not-assessed" not in codes[2:]


def test_an_error_of_konio_itself_stops_the_run(opened, films) -> None:
    model, assessor = opened
    engine = Here(deadly="b.dcm", failure=Failure("the model of one machine has other weights"))
    with pytest.raises(UsageError, match="other weights"):
        list(assess_many(films, model, assessor, engine))


def test_a_machine_with_another_model_or_without_the_folder_says_so(opened, tmp_path) -> None:
    order = {
        "here": str(Path.cwd()), "model": opened[0], "weights": "0" * 64, "folder": None,
        "formats": [], "language": "auto", "films": [],
    }  # fmt: skip
    with pytest.raises(BundleError, match="install the same konio everywhere"):
        work(order)
    with pytest.raises(UsageError, match="not seen on every machine"):
        work({**order, "here": str(tmp_path / "nowhere")})


def test_only_the_same_bytes_are_twins(tmp_path) -> None:
    for name, data in {"a": b"one", "b": b"two", "c": b"one", "d": b"longer"}.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in ("a", "b", "c", "d", "missing", ".")]
    assert twins([*paths, "odd\0name"]) == {paths[2]: paths[0]}


def test_an_assessment_is_read_back_as_it_was_written(assessor, chest) -> None:
    said = assessor.examine_image(chest).assessment
    chinese = {name: why[1] for name, why in said.withheld.items()}
    assert read_assessment(json.loads(json.dumps(said.to_json())), chinese) == said
    for broken in ({}, {"schema": "konio.assessment/1"}):
        with pytest.raises(ValueError, match=r"this is no|incomplete or altered"):
            read_assessment(broken)
