"""The frozen data that travels between rooms: Image, Case, Assessment and what they hold.

Once a constructor has returned, the record is valid. Arrays inside records are made read-only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError
from konio.tasks import ZONES

#: Stands on every output. Both languages say the same.
NOTICE: Final = "Research software; not for diagnosis. A physician must review this result."
NOTICE_ZH: Final = "研究软件，不用于诊断。结果须由医师审阅。"

ASSESSMENT_SCHEMA: Final = "konio.assessment/1"

Kind = Literal["radiograph", "ct"]
Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels; bottom and right exclusive


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, marked read-only."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True)
class Source:
    """Where pixels came from.

    Args:
        path: the file or series directory as it was given.
        sha256: of the file's bytes (lower-case hex), or of the concatenated files of a series.
        format: ``dicom``, ``png``, ``jpeg``, ``mhd`` or ``memory``.
        sop_instance_uid: DICOM SOP Instance UID, or ``None``.
        rows: stored height in pixels.
        columns: stored width in pixels.
        patient_id: as in the file, or ``None``; never printed or logged.
        notes: facts a reader should know (``synthetic``, ``spacing unknown``, ...).
    """

    path: str
    sha256: str
    format: str
    rows: int
    columns: int
    sop_instance_uid: str | None = None
    patient_id: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels in physical units.

    Args:
        pixels: radiograph ``(H, W)`` float32 in 0..1, bright bone; CT ``(D, H, W)`` int16 in HU.
        spacing_mm: distance of neighbouring pixel centres, ``(row, column)`` or ``(z, y, x)``; ``None`` if unknown.
        kind: ``radiograph`` or ``ct``.
        source: where it came from.

    Raises:
        RecordError: on a wrong rank, type, range or a spacing that is not positive.
    """

    pixels: NDArray[Any]
    spacing_mm: tuple[float, ...] | None
    kind: Kind
    source: Source

    def __post_init__(self) -> None:
        rank, dtype = (2, np.float32) if self.kind == "radiograph" else (3, np.int16)
        if self.pixels.ndim != rank or self.pixels.dtype != dtype or 0 in self.pixels.shape:
            raise RecordError(
                f"a {self.kind} needs {rank}-dimensional {np.dtype(dtype).name} pixels, got "
                f"{self.pixels.dtype} of shape {self.pixels.shape}; convert before building an Image"
            )
        if self.spacing_mm is not None and (
            len(self.spacing_mm) != rank
            or not all(np.isfinite(s) and s > 0 for s in self.spacing_mm)
        ):
            raise RecordError(
                f"spacing must be {rank} positive millimetres, got {self.spacing_mm}; give None if unknown"
            )
        frozen(self.pixels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the pixels."""
        return tuple(self.pixels.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Lungs:
    """Where to look on a radiograph, on a grid of its own that is coarser than the film's pixels.

    Grid and film cover the same area: grid cell ``(i, j)`` is the film's rows ``i * H / h`` to ``(i + 1) * H / h`` and
    likewise its columns. A full-size mask of a 3000 x 3000 film would cost nine million cells and tell nothing more.

    Args:
        mask: ``(h, w)`` bool, both lung fields.
        zones: ``(h, w)`` uint8, 0 outside, 1..6 in the order of `konio.tasks.ZONES`; above 0 exactly where ``mask``.
        shape_px: ``(H, W)``, the shape of `Image.pixels` that the grid lies on.

    Raises:
        RecordError: if the shapes differ, the zones do not fill the mask or the mask is empty.
    """

    mask: NDArray[np.bool_]
    zones: NDArray[np.uint8]
    shape_px: tuple[int, int]

    def __post_init__(self) -> None:
        if self.mask.shape != self.zones.shape or self.mask.ndim != 2:
            raise RecordError(
                f"lung mask {self.mask.shape} and zones {self.zones.shape} must share one 2-D grid"
            )
        if not self.mask.any() or not np.array_equal(self.zones > 0, self.mask):
            raise RecordError(
                "the six zones must fill a lung mask that is not empty; take them from zones_from_mask"
            )
        if self.zones.max() > len(ZONES) or min(self.shape_px) < 1:
            raise RecordError(
                f"zones go from 0 to {len(ZONES)} and a film has pixels, got zone {self.zones.max()} and "
                f"a film of {self.shape_px}"
            )
        frozen(self.mask)
        frozen(self.zones)

    @property
    def scale(self) -> tuple[float, float]:
        """Film pixels per grid cell, ``(rows, columns)``."""
        return (self.shape_px[0] / self.mask.shape[0], self.shape_px[1] / self.mask.shape[1])

    @property
    def box_px(self) -> Box:
        """Smallest box around both lungs in film pixels, before any margin."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        down, across = self.scale
        return (
            math.floor(rows[0] * down),
            math.floor(columns[0] * across),
            math.ceil((rows[-1] + 1) * down),
            math.ceil((columns[-1] + 1) * across),
        )

    def zone(self, name: str) -> NDArray[np.bool_]:
        """Mask of one zone, ``(h, w)`` bool."""
        return np.asarray(self.zones == ZONES.index(name) + 1)

    def zone_at(self, row: float, column: float) -> str | None:
        """The zone that holds a point of the film (pixels), or ``None`` outside the lungs or the film."""
        i, j = math.floor(row / self.scale[0]), math.floor(column / self.scale[1])
        if not (0 <= i < self.zones.shape[0] and 0 <= j < self.zones.shape[1]):
            return None
        zone = int(self.zones[i, j])
        return ZONES[zone - 1] if zone else None


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What a network says to one question.

    Args:
        probabilities: class to probability; sums to 1 within 1e-6.
        expected: mean class position for ordered questions (0 = first class), else ``None``.
        decided: the class that a rule chose, a cut point for instance; the most probable one where ``None``.

    Raises:
        RecordError: if the probabilities do not sum to 1 or the decided class is none of theirs.
    """

    probabilities: Mapping[str, float]
    expected: float | None = None
    decided: str | None = None
    prediction: str = field(init=False)

    def __post_init__(self) -> None:
        values = tuple(self.probabilities.values())
        if not values or min(values) < 0 or abs(sum(values) - 1) > 1e-6:
            raise RecordError(
                f"probabilities must be at least 0 and sum to 1, got {dict(self.probabilities)}"
            )
        object.__setattr__(self, "probabilities", MappingProxyType(dict(self.probabilities)))
        if self.decided is not None and self.decided not in self.probabilities:
            raise RecordError(
                f"{self.decided!r} was decided and is none of {', '.join(self.probabilities)}; decide for one of them"
            )
        most = max(self.probabilities, key=self.probabilities.__getitem__)
        object.__setattr__(self, "prediction", self.decided or most)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input was not assessed: a code of `konio.errors.REFUSALS` and its sentence."""

    code: str
    reason: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class EvidenceRegion:
    """A box that moved the answer to one question.

    Args:
        task: name of the question.
        box_px: top, left, bottom, right on the stored image; bottom and right exclusive.
        zone: the lung zone that holds most of it, or ``None`` outside the lungs.
        share: part of the whole map's energy inside the box, or of the attention on the slice, 0..1.
        slice_index: slice of a CT that the box lies on, counted from 0; ``None`` on a film.
    """

    task: str
    box_px: Box
    zone: str | None
    share: float
    slice_index: int | None = None


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which model spoke: name, SHA-256 of its weights, konio's version, arithmetic precision."""

    name: str
    weights_sha256: str
    konio_version: str
    precision: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything said about one image; the contract's JSON is `to_json`.

    Args:
        input: ``path, sha256, kind, sop_instance_uid, rows, columns, spacing_mm, model_spacing_mm``.
        model: which model spoke.
        refusal: why nothing was said, or ``None``.
        tasks: answer by question name; a question that does not apply is absent or ``None``.
        withheld: question name to the reason (English, Chinese) why it is not answered.
        regions: boxes that moved the answers.
        zones: zone name to ``{"profusion", "expected", "confidence", "doubtful"}``, or ``None``.
        rule: stage by GBZ 70-2015 from the zones: ``stage, clause, by_interpretation, sentence, sentence_zh``.
        decision: how two levels came to the stage (``level`` that decided, probability of ``disease``, ``cut_point``,
            ``crops``), or ``None``.
        explanation: ``explainer``, ``in_lungs`` (question to the share of its map inside the lungs, whole-film questions
            only; ``None`` where nothing spoke for the answer), ``made_from_lungs`` (questions whose answer is made from the
            lungs alone and whose map ends at their border, so that its share tells nothing) and ``lungs_area`` (the lungs'
            share of the square that the network saw, which is what a map without any preference would have); ``None``
            without maps.
        quality: measured facts about the film (name to number or word).
        files: what was written, by kind (``page``, ``heatmap``, ``overlay``, ``sr``).
    """

    input: Mapping[str, Any]
    model: ModelStamp
    refusal: Refusal | None = None
    tasks: Mapping[str, TaskAnswer | None] = field(default_factory=dict)
    withheld: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    regions: tuple[EvidenceRegion, ...] = ()
    zones: Mapping[str, Mapping[str, Any]] | None = None
    rule: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    explanation: Mapping[str, Any] | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("input", "tasks", "withheld", "quality", "files"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        for name in ("zones", "rule", "decision", "explanation"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, MappingProxyType(dict(value)))

    @property
    def status(self) -> Literal["assessed", "refused"]:
        """``assessed`` or ``refused``."""
        return "assessed" if self.refusal is None else "refused"

    def with_files(self, files: Mapping[str, str]) -> Assessment:
        """The same assessment that also names what was written."""
        return dataclasses.replace(self, files={**self.files, **files})

    def to_json(self) -> dict[str, Any]:
        """Plain data in the shape of the contract (``konio.assessment/1``)."""
        return {
            "schema": ASSESSMENT_SCHEMA,
            "input": dict(self.input),
            "model": dataclasses.asdict(self.model),
            "status": self.status,
            "refusal": None
            if self.refusal is None
            else {"code": self.refusal.code, "reason": self.refusal.reason},
            "tasks": {name: _answer_json(answer) for name, answer in self.tasks.items()},
            "withheld": {name: why[0] for name, why in self.withheld.items()},
            "regions": [_region_json(region) for region in self.regions],
            "zones": None if self.zones is None else {k: dict(v) for k, v in self.zones.items()},
            "rule": None if self.rule is None else dict(self.rule),
            "decision": None if self.decision is None else dict(self.decision),
            "explanation": None if self.explanation is None else dict(self.explanation),
            "quality": dict(self.quality),
            "files": dict(self.files),
            "notice": NOTICE,
        }


def _region_json(region: EvidenceRegion) -> dict[str, Any]:
    plain = {**dataclasses.asdict(region), "box_px": list(region.box_px)}
    if plain["slice_index"] is None:
        del plain["slice_index"]
    return plain


def _answer_json(answer: TaskAnswer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    plain: dict[str, Any] = {
        "prediction": answer.prediction,
        "probabilities": dict(answer.probabilities),
    }
    if answer.expected is not None:
        plain["expected"] = answer.expected
    return plain


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled image of one patient.

    Args:
        path: image file or series directory, absolute.
        patient_id: splits never part a patient.
        labels: task name to class name; ``None`` where unknown or not applicable.
        lungs: mask image of both lung fields, absolute path, or ``None``.
        lesions: label image of known lesions (made-up films only), absolute path, or ``None``.
        covariates: everything else the table held, as text.
    """

    path: str
    patient_id: str
    labels: Mapping[str, str | None]
    lungs: str | None = None
    lesions: str | None = None
    covariates: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("labels", "covariates"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
