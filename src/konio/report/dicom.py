"""DICOM results of one film: the overlay as a secondary capture, the answers as a structured report.

The report (Comprehensive SR, TID 1500) holds one group for each answer with its class as a coded evaluation and its
probabilities as measurements, and one region for each box of evidence. It refers to the film where that was DICOM,
and always to the overlay.

References:
    DICOM PS3.16 TID 1500, 1410, 1501; PS3.3 A.8.1 (secondary capture).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import highdicom as hd
import numpy as np
from highdicom.sr import CodedConcept
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from konio.assess import Examined
from konio.errors import UsageError
from konio.records import NOTICE, EvidenceRegion, TaskAnswer
from konio.report import pictures
from konio.report.viewer import first_shown
from konio.tasks import STAGE, Task, zone_words

#: Our own scheme for what the Standard has no code for.
SCHEME: Final = "99KONIO"
MANUFACTURER: Final = "konio"
#: Identifies konio as the observer, the same for every installation.
DEVICE_UID: Final = "2.25.205906862714410172190273866184391437105"

_SERIES_OVERLAY: Final = 9701
_SERIES_REPORT: Final = 9702
_PROBABILITY: Final = CodedConcept("probability", SCHEME, "Probability of the class")
_EXPECTED: Final = CodedConcept("expected-grade", SCHEME, "Mean grade")
_SHARE: Final = CodedConcept("share", SCHEME, "Share of the evidence")
_NO_UNITS: Final = CodedConcept("1", "UCUM", "no units")
_RULE: Final = CodedConcept("gbz70-clause", SCHEME, "Clause of GBZ 70-2015")
_LUNG_CODES: Final = {
    "r": CodedConcept("3341006", "SCT", "Right lung"),
    "l": CodedConcept("44029006", "SCT", "Left lung"),
}
_CHEST_FILM: Final = CodedConcept("36554-4", "LN", "XR Chest Single view")


@dataclass(frozen=True, slots=True)
class DicomResults:
    """Two DICOM files.

    Args:
        report: the structured report.
        overlay: the secondary capture.
    """

    report: bytes
    overlay: bytes


def dicom_results(examined: Examined) -> DicomResults:
    """Report and overlay of an assessed film.

    Args:
        examined: an assessed film with its pixels.

    Raises:
        UsageError: if the input was refused, so that there is nothing to report.
    """
    if examined.image is None or examined.assessment.refusal is not None:
        raise UsageError(f"{examined.assessment.input['path']} was refused; nothing to report")
    with warnings.catch_warnings():
        # A film's header may hold values that the Standard forbids; the warnings would print them, names included.
        warnings.simplefilter("ignore")
        film = _film_header(examined)
        overlay = _overlay(examined, film)
        report = _report(examined, film, overlay)
        return DicomResults(_bytes(report), _bytes(overlay))


def _film_header(examined: Examined) -> Dataset | None:
    """The film's header without its pixels, or ``None`` where the film was not DICOM or cannot be referred to."""
    image = examined.image
    if image is None or image.source.format != "dicom":
        return None
    try:
        header = dcmread(image.source.path, stop_before_pixels=True, force=True)
    except OSError:
        return None
    wanted = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    return header if all(header.get(name) for name in wanted) else None


def _overlay(examined: Examined, film: Dataset | None) -> Dataset:
    picture = _labelled(examined)
    patient = {} if film is None else _patient(film)
    capture = hd.sc.SCImage(
        np.asarray(picture),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=film.StudyInstanceUID if film is not None else hd.UID(),
        series_instance_uid=hd.UID(),
        series_number=_SERIES_OVERLAY,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **patient,
    )
    capture.SeriesDescription = "konio: what moved the answer (research, not for diagnosis)"
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.BurnedInAnnotation = "NO"
    capture.DerivationDescription = "HiResCAM heat map on a reduced film"
    capture.ManufacturerModelName = examined.assessment.model.name
    capture.SoftwareVersions = examined.assessment.model.konio_version
    if film is not None:
        source = Dataset()
        source.ReferencedSOPClassUID = film.SOPClassUID
        source.ReferencedSOPInstanceUID = film.SOPInstanceUID
        capture.SourceImageSequence = [source]
    return capture


def _labelled(examined: Examined) -> Picture.Image:
    """Heat map on the film with the answer and the notice written below it."""
    if examined.image is None:
        raise UsageError("an overlay needs the film; examine it first")
    shown = first_shown(examined)
    heat = next((heat for heat in examined.heats if heat.task == shown), None)
    film = pictures.heat_on_film(examined.image, heat)
    letter = max(12, film.width // 50)
    canvas = Picture.new("RGB", (film.width, film.height + 3 * letter + letter // 2))
    canvas.paste(film)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(letter)
    question = examined.questions[shown] if shown else None
    said = (
        f"{question.en}: {question.answer(heat.answer).en}" if question and heat else "no heat map"
    )
    pen.text((letter // 2, film.height + letter // 4), said, "white", font)
    pen.text((letter // 2, film.height + 7 * letter // 4), f"konio. {NOTICE}", "#f0c078", font)
    return canvas


def _patient(film: Dataset) -> dict[str, Any]:
    """Whose film it is, copied as it stands; a value that cannot be copied is left out."""
    sex = film.get("PatientSex")
    return {
        "patient_id": film.get("PatientID") or None,
        "patient_name": film.get("PatientName") or None,
        "patient_birth_date": film.get("PatientBirthDate") or None,
        "patient_sex": sex if sex in ("M", "F", "O") else None,
        "accession_number": film.get("AccessionNumber") or None,
        "study_id": film.get("StudyID") or None,
        "study_date": film.get("StudyDate") or None,
        "study_time": film.get("StudyTime") or None,
        "referring_physician_name": film.get("ReferringPhysicianName") or None,
    }


def _report(examined: Examined, film: Dataset | None, overlay: Dataset) -> Dataset:
    model = examined.assessment.model
    observer = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=DEVICE_UID,
            name=model.name,
            manufacturer_name=MANUFACTURER,
            model_name=f"{model.name} {model.weights_sha256[:12]}",
        ),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=_CHEST_FILM,
        imaging_measurements=[*_groups(examined), *_regions(examined, film)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    evidence = [overlay] if film is None else [film, overlay]
    report = hd.sr.ComprehensiveSR(
        evidence=evidence,
        content=content,
        series_instance_uid=hd.UID(),
        series_number=_SERIES_REPORT,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    report.SeriesDescription = "konio: answers (research, not for diagnosis)"
    report.SoftwareVersions = model.konio_version
    report.CompletionFlagDescription = "Research software; a physician must review this result"
    return report


def _groups(examined: Examined) -> Iterator[hd.sr.MeasurementsAndQualitativeEvaluations]:
    model = examined.assessment.model
    algorithm = hd.sr.AlgorithmIdentification(
        name=model.name,
        version=model.konio_version,
        parameters=[f"weights SHA-256 {model.weights_sha256}", f"precision {model.precision}"],
    )
    for task in examined.questions:
        answer = examined.assessment.tasks.get(task.name)
        if answer is not None:
            yield hd.sr.MeasurementsAndQualitativeEvaluations(
                tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), task.name),
                algorithm_id=algorithm,
                finding_sites=_sites(task.zone),
                measurements=list(_measurements(task, answer)),
                qualitative_evaluations=[
                    hd.sr.QualitativeEvaluation(_code(task), _class_code(task, answer.prediction))
                ],
            )
    if examined.assessment.rule is not None:
        yield _rule_group(examined.assessment.rule)


def _rule_group(rule: Mapping[str, Any]) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    """The stage that follows from the zones by the standard, and its clause."""
    clause = CodedConcept(f"clause-{rule['clause']}", SCHEME, f"GBZ 70-2015 {rule['clause']}")
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), "gbz70-rule"),
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(_code(STAGE), _class_code(STAGE, rule["stage"])),
            hd.sr.QualitativeEvaluation(_RULE, clause),
        ],
    )


def _measurements(task: Task, answer: TaskAnswer) -> Iterator[hd.sr.Measurement]:
    for name, probability in answer.probabilities.items():
        yield hd.sr.Measurement(
            _PROBABILITY, round(probability, 6), _NO_UNITS, derivation=_class_code(task, name)
        )
    if answer.expected is not None:
        yield hd.sr.Measurement(_EXPECTED, round(answer.expected, 6), _NO_UNITS)


def _regions(
    examined: Examined, film: Dataset | None
) -> Iterator[hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations]:
    if film is None:
        return
    for number, region in enumerate(examined.assessment.regions, 1):
        task = examined.questions[region.task]
        answer = examined.assessment.tasks.get(region.task)
        if answer is None:
            continue
        yield hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), f"{region.task}-{number}"),
            referenced_region=_rectangle(region, film),
            finding_sites=_sites(region.zone),
            measurements=[hd.sr.Measurement(_SHARE, round(region.share, 6), _NO_UNITS)],
            qualitative_evaluations=[
                hd.sr.QualitativeEvaluation(_code(task), _class_code(task, answer.prediction))
            ],
        )


def _rectangle(region: EvidenceRegion, film: Dataset) -> hd.sr.ImageRegion:
    top, left, bottom, right = region.box_px
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return hd.sr.ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.array(corners, dtype=np.float64),
        source_image=hd.sr.SourceImageForRegion(film.SOPClassUID, film.SOPInstanceUID),
    )


def _sites(zone: str | None) -> list[hd.sr.FindingSite] | None:
    if zone is None:
        return None
    third = CodedConcept(f"zone-{zone}", SCHEME, zone_words(zone).en)
    return [hd.sr.FindingSite(anatomic_location=_LUNG_CODES[zone[0]], topographical_modifier=third)]


def _code(task: Task) -> CodedConcept:
    return CodedConcept(*task.code)


def _class_code(task: Task, name: str) -> CodedConcept:
    return CodedConcept(f"{task.code[0]}:{name}", SCHEME, task.answer(name).en)


def _bytes(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
