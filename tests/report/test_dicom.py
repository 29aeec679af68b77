"""DICOM results: written, read again, compared."""

from __future__ import annotations

import dataclasses
import io
import warnings

import numpy as np
import pydicom
import pytest

import konio
from konio.assess import Examined
from konio.errors import UsageError
from konio.records import Image

hd = pytest.importorskip("highdicom", reason="DICOM results need the extra konio[dicom]")


@pytest.fixture(scope="module")
def from_dicom(assessor, made_up_films) -> Examined:
    return assessor.examine_image(konio.read(made_up_films[0]))


@pytest.fixture(scope="module")
def results(from_dicom):
    from konio.report.dicom import dicom_results

    return dicom_results(from_dicom)


def reread(content: bytes) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hd.sr.srread(io.BytesIO(content))


def test_the_report_says_what_the_assessment_says(results, from_dicom: Examined) -> None:
    said = {
        name: answer for name, answer in from_dicom.assessment.tasks.items() if answer is not None
    }
    groups = {
        group.tracking_identifier: group
        for group in reread(results.report).content.get_image_measurement_groups()
    }
    assert set(groups) == set(said) | {"gbz70-rule"}
    for name, answer in said.items():
        task = from_dicom.questions[name]
        (evaluation,) = groups[name].get_qualitative_evaluations()
        assert evaluation.name == hd.sr.CodedConcept(*task.code)
        assert evaluation.value.meaning == task.answer(answer.prediction).en
        found = [m.value for m in groups[name].get_measurements()]
        wanted = [*answer.probabilities.values()]
        assert found[: len(wanted)] == pytest.approx(wanted, abs=1e-6)


def test_the_report_refers_to_film_and_overlay(results, from_dicom: Examined) -> None:
    report = reread(results.report)
    overlay = pydicom.dcmread(io.BytesIO(results.overlay))
    film = from_dicom.assessment.input["sop_instance_uid"]
    evidence = {
        item.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == {film, overlay.SOPInstanceUID}
    assert overlay.SourceImageSequence[0].ReferencedSOPInstanceUID == film
    header = pydicom.dcmread(from_dicom.image.source.path, stop_before_pixels=True)
    for dataset in (report, overlay):
        assert dataset.StudyInstanceUID == header.StudyInstanceUID
        assert dataset.PatientID == header.PatientID
        assert dataset.SeriesInstanceUID != header.SeriesInstanceUID


def test_boxes_of_evidence_are_regions_on_the_film(results, from_dicom: Examined) -> None:
    groups = reread(results.report).content.get_planar_roi_measurement_groups()
    boxes = [region.box_px for region in from_dicom.assessment.regions]
    found = []
    for group in groups:
        corners = np.asarray(group.roi.value)
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        found.append((top, left, bottom, right))
    assert found == boxes


def test_the_overlay_is_a_picture_that_says_what_it_is(results) -> None:
    overlay = pydicom.dcmread(io.BytesIO(results.overlay))
    assert overlay.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert overlay.ImageType == ["DERIVED", "SECONDARY"]
    pixels = overlay.pixel_array
    assert pixels.shape[2] == 3
    assert (pixels[..., 0] != pixels[..., 2]).any()


def test_a_film_that_was_no_dicom_refers_to_the_overlay_alone(assessor, chest: Image) -> None:
    from konio.report.dicom import dicom_results

    results = dicom_results(assessor.examine_image(chest))
    report = reread(results.report)
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    overlay = pydicom.dcmread(io.BytesIO(results.overlay))
    assert study.StudyInstanceUID == overlay.StudyInstanceUID
    assert report.content.get_planar_roi_measurement_groups() == []


def test_no_name_of_a_patient_is_ever_warned_about(assessor, made_up_films, tmp_path) -> None:
    from konio.report.dicom import dicom_results

    odd = pydicom.dcmread(made_up_films[0])
    odd.PatientName = "single-component"
    odd.save_as(tmp_path / "odd.dcm")
    examined = assessor.examine_image(konio.read(tmp_path / "odd.dcm"))
    results = dicom_results(examined)  # a warning would be an error here
    assert pydicom.dcmread(io.BytesIO(results.overlay)).PatientName == "single-component"


def test_a_refused_input_has_no_results(from_dicom: Examined) -> None:
    from konio.report.dicom import dicom_results

    with pytest.raises(UsageError, match="refused"):
        dicom_results(dataclasses.replace(from_dicom, image=None))
