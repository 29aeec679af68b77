"""The real way: a film of a made-up patient, the real reader, a real network, until it stands on the page."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from tests.web.conftest import House, findings

from konio.tasks import ZONES
from konio.web.assessing import ModelExaminer, Outcome, pack, patient_facts, unpack
from konio.web.worker import Worker


@pytest.mark.slow
def test_from_the_file_to_the_page(house: House, assessor: Any, made_up_films: list[Path]) -> None:
    reader = house.person("reader")
    for path in made_up_films:
        assert reader.upload(path.read_bytes(), path.name).status_code == 201
    broken = reader.upload(b"\x89PNG\r\n\x1a\n and then nothing").json["cases"][0]["id"]
    examiner = ModelExaminer(assessor)
    assert (
        Worker(house.room.queue, house.room.storage, examiner).run(until_idle=True)
        == len(made_up_films) + 1
    )
    refused = reader("GET", f"/api/cases/{broken}").json
    assert refused["status"] == "refused" and refused["refusal"]["reason_zh"]
    case = reader("GET", "/api/cases", query_string={"status": "done"}).json["cases"][0]["id"]
    shown = reader("GET", f"/api/cases/{case}").json
    assert (shown["rows"], shown["columns"]) == (256, 256) and "synthetic" in shown["film_notes"]
    assert shown["patient_id"] and shown["quality"]
    outlines = reader("GET", f"/api/cases/{case}/outlines").json
    assert set(outlines["zones"]) == set(ZONES) and outlines["shape_px"] == [256, 256]
    points = np.array([point for polygon in outlines["lungs"] for point in polygon])
    assert points.min() >= 0 and points.max() <= 256 and len(points) > 20
    reader("POST", f"/api/cases/{case}/readings", json=findings())
    machine = reader("GET", f"/api/cases/{case}/machine").json
    assessment = machine["assessment"]
    assert assessment["schema"] == "konio.assessment/1" and assessment["model"]["name"] == "tiny"
    for answer in filter(None, assessment["tasks"].values()):
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert machine["heats"]
    for heat in machine["heats"]:
        assert reader("GET", heat["url"]).status_code == 200
    for language in ("en", "zh"):
        page = reader("GET", f"/api/cases/{case}/report", query_string={"lang": language})
        assert b"data:image/jpeg" in page.data and b"tiny" in page.data
    picture = reader("GET", f"/api/cases/{case}/film.u16")
    assert picture.headers["X-Film-Rows"] == "256"


def test_an_outcome_survives_as_plain_data() -> None:
    from tests.web.fake import assessment, heat

    outcome = Outcome(assessment("ab" * 32), heats=(heat("stage"),), facts={"rows": 1})
    again = Outcome(**outcome.to_json())
    assert again.to_json() == outcome.to_json()


def test_a_heat_map_survives_packing() -> None:
    from konio.assess import HeatMap

    values = np.random.default_rng(2).random((5, 7), np.float32)
    heat = HeatMap("stage", "I", values, (1.0, 2.0, 30.0, 40.0))
    packed = pack(heat)
    assert np.array_equal(unpack(packed), values) and packed["box_px"] == [1.0, 2.0, 30.0, 40.0]


def _header(path: Path, **elements: Any) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")  # that they are hostile is the point
        for name, value in elements.items():
            setattr(dataset, name, value)
        dataset.save_as(path, enforce_file_format=False)
    return path


def test_what_a_header_says(tmp_path: Path) -> None:
    path = _header(
        tmp_path / "a.dcm", SpecificCharacterSet="ISO_IR 192", PatientID="  X1 ", PatientName="王^小明",
        StudyDate="20260102", PatientSex="M",
    )  # fmt: skip
    assert patient_facts(path) == {
        "patient_id": "X1", "patient_name": "王 小明", "study_date": "2026-01-02", "sex": "M",
    }  # fmt: skip


def test_hostile_headers_say_nothing_harmful(tmp_path: Path) -> None:
    path = _header(
        tmp_path / "a.dcm", SpecificCharacterSet="ISO_IR 192", PatientID="x" * 5000,
        PatientName="a\r\nb\x1b[31m", StudyDate="../../..",
    )  # fmt: skip
    found = patient_facts(path)
    assert len(found["patient_id"]) == 80 and "study_date" not in found
    assert found["patient_name"].isprintable()
    for number, content in enumerate(
        (b"", b"\x89PNG", bytes(200), bytes(128) + b"DICM" + b"\xff" * 99)
    ):
        other = tmp_path / f"{number}"
        other.write_bytes(content)
        assert patient_facts(other) == {}
    assert patient_facts(tmp_path / "none") == {}
