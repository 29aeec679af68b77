"""Hostile films through the whole house: uploaded, read by the real reader, assessed, shown; nobody dies of them and nothing escapes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from tests.web.conftest import House, Person, findings

from konio.errors import REFUSALS
from konio.web.assessing import ModelExaminer
from konio.web.worker import Worker

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
WAY_OUT = "../../../../../../tmp/konio-escaped"


def spoiled(path: Path, spoil: Callable[[Dataset], None]) -> bytes:
    """A film of a made-up patient with something wrong in it."""
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")  # that it is hostile is the point
        dataset = pydicom.dcmread(path)
        spoil(dataset)
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=False)
    return buffer.getvalue()


@pytest.fixture
def reader(house: House) -> Person:
    return house.person("reader")


def assessed(house: House, reader: Person, assessor: Any, content: bytes, name: str) -> Any:
    """A film after the real reader and a network have looked at it."""
    answer = reader.upload(content, name)
    assert answer.status_code == 201, answer.json
    Worker(house.room.queue, house.room.storage, ModelExaminer(assessor)).run(until_idle=True)
    return reader("GET", f"/api/cases/{answer.json['cases'][0]['id']}").json


def test_path_names_and_scripts_in_a_header_stay_text(
    house: House, reader: Person, assessor: Any, made_up_films: list[Path]
) -> None:
    def spoil(dataset: Dataset) -> None:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = WAY_OUT
        dataset.StudyInstanceUID = dataset.SeriesInstanceUID = WAY_OUT
        dataset.PatientID, dataset.AccessionNumber = WAY_OUT, WAY_OUT
        dataset.PatientName = f"{SCRIPT}^{SCRIPT}"

    outside = house.room.settings.data.parent
    before = {path for path in outside.rglob("*") if "data" not in path.parts}
    case = assessed(
        house, reader, assessor, spoiled(made_up_films[0], spoil), f"{WAY_OUT}/{SCRIPT}"
    )
    assert case["status"] == "done"
    assert case["patient_id"] == WAY_OUT and SCRIPT in case["patient_name"]
    folder = house.room.storage.root
    made = {path.relative_to(folder) for path in folder.glob("*/*/*")}
    sha256 = case["sha256"]
    assert made == {
        Path("films", sha256[:2], sha256), Path("pictures", sha256[:2], sha256),
    }  # fmt: skip
    assert before == {path for path in outside.rglob("*") if "data" not in path.parts}
    assert not Path("/tmp/konio-escaped").exists()
    assert reader("POST", f"/api/cases/{case['id']}/readings", json=findings()).status_code == 201
    for language in ("en", "zh"):
        page = reader("GET", f"/api/cases/{case['id']}/report", query_string={"lang": language})
        assert b"<script" not in page.data and b"<img src=x" not in page.data
        assert b"&lt;script&gt;alert(1)" in page.data
    machine = reader("GET", f"/api/cases/{case['id']}/machine").json
    assert machine["assessment"]["input"]["path"] == ""  # where films lie is nobody's business
    for path in ("", "/machine", "/readings", "/outlines"):
        answer = reader("GET", f"/api/cases/{case['id']}{path}")
        assert answer.mimetype == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def _size(rows: int, columns: int) -> Callable[[Dataset], None]:
    def spoil(dataset: Dataset) -> None:
        dataset.Rows, dataset.Columns = rows, columns

    return spoil


def _element(name: str, value: Any) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset, name, value)


def _no_stream(dataset: Dataset) -> None:
    """What says it is JPEG 2000 and is nothing."""
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.PixelData = encapsulate([b"nothing of the kind " * 50])
    dataset["PixelData"].is_undefined_length = True


HOSTILE = {
    "more pixels than any film": _size(65535, 65535),
    "more pixels than it has": _size(4000, 4000),
    "no rows": _size(0, 256),
    "a thousand million frames": _element("NumberOfFrames", "999999999"),
    "sixty-four bits": _element("BitsAllocated", 64),
    "no pixels": lambda dataset: delattr(dataset, "PixelData"),
    "colours": _element("PhotometricInterpretation", "PALETTE COLOR"),
    "no JPEG 2000": _no_stream,
    "no chest": _element("BodyPartExamined", "SKULL"),
}


@pytest.mark.slow
def test_no_film_ends_the_worker_and_every_refusal_is_the_readers_own(
    house: House, reader: Person, assessor: Any, made_up_films: list[Path]
) -> None:
    said = {}
    for name, spoil in HOSTILE.items():
        answer = reader.upload(spoiled(made_up_films[0], spoil), name)
        said[name] = answer.json["cases"][0]["id"]
    whole = made_up_films[1].read_bytes()
    for name, content in {"cut": whole[:-5000], "head only": whole[:200]}.items():
        said[name] = reader.upload(content, name).json["cases"][0]["id"]
    good = reader.upload(whole, "good").json["cases"][0]["id"]
    examiner = ModelExaminer(assessor)
    closed = Worker(house.room.queue, house.room.storage, examiner).run(until_idle=True)
    assert closed == len(said) + 1
    for name, case in said.items():
        shown = reader("GET", f"/api/cases/{case}").json
        assert shown["status"] == "refused", (name, shown["status"])
        assert shown["refusal"]["code"] in REFUSALS and shown["refusal"]["reason_zh"], name
        assert reader("GET", f"/api/cases/{case}/film.png").status_code == 409
        assert "/" not in shown["refusal"]["reason"].replace("image/", ""), name  # no path of ours
    assert reader("GET", f"/api/cases/{good}").json["status"] == "done"


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(900)
def test_real_films_of_many_makers_are_shown_or_refused_in_words(
    house: House, reader: Person, assessor: Any, real: Path
) -> None:
    films = sorted((real / "dicom").glob("*.dcm"))
    if not films:
        pytest.skip("no DICOM files among the real data")
    cases: dict[str, str] = {}
    refused: dict[str, str] = {}
    for path in films:
        answer = reader.upload(path.read_bytes(), path.name).json
        if answer["cases"]:
            cases[path.name] = answer["cases"][0]["id"]
        else:
            refused[path.name] = answer["refused"][0]["reason_zh"]
    Worker(house.room.queue, house.room.storage, ModelExaminer(assessor)).run(until_idle=True)
    states = {name: reader("GET", f"/api/cases/{case}").json for name, case in cases.items()}
    assert {state["status"] for state in states.values()} <= {"done", "refused"}
    for name, state in states.items():
        if state["status"] == "refused":
            assert state["refusal"]["reason"] and state["refusal"]["reason_zh"], name
        else:
            assert reader("GET", f"/api/cases/{cases[name]}/film.u16").status_code == 200, name
    assert len(states) + len(refused) == len(films) and all(refused.values())
