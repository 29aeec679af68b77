"""Reading DICOM headers without trusting them, and what a header must say to be a PA chest radiograph.

Values of a header reach a refusal only if they are numbers or short coded words, so that no name or number of
a patient ever does.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from konio.errors import RefusedError

#: Modalities whose pictures are projections through the body.
RADIOGRAPHY: Final = frozenset({"CR", "DX", "RG", "DR"})
#: Modalities that say nothing; such an object must name the chest elsewhere.
UNSPECIFIC: Final = frozenset({"", "OT", "SC"})

_CHEST: Final = re.compile(r"CHEST|THORAX|TORAX|LUNG|\bCXR\b|胸")
_OTHER_THAN_CHEST: Final = re.compile(r"ABD|SPINE|PELV|LATERAL|\bLAT\b")
_PA: Final = frozenset(
    {"PA", "P-A", "P/A", "POSTERO-ANTERIOR", "POSTERO_ANTERIOR", "POSTEROANTERIOR"}
)
#: Codes of the postero-anterior projection in ViewCodeSequence (SNOMED RT and CT).
_PA_CODES: Final = frozenset({"R-10214", "399348003"})
_OTHER_VIEW: Final = re.compile(
    r"^(AP|A-P|A/P|ANTERO.?POSTERIOR|LL|RL|LLD|RLD|LLO|RLO|RAO|LAO|RPO|LPO|LAT.*|LATERAL.*|.*LATERAL|.*OBLIQUE|.*DECUB.*|.*LORDOTIC.*|AX|AXIAL|CC|MLO)$"
)
_OTHER_VIEW_CODES: Final = frozenset(
    {"R-10206", "399033003", "R-10228", "399260004", "R-10230", "399312001", "R-10232", "399173006", "R-10236"}
)  # fmt: skip
_MIRRORED_OR_TURNED: Final = "stored mirrored or turned"


def value(dataset: Dataset, keyword: str) -> Any:
    """The element's value, or ``None`` if it is absent, empty or cannot be understood."""
    try:
        found = dataset.get(keyword)
    except Exception:
        return None
    return None if found is None or (hasattr(found, "__len__") and len(found) == 0) else found


def text(dataset: Dataset, keyword: str) -> str:
    """The element as trimmed upper-case text; several values are parted by a backslash."""
    found = value(dataset, keyword)
    if found is None or isinstance(found, bytes | Sequence):
        return ""
    if isinstance(found, str) or not hasattr(found, "__iter__"):
        return str(found).strip().upper()
    return "\\".join(str(part).strip().upper() for part in found)


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The element as finite numbers; empty if any of its values is none."""
    found = value(dataset, keyword)
    if found is None:
        return ()
    parts = [found] if isinstance(found, str) or not hasattr(found, "__iter__") else list(found)
    try:
        result = tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        return ()
    return result if all(np.isfinite(part) for part in result) else ()


def whole(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """The element as one whole number.

    Raises:
        RefusedError: ``bad-header`` if it is absent without default, or no whole number.
    """
    found = numbers(dataset, keyword)
    if not found and default is not None and value(dataset, keyword) is None:
        return default
    if len(found) != 1 or found[0] != int(found[0]):
        raise RefusedError("bad-header", f"{keyword} is missing or no whole number")
    return int(found[0])


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; empty if absent."""
    found = value(dataset, keyword)
    return tuple(found) if isinstance(found, Sequence) else ()


def word(text_: str) -> str:
    """A coded word fit for a refusal: letters, digits and signs of codes, at most 16; else ``another value``."""
    return text_ if re.fullmatch(r"[A-Z0-9 _/\\-]{1,16}", text_) else "another value"


def admit(dataset: Dataset) -> tuple[str, ...]:
    """Check what the header says about modality, body part, view, frames and orientation.

    Args:
        dataset: header of the object.

    Returns:
        Notes about what the header leaves open.

    Raises:
        RefusedError: ``not-radiograph``, ``several-frames`` or ``wrong-view``.
    """
    modality = text(dataset, "Modality")
    if modality not in RADIOGRAPHY | UNSPECIFIC:
        raise RefusedError("not-radiograph", f"its modality is {word(modality)}")
    frames = whole(dataset, "NumberOfFrames", 1)
    if frames != 1:
        raise RefusedError("several-frames", f"{frames} frames")
    named = _body_part(dataset)
    if modality in UNSPECIFIC and not named:
        raise RefusedError(
            "not-radiograph", f"modality {word(modality) if modality else 'missing'} and no body part CHEST"
        )  # fmt: skip
    known = _view(dataset)
    _orientation(dataset)
    return tuple(
        note
        for note, missing in (("body part not stated", not named), ("view not stated", not known))
        if missing
    )


def _body_part(dataset: Dataset) -> bool:
    """Whether the header names the chest; refuses if it names something else."""
    part = text(dataset, "BodyPartExamined")
    if part:
        if not _CHEST.search(part) or _OTHER_THAN_CHEST.search(part):
            raise RefusedError("not-radiograph", f"its body part is {word(part)}")
        return True
    regions = [text(item, "CodeMeaning") for item in items(dataset, "AnatomicRegionSequence")]
    if any(regions):
        if not any(_CHEST.search(region) for region in regions):
            raise RefusedError("not-radiograph", "its anatomic region is not the chest")
        return True
    told = (
        "StudyDescription",
        "SeriesDescription",
        "ProtocolName",
        "PerformedProcedureStepDescription",
    )
    return any(_CHEST.search(text(dataset, keyword)) for keyword in told)


def _view(dataset: Dataset) -> bool:
    """Whether the header says posterior-anterior; refuses if it says another view."""
    view = text(dataset, "ViewPosition")
    if _OTHER_VIEW.match(view):
        raise RefusedError("wrong-view", f"its view position is {word(view)}")
    codes = {text(item, "CodeValue") for item in items(dataset, "ViewCodeSequence")}
    if not view and codes & _OTHER_VIEW_CODES:
        raise RefusedError("wrong-view", "its view code is not postero-anterior")
    return view in _PA or bool(codes & _PA_CODES)


def _orientation(dataset: Dataset) -> None:
    """Refuse what is not stored as it is looked at: rows to the patient's left, columns to the feet."""
    row, _, column = text(dataset, "PatientOrientation").partition("\\")
    if not row or not column:
        return
    if row[0] in "AP" or column[0] in "AP":
        raise RefusedError("wrong-view", f"its patient orientation is {word(row)}, {word(column)}")
    if row[0] != "L" or column[0] != "F":
        detail = f"patient orientation {word(row)}, {word(column)}: {_MIRRORED_OR_TURNED}"
        raise RefusedError("wrong-view", detail)


def kind_of(dataset: Dataset) -> str:
    """The object's modality, fit for a refusal."""
    modality = text(dataset, "Modality")
    return f"modality {word(modality)}" if modality else "no modality"


def remarks(dataset: Dataset) -> tuple[str, ...]:
    """What a reader of the film should know: made up, lossy, burnt-in text, a contradicting presentation."""
    shape = text(dataset, "PresentationLUTShape")
    inverse = text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    told = text(dataset, "ImageComments") + text(dataset, "DerivationDescription")
    facts = {
        "synthetic": "SYNTHETIC" in told,
        "lossy compression": text(dataset, "LossyImageCompression") == "01",
        "burnt-in annotation": text(dataset, "BurnedInAnnotation") == "YES",
        "presentation LUT shape contradicts photometric interpretation": shape
        == ("IDENTITY" if inverse else "INVERSE"),
    }
    return tuple(fact for fact, holds in facts.items() if holds)


def spacing_mm(dataset: Dataset) -> tuple[float, float] | None:
    """Distance of pixel centres in the patient's plane, ``(row, column)`` mm, or ``None`` if unknown.

    A calibrated PixelSpacing counts; otherwise ImagerPixelSpacing (at the detector) divided by
    EstimatedRadiographicMagnificationFactor where that is given.

    References:
        DICOM PS3.3 C.8.11.3 (DX image), section 10.7.1.3 (pixel spacing calibration), C.8.6.2 (SC image).
    """
    calibrated, imager = _pair(dataset, "PixelSpacing"), _pair(dataset, "ImagerPixelSpacing")
    if calibrated and (not imager or not np.allclose(calibrated, imager, rtol=1e-3)):
        return calibrated
    if imager:
        factor = (numbers(dataset, "EstimatedRadiographicMagnificationFactor") or (1.0,))[0]
        factor = factor if 1 <= factor <= 2 else 1.0
        return imager[0] / factor, imager[1] / factor
    return _pair(dataset, "NominalScannedPixelSpacing")


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    pair = numbers(dataset, keyword)
    return (pair[0], pair[1]) if len(pair) == 2 and all(0.01 < n < 10 for n in pair) else None
