"""Writes a made-up radiograph, or a real one with made-up opacities, as a DICOM object that says what it is.

Digital X-Ray Image Storage, For Presentation (PS3.3 A.26). The bytes depend on the arguments alone: UIDs
come from a hash and dates are fixed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import OutputError, RecordError

#: SOP class: Digital X-Ray Image Storage - For Presentation.
DIGITAL_X_RAY: Final = "1.2.840.10008.5.1.4.1.1.1.1"
#: What every object says in plain words.
SYNTHETIC: Final = "SYNTHETIC IMAGE made by the konio phantom. Not a patient. Not for diagnosis."
#: The same for a real film that opacities were put into.
IMPLANTED: Final = "Real film with SYNTHETIC opacities made by the konio phantom. Not a finding. Not for diagnosis."
#: No name of a person.
PATIENT_NAME: Final = "KONIO^PHANTOM"
_DATE, _TIME = "20000101", "000000"
_EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What stands in the header besides the pixels.

    Args:
        key: any text that names the film; the same key gives the same UIDs.
        patient_id: of the made-up person.
        sex: ``M``, ``F`` or empty.
        age: years, or ``None``.
        device: name of the made-up system.
        comment: how the film was made (recipe and seed).
        photometric: ``MONOCHROME2`` (bright bone) or ``MONOCHROME1`` (stored inverted).
        implanted: the film is a real one with made-up opacities.
    """

    key: str
    patient_id: str
    sex: str = ""
    age: int | None = None
    device: str = "phantom"
    comment: str = ""
    photometric: str = "MONOCHROME2"
    implanted: bool = False

    @property
    def statement(self) -> str:
        """What the object says of itself."""
        return IMPLANTED if self.implanted else SYNTHETIC

    @property
    def anonymity(self) -> str:
        """How the header came to name nobody (Deidentification Method)."""
        if self.implanted:
            return "Header written anew; nothing of the original header is kept"
        return "Made up by a procedural phantom; there never was a patient"

    def __post_init__(self) -> None:
        if self.photometric not in ("MONOCHROME1", "MONOCHROME2"):
            raise RecordError(
                f"photometric must be MONOCHROME1 or MONOCHROME2, got {self.photometric!r}; name one"
            )
        if self.sex not in ("", "M", "F", "O"):
            raise RecordError(f"sex must be M, F, O or empty, got {self.sex!r}; leave it empty")


def write_radiograph(
    path: str | Path,
    stored: NDArray[np.uint16],
    spacing_mm: tuple[float, float],
    facts: FilmFacts,
    bits: int = 12,
) -> Path:
    """Writes one film; it appears at once or not at all.

    Args:
        path: the file to write.
        stored: ``(H, W)`` uint16, bright bone, below ``2 ** bits``.
        spacing_mm: row and column spacing on the detector.
        facts: header.
        bits: stored bits, 10 to 16.

    Returns:
        The path.

    Raises:
        RecordError: if the pixels are not what is said.
        OutputError: if the file cannot be written.
    """
    file = Path(path)
    content = encode_radiograph(stored, spacing_mm, facts, bits)
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as why:
        raise OutputError(
            f"{file} cannot be written ({why.strerror}); choose a folder that exists and has room"
        ) from why
    return file


def encode_radiograph(
    stored: NDArray[np.uint16], spacing_mm: tuple[float, float], facts: FilmFacts, bits: int = 12
) -> bytes:
    """The DICOM file of one film as bytes; see `write_radiograph`."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    _check(stored, spacing_mm, bits)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(DIGITAL_X_RAY)
    meta.MediaStorageSOPInstanceUID = UID(_uid(facts.key, "instance"))
    meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE)
    meta.ImplementationClassUID = UID(_uid("konio", "implementation"))
    meta.ImplementationVersionName = "KONIO_PHANTOM"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _put(dataset, _who(facts))
    _put(dataset, _examination(facts))
    _put(dataset, _projection(spacing_mm, facts))
    _put(dataset, _picture(stored, facts, bits))
    _add_codes(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _check(stored: NDArray[np.uint16], spacing_mm: tuple[float, float], bits: int) -> None:
    if stored.ndim != 2 or stored.dtype != np.uint16 or 0 in stored.shape:
        raise RecordError(
            f"a film is a 2-D uint16 picture, got {stored.dtype} of shape {stored.shape}; convert it"
        )
    if not 10 <= bits <= 16 or int(stored.max()) >= 2**bits:
        raise RecordError(
            f"{bits} bits do not hold the value {int(stored.max())}; give 10 to 16 bits that do"
        )
    if not all(np.isfinite(s) and s > 0 for s in spacing_mm):
        raise RecordError(f"spacing must be two positive millimetres, got {spacing_mm}; give them")


def _uid(*parts: str) -> str:
    """A UID under 2.25 from a hash of the parts (a version-5-like UUID, PS3.5 B.2)."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()[:16]
    number = int.from_bytes(digest, "big")
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return f"2.25.{number}"


def _put(dataset: Any, values: dict[str, Any]) -> None:
    for keyword, value in values.items():
        setattr(dataset, keyword, value)


def _who(facts: FilmFacts) -> dict[str, Any]:
    """Patient and its identity's removal; nobody is described."""
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": PATIENT_NAME,
        "PatientID": facts.patient_id,
        "PatientBirthDate": "",
        "PatientSex": facts.sex,
        "PatientAge": "" if facts.age is None else f"{facts.age:03d}Y",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": facts.anonymity,
        "PatientComments": facts.statement,
        "QualityControlSubject": "YES",
    }


def _examination(facts: FilmFacts) -> dict[str, Any]:
    """Study, series, equipment and the object itself."""
    return {
        "SOPClassUID": DIGITAL_X_RAY,
        "SOPInstanceUID": _uid(facts.key, "instance"),
        "StudyInstanceUID": _uid(facts.key, "study"),
        "SeriesInstanceUID": _uid(facts.key, "series"),
        "StudyDate": _DATE,
        "SeriesDate": _DATE,
        "AcquisitionDate": _DATE,
        "ContentDate": _DATE,
        "StudyTime": _TIME,
        "SeriesTime": _TIME,
        "AcquisitionTime": _TIME,
        "ContentTime": _TIME,
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "StudyID": "1",
        "StudyDescription": "Synthetic chest radiograph (phantom)",
        "SeriesDescription": "Synthetic chest PA (phantom)",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "Modality": "DX",
        "PresentationIntentType": "FOR PRESENTATION",
        "Manufacturer": "konio",
        "ManufacturerModelName": f"phantom {facts.device}",
        "DeviceSerialNumber": "PHANTOM",
        "SoftwareVersions": "konio phantom",
        "InstitutionName": "",
    }


def _projection(spacing_mm: tuple[float, float], facts: FilmFacts) -> dict[str, Any]:
    """How the film was taken and processed."""
    return {
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "ImageLaterality": "B",
        "Laterality": "",
        "PatientOrientation": ["L", "F"],
        "DetectorType": "DIRECT",
        "DetectorID": f"PHANTOM-{facts.device}",
        "ImagerPixelSpacing": [_decimal(s) for s in spacing_mm],
        "DistanceSourceToDetector": "1800",
        "PositionerType": "NONE",
        "ImageType": ["DERIVED", "PRIMARY", ""],
        "DerivationDescription": facts.statement,
        "ImageComments": f"{facts.statement} {facts.comment}".strip(),
        "AcquisitionDeviceProcessingDescription": "Simulated multi-band processing",
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
    }


def _decimal(value: float) -> str:
    return f"{value:.8g}"


def _picture(stored: NDArray[np.uint16], facts: FilmFacts, bits: int) -> dict[str, Any]:
    """Pixels and how to show them."""
    top = 2**bits - 1
    inverted = facts.photometric == "MONOCHROME1"
    pixels = (top - stored).astype("<u2") if inverted else stored.astype("<u2")
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": facts.photometric,
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "BitsAllocated": 16,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": 0,
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": 1 if inverted else -1,
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "RescaleType": "US",
        "PresentationLUTShape": "INVERSE" if inverted else "IDENTITY",
        "WindowCenter": _decimal(2 ** (bits - 1)),
        "WindowWidth": _decimal(2**bits),
        "VOILUTFunction": "LINEAR",
        "PixelData": pixels.tobytes(),
    }


def _add_codes(dataset: Any) -> None:
    """Coded concepts: chest, postero-anterior, and sequences that are present but empty."""
    from pydicom.dataset import Dataset

    def code(value: str, meaning: str) -> Any:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
        return item

    dataset.AnatomicRegionSequence = [code("51185008", "Chest")]
    view = code("399348003", "postero-anterior")
    view.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view]
    dataset.PatientOrientationCodeSequence = [code("10904000", "erect")]
    dataset.PatientGantryRelationshipCodeSequence = []
    dataset.AcquisitionContextSequence = []
