"""What a worker does to one film: read it, keep its pictures, ask the model, put everything into plain data."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.web import pictures
from konio.web.storage import Storage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from konio.assess import Assessor, Examined, HeatMap
    from konio.records import Lungs

#: Reports the step and how much is done; raises `Abandoned` if the work is not wanted any more.
Report = Callable[[str, float], None]


class AbandonedError(Exception):
    """The job was cancelled or given to somebody else."""


class DiedError(Exception):
    """What examined the film went away while it did; the film itself may be sound."""


class BrokeError(Exception):
    """The code failed on a film on another machine.

    Args:
        place: kind and place of the error, as `konio.web.logs.where` says it.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(place)


class FilmGoneError(Exception):
    """A film that was stored cannot be opened here: a fault of this machine and not of the film."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one film, as plain JSON data.

    Args:
        assessment: ``konio.assessment/1``.
        refusal: ``code``, ``reason``, ``reason_zh`` where the film was refused.
        withheld_zh: question to the Chinese reason why it is not answered.
        outlines: ``shape_px``, ``lungs`` and ``zones`` as polygons in film pixels.
        heats: ``task``, ``answer``, ``box_px``, ``shape`` and base64 float32 ``values``.
        header: what the file says of patient and examination.
        facts: rows, columns, spacing and notes of the film.
    """

    assessment: Mapping[str, Any]
    refusal: Mapping[str, str] | None = None
    withheld_zh: Mapping[str, str] = field(default_factory=dict)
    outlines: Mapping[str, Any] | None = None
    heats: tuple[Mapping[str, Any], ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data; `Outcome(**data)` reads it back."""
        return {
            "assessment": dict(self.assessment),
            "refusal": None if self.refusal is None else dict(self.refusal),
            "withheld_zh": dict(self.withheld_zh),
            "outlines": self.outlines,
            "heats": [dict(heat) for heat in self.heats],
            "header": dict(self.header),
            "facts": dict(self.facts),
        }


#: Looks at one film: SHA-256, its storage, progress.
Examine = Callable[[str, Storage, Report], Outcome]


@dataclass(frozen=True, slots=True)
class ModelExaminer:
    """Examines films with a model.

    Args:
        assessor: as `konio.load` gives it.
    """

    assessor: Assessor

    def __call__(self, sha256: str, storage: Storage, report: Report) -> Outcome:
        """Everything about one film.

        Args:
            sha256: which film.
            storage: where it lies and where its pictures go.
            report: is told the steps.

        Raises:
            FilmGoneError: if the data folder is not what it should be on this machine.
        """
        from konio.errors import RefusedError
        from konio.io import read

        path = storage.film(sha256)
        report("reading", 0.05)
        _check_there(path)
        header = patient_facts(path)
        try:
            image = read(path)
        except RefusedError as refusal:
            return self._refused(refusal, sha256, header)
        report("reading", 0.25)
        pictures.make_pictures(image, storage.pictures(sha256))
        report("assessing", 0.5)
        examined = self.assessor.examine_image(image)
        report("writing", 0.95)
        return outcome(examined, header, pictures.facts(storage, sha256) or {})

    def _refused(self, refusal: Any, sha256: str, header: Mapping[str, str]) -> Outcome:
        said = {"code": refusal.code, "reason": refusal.reason, "reason_zh": refusal.reason_zh}
        return Outcome(assessment={}, refusal=said, header=header)


def _check_there(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise FilmGoneError from error


def load_examiner(model: str) -> Examine:
    """The examiner of a model.

    Args:
        model: name of a shipped bundle or a bundle's directory.
    """
    from konio.assess import load

    return ModelExaminer(load(model))


def outcome(examined: Examined, header: Mapping[str, str], facts: Mapping[str, Any]) -> Outcome:
    """An examined film as plain data.

    Args:
        examined: with its pixels, lungs and heat maps.
        header: what the file says of patient and examination.
        facts: rows, columns, spacing and notes.
    """
    assessment = examined.assessment
    document = assessment.to_json()
    document["input"]["path"] = ""  # where the server keeps its films is nobody's business
    refusal = None
    if assessment.refusal is not None:
        refusal = {
            "code": assessment.refusal.code,
            "reason": assessment.refusal.reason,
            "reason_zh": assessment.refusal.reason_zh,
        }
    return Outcome(
        assessment=document,
        refusal=refusal,
        withheld_zh={name: why[1] for name, why in assessment.withheld.items()},
        outlines=None if examined.lungs is None else outlines(examined.lungs),
        heats=tuple(pack(heat) for heat in examined.heats),
        header=header,
        facts=facts,
    )


def outlines(lungs: Lungs) -> dict[str, Any]:
    """Lungs and zones as polygons in pixels of the film."""
    from konio.report.contours import lung_outlines

    found = lung_outlines(lungs)
    return {
        "shape_px": list(lungs.shape_px),
        "lungs": [curve.round(2).tolist() for curve in found.lungs],
        "zones": {
            zone: [curve.round(2).tolist() for curve in curves]
            for zone, curves in found.zones.items()
        },
    }


def pack(heat: HeatMap) -> dict[str, Any]:
    """A heat map as plain data."""
    values = np.ascontiguousarray(heat.values, "<f4")
    return {
        "task": heat.task,
        "answer": heat.answer,
        "box_px": list(heat.box_px),
        "shape": list(values.shape),
        "values": base64.b64encode(values.tobytes()).decode("ascii"),
    }


def unpack(packed: Mapping[str, Any]) -> NDArray[np.float32]:
    """The values of a packed heat map, ``(h, w)`` in 0..1."""
    raw = np.frombuffer(base64.b64decode(packed["values"]), "<f4")
    return raw.reshape(packed["shape"])


_HEADER: Final = {
    "patient_id": ("PatientID", 80),
    "patient_name": ("PatientName", 160),
    "study_date": ("StudyDate", 10),
    "sex": ("PatientSex", 16),
    "birth_date": ("PatientBirthDate", 10),
    "accession": ("AccessionNumber", 64),
    "institution": ("InstitutionName", 120),
}


def patient_facts(path: Path) -> dict[str, str]:
    """What a DICOM header says of patient and examination; nothing for other files.

    Args:
        path: the film. Only named elements are read and no pixels.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    wanted = [keyword for keyword, _ in _HEADER.values()]
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")  # they quote what stands in the header
            dataset = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=[*wanted, "SpecificCharacterSet"]
            )
    except (InvalidDicomError, OSError, ValueError, KeyError, AttributeError, TypeError, EOFError,
            NotImplementedError, RecursionError):  # fmt: skip
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: text for name in _HEADER if (text := _text(dataset, name))}


def _text(dataset: Dataset, name: str) -> str:
    keyword, length = _HEADER[name]
    try:
        value = str(dataset.get(keyword) or "")
    except (ValueError, LookupError, TypeError, AttributeError, NotImplementedError):
        return ""
    text = "".join(letter for letter in value if letter.isprintable()).strip()
    if keyword == "PatientName":
        text = text.replace("^", " ").strip()
    if keyword.endswith("Date"):
        digits = text.replace("-", "").replace(".", "")
        sound = len(digits) == 8 and digits.isascii() and digits.isdigit()
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if sound else ""
    return text[:length]
