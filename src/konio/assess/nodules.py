"""The way of a nodule: open the scan, admit the place, cut the cube, ask, explain, set beside what people and a ruler say."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

import konio
from konio.assess.interpret import calibrated
from konio.errors import CohortError, RefusedError, UsageError
from konio.io import open_ct
from konio.records import (
    Assessment,
    EvidenceRegion,
    ModelStamp,
    Refusal,
    Source,
    TaskAnswer,
    frozen,
)
from konio.tasks import TaskSet

if TYPE_CHECKING:
    from konio.io import Volume
    from konio.modality import SliceExplanation
    from konio.networks.bundle import BundleFacts
    from konio.networks.nodule import NoduleNetwork
    from konio.prepare.nodule import NodulePreparation

#: The question whose answer is explained and set beside the diameter.
MAIN: Final = "malignancy"
#: How many of the most attended slices are named.
NAMED_SLICES: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look.

    Args:
        at_mm: world ``(x, y, z)``, LPS as in LUNA16.
        diameter_mm: as somebody measured it, or ``None``.
        name: how the page calls it.
    """

    at_mm: tuple[float, float, float]
    diameter_mm: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedNodule:
    """One place after it was looked at.

    Args:
        assessment: what is said about it.
        questions: of the model.
        place: where.
        cube: ``(slices, rows, columns)`` float32 in -1..1, what the network saw; ``None`` where it was refused.
        spacing_mm: of the cube, ``(z, y, x)``.
        grid: tiles to a side of the mosaic; 1 in single-slice mode.
    """

    assessment: Assessment
    questions: TaskSet
    place: Place
    cube: NDArray[np.float32] | None = None
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grid: int = 1

    def __post_init__(self) -> None:
        if self.cube is not None:
            frozen(self.cube)


def parse_place(text: str) -> Place:
    """A place from ``X,Y,Z`` in mm.

    Raises:
        UsageError: if these are not three numbers.

    Examples:
        >>> parse_place("-128.7,-175.3,-298.4").at_mm
        (-128.7, -175.3, -298.4)
    """
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no place; give X,Y,Z in world millimetres, such as --at=-128.7,-175.3,-298.4"
        ) from None
    if not all(math.isfinite(value) for value in (x, y, z)):
        raise UsageError(f"{text!r} is no place; give three finite numbers")
    return Place((x, y, z))


def read_places(path: str | os.PathLike[str], scan: str | os.PathLike[str]) -> list[Place]:
    """Places of one scan from a CSV in LUNA16's shape, or in that of ``konio phantom nodule``.

    Columns ``coordX, coordY, coordZ`` or ``x_mm, y_mm, z_mm``; ``diameter_mm`` where known. With a column ``seriesuid`` (or
    ``path``) only the rows of this scan count.

    Raises:
        CohortError: if it has no such columns or no row of this scan.
    """
    stem = Path(scan).stem
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(f"{path} cannot be read ({error}); give a CSV in UTF-8") from error
    names = (
        ("coordX", "coordY", "coordZ") if rows and "coordX" in rows[0] else ("x_mm", "y_mm", "z_mm")
    )
    own = [row for row in rows if _of_scan(row, stem)]
    if not own:
        raise CohortError(f"{path} names no place in {stem}; check seriesuid or path")
    places = []
    for number, row in enumerate(own):
        try:
            x, y, z = (float(row[name]) for name in names)
            text = row.get("diameter_mm") or ""
            diameter = float(text) if text.strip() else None
        except (KeyError, TypeError, ValueError) as error:
            raise CohortError(
                f"{path}: row {number + 2} of {stem} has no place ({error}); name the columns {', '.join(names)}"
            ) from error
        places.append(Place((x, y, z), diameter, f"{stem} {number + 1}"))
    return places


def _of_scan(row: Mapping[str, str], stem: str) -> bool:
    if row.get("seriesuid"):
        return row["seriesuid"] == stem
    return not row.get("path") or Path(row["path"]).stem == stem


def load_nodules(
    model: str | os.PathLike[str] = "konio-nodule",
    *,
    device: str | None = None,
    curve: bool = True,
) -> NoduleAssessor:
    """Open a nodule model.

    Args:
        model: name of a shipped bundle or a bundle's directory.
        device: ``cpu`` or ``cuda``; by default the GPU if there is one.
        curve: also follow how the answer fades as slices are taken away (a few more passes).

    Raises:
        UsageError: if there is no such bundle.
        BundleError: if it is no nodule model.
    """
    import torch

    from konio.networks import find_bundle, read_bundle
    from konio.networks.nodule_bundle import nodule_network
    from konio.prepare.nodule import NodulePreparation

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    bundle = read_bundle(find_bundle(model))
    network = nodule_network(bundle).requires_grad_(False).to(place)
    facts = bundle.facts
    stamp = ModelStamp(facts.name, bundle.weights_sha256, konio.__version__, f"float32 on {place}")
    preparation = NodulePreparation.from_json(facts.preprocessing)
    return NoduleAssessor(facts, network, preparation, place, stamp, curve)


@dataclass(frozen=True, slots=True, eq=False)
class NoduleAssessor:
    """A nodule model that answers; build it with `load_nodules`.

    Args:
        facts: what the bundle says about itself.
        network: it.
        preparation: how a cube is cut.
        device: where it computes.
        stamp: goes into every assessment.
        curve: whether deletion curves are computed.
    """

    facts: BundleFacts
    network: NoduleNetwork
    preparation: NodulePreparation
    device: str
    stamp: ModelStamp
    curve: bool = True

    @property
    def about(self) -> Mapping[str, Any]:
        """The bundle's description, for pages."""
        return self.facts.to_json()

    def examine(
        self, scan: str | os.PathLike[str], places: Iterable[Place]
    ) -> Iterator[ExaminedNodule]:
        """Answers for places in one scan; a place that is refused has an assessment too, which says why."""
        try:
            volume = open_ct(scan)
            source = volume.source()
        except RefusedError as refusal:
            for place in places:
                yield self._refused(refusal, {"path": os.fspath(scan)}, place)
            return
        for place in places:
            yield self.examine_place(volume, place, source)

    def examine_place(
        self, volume: Volume, place: Place, source: Source | None = None
    ) -> ExaminedNodule:
        """Everything about one place of a scan that is open.

        Args:
            volume: the scan.
            place: where.
            source: of the scan; hashed here where ``None``.
        """
        given = _input(volume, source or volume.source(), place, self.preparation)
        try:
            return self._answer(volume, place, given)
        except RefusedError as refusal:
            return self._refused(refusal, given, place)

    def _answer(self, volume: Volume, place: Place, given: Mapping[str, Any]) -> ExaminedNodule:
        from konio.modality import NODULE

        notes = NODULE.admit(volume, place.at_mm, self.preparation.side_mm)
        cube = NODULE.prepare(volume, place.at_mm, self.preparation).to(self.device)
        questions = self.network.tasks
        main = MAIN if MAIN in questions else questions.names[0]
        vector, why = NODULE.explain(self.network, cube, main, -1, self.curve)
        logits = {name: own[0].tolist() for name, own in self.network.answer(vector).items()}
        warm = self.facts.temperatures
        tasks: dict[str, TaskAnswer | None] = {
            task.name: calibrated(task, logits[task.name], warm.get(task.name, 1.0))
            for task in questions
        }
        assessment = Assessment(
            input=given,
            model=self.stamp,
            tasks=tasks,
            withheld={
                task.name: ("this model does not answer this question", "该模型不回答此问题")
                for task in NODULE.tasks
                if task.name not in questions
            },
            regions=self._regions(volume, place, main, why),
            explanation=self._explanation(place, tasks, main, why),
            quality={"notes": list(notes)} if notes else {},
        )
        return ExaminedNodule(
            assessment,
            questions,
            place,
            np.array(cube[0].cpu().numpy()),
            self.preparation.spacing_mm,
            1 if self.network.plan.single else self.network.plan.grid,
        )

    def _regions(
        self, volume: Volume, place: Place, main: str, why: SliceExplanation
    ) -> tuple[EvidenceRegion, ...]:
        """The most attended slices as boxes on the scan's own slices."""
        if why.attention is None or self.network.plan.single:
            return ()
        depth, height, width = self.preparation.side_mm
        step = depth / len(why.attention)
        regions = []
        for number in np.argsort(-why.attention)[:NAMED_SLICES].tolist():
            z = place.at_mm[2] + (number + 0.5) * step - depth / 2
            corners = [
                volume.grid.to_voxel((place.at_mm[0] + side * width / 2, place.at_mm[1] + side * height / 2, z))
                for side in (-1, 1)
            ]  # fmt: skip
            low, high = np.minimum(*corners), np.maximum(*corners)
            shape = volume.grid.shape
            top, left = (max(math.floor(low[axis]), 0) for axis in (1, 2))
            bottom, right = (min(math.ceil(high[axis]) + 1, shape[axis]) for axis in (1, 2))
            index = int(np.clip(round(float((low[0] + high[0]) / 2)), 0, shape[0] - 1))
            share = float(why.attention[number])
            box = (top, left, bottom, right)
            regions.append(EvidenceRegion(main, box, None, share, slice_index=index))
        return tuple(regions)

    def _explanation(
        self, place: Place, tasks: Mapping[str, TaskAnswer | None], main: str, why: SliceExplanation
    ) -> dict[str, Any]:
        attention = None if why.attention is None else [round(float(a), 6) for a in why.attention]
        return {
            "explainer": None if attention is None else "attention-rollout",
            "question": main,
            "attention": attention,
            "slice_mm": self.preparation.spacing_mm[0],
            "deletion": {"removed": list(why.removed), "probability": list(why.left)},
            "diameter_only": self._ruler(place, tasks),
            "readers": self._readers(tasks),
        }

    def _ruler(self, place: Place, tasks: Mapping[str, TaskAnswer | None]) -> dict[str, Any] | None:
        """What the diameter alone says about malignancy."""
        from konio.networks.rated import diameter_mm

        baseline = self.facts.metrics.get("diameter_only")
        answer = tasks.get("diameter")
        estimated = (
            None if answer is None or answer.expected is None else diameter_mm(answer.expected)
        )
        used = place.diameter_mm or estimated
        if baseline is None or used is None:
            return None
        odds = baseline["slope"] * math.log2(used / baseline["midpoint_mm"])
        return {
            "diameter_mm": round(used, 2),
            "measured": place.diameter_mm is not None,
            "estimated_mm": None if estimated is None else round(estimated, 2),
            "probability": 1 / (1 + math.exp(-odds)),
            "midpoint_mm": baseline["midpoint_mm"],
        }

    def _readers(self, tasks: Mapping[str, TaskAnswer | None]) -> dict[str, dict[str, Any]]:
        """How far people differ about nodules of the expected grade."""
        known = self.facts.metrics.get("reader_spread", {})
        found = {}
        for name, answer in tasks.items():
            if answer is None or answer.expected is None or name not in known:
                continue
            grade = self.network.tasks[name].classes[round(answer.expected)]
            if grade in known[name]:
                found[name] = {"grade": grade, **known[name][grade]}
        return found

    def _refused(
        self, refusal: RefusedError, given: Mapping[str, Any], place: Place
    ) -> ExaminedNodule:
        reason = Refusal(refusal.code, refusal.reason, refusal.reason_zh)
        stated = {**dict.fromkeys(_FIELDS), "kind": "nodule", "at_mm": list(place.at_mm), **given}
        return ExaminedNodule(Assessment(stated, self.stamp, reason), self.network.tasks, place)


_FIELDS: Final = (
    "path",
    "sha256",
    "kind",
    "sop_instance_uid",
    "rows",
    "columns",
    "spacing_mm",
    "model_spacing_mm",
    "at_mm",
)


def _input(
    volume: Volume, source: Source, place: Place, preparation: NodulePreparation
) -> dict[str, Any]:
    return {
        "path": source.path,
        "sha256": source.sha256,
        "kind": "nodule",
        "sop_instance_uid": source.sop_instance_uid,
        "rows": source.rows,
        "columns": source.columns,
        "spacing_mm": list(volume.grid.spacing_mm[::-1]),
        "model_spacing_mm": list(preparation.spacing_mm),
        "at_mm": list(place.at_mm),
    }
