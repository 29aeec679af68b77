"""The way of an image: read, locate, prepare, ask, explain, stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import konio
from konio.assess.examined import Examined, HeatMap
from konio.assess.explained import explanation_facts
from konio.errors import BundleError, RecordError, RefusedError
from konio.io import discover, read_many, start
from konio.records import Assessment, Image, Lungs, ModelStamp, Refusal

if TYPE_CHECKING:
    from konio.assess.answering import Answering
    from konio.lungs import LungSegmenter
    from konio.modality import Explanation, Modality
    from konio.networks import Bundle, BundleFacts
    from konio.prepare import Frame, Preparation
    from konio.tasks import TaskSet

#: How many films are decoded while the network works on one. One keeps it fed, and each more costs its memory.
AHEAD: Final = 1

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def load(
    model: str | os.PathLike[str] = "konio-radiograph",
    *,
    lungs: str | os.PathLike[str] = "konio-lungs",
    device: str | None = None,
) -> Assessor:
    """Open a model and make it ready to answer.

    Args:
        model: name of a shipped bundle or a bundle's directory.
        lungs: the network that finds the lungs, likewise.
        device: ``cpu`` or ``cuda``; by default the GPU if there is one.

    Raises:
        UsageError: if there is no such bundle.
        BundleError: if a bundle is incomplete, altered or of another kind.
    """
    start()  # the decoding process starts while this one imports torch
    import torch

    from konio.modality import RADIOGRAPH
    from konio.networks import find_bundle, read_bundle
    from konio.prepare import Preparation

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    bundle = read_bundle(find_bundle(model))
    if bundle.facts.kind not in ANSWERINGS:
        raise BundleError(
            f"bundle {bundle.facts.name!r} is a {bundle.facts.kind!r} and answers nothing about radiographs; "
            f"choose a {' or a '.join(ANSWERINGS)}"
        )
    preparation = Preparation.from_json(bundle.facts.preprocessing)
    answering = ANSWERINGS[bundle.facts.kind](bundle, RADIOGRAPH, preparation, place)
    return Assessor(
        modality=RADIOGRAPH,
        facts=bundle.facts,
        answering=answering,
        locator=RADIOGRAPH.load_locator(os.fspath(lungs), place),
        preparation=preparation,
        device=place,
        stamp=ModelStamp(
            bundle.facts.name,
            bundle.weights_sha256,
            konio.__version__,
            f"{answering.precision} on {place}",
        ),
    )


def _multitask(
    bundle: Bundle, modality: Modality, preparation: Preparation, place: str
) -> Answering:
    from konio.assess.answering import MultiTaskAnswering

    network = bundle.network().requires_grad_(False).to(place)
    backbone = network.folded(size=preparation.size)
    return MultiTaskAnswering(
        modality, network, backbone, preparation, bundle.facts.temperatures, place
    )


def _staging(bundle: Bundle, modality: Modality, preparation: Preparation, place: str) -> Answering:
    from konio.assess.staging import StagingAnswering
    from konio.hierarchy import read_staging

    staging = read_staging(bundle)
    network = staging.network.requires_grad_(False).to(place)
    crops = network.plan.crops
    size = crops.size or round(crops.share * preparation.size)
    features = tuple(network.level(n).fastest(size) for n in range(1, len(network.levels) + 1))
    return StagingAnswering(modality, staging, features, preparation, place)


#: What opens each kind of bundle for answering.
ANSWERINGS: Final[Mapping[str, Callable[[Bundle, Modality, Preparation, str], Answering]]] = {
    "radiograph-multitask": _multitask,
    "radiograph-staging": _staging,
}


@dataclass(frozen=True, slots=True, eq=False)
class Assessor:
    """A model that answers; build it with `load`.

    Args:
        modality: the kind of image.
        facts: what the bundle says about itself.
        answering: the model itself.
        locator: finds the lungs.
        preparation: how a film becomes the network's input.
        device: where it computes.
        stamp: goes into every assessment.
    """

    modality: Modality
    facts: BundleFacts
    answering: Answering
    locator: LungSegmenter
    preparation: Preparation
    device: str
    stamp: ModelStamp

    @property
    def questions(self) -> TaskSet:
        """What the model answers."""
        return self.answering.questions

    @property
    def about(self) -> Mapping[str, Any]:
        """The bundle's description, for pages."""
        return self.facts.to_json()

    def assess(self, paths: Paths) -> Iterator[Assessment]:
        """Assess films one after another, the next ones being decoded meanwhile.

        A film that is refused has an assessment too, which says why. Memory does not grow with their number.

        Args:
            paths: files and folders; a folder stands for the films in it. May be an endless stream.

        Yields:
            One assessment for each film in the order given.
        """
        for examined in self.examine(self.inputs(paths)):
            yield examined.assessment

    def inputs(self, paths: Paths) -> Iterator[str]:
        """Every file, folders replaced by the films in them."""
        for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
            if Path(path).is_dir():
                yield from discover([path]).paths
            else:
                yield os.fspath(path)

    def examine(
        self, files: Iterable[str], elsewhere: Mapping[str, str] | None = None
    ) -> Iterator[Examined]:
        """Like `assess` for files, but with the pixels, lungs and heat maps of each film.

        The same bytes under another name are assessed again, and a note names the first one.

        Args:
            files: the films.
            elsewhere: file to the first one with the same bytes, where other processes look at other files.
        """
        first: dict[bytes, str] = {}
        for path, film in read_many(files, AHEAD):
            if isinstance(film, RefusedError):
                yield self.refused(film, {"path": path})
                continue
            earlier = first.setdefault(bytes.fromhex(film.source.sha256), path)
            earlier = (elsewhere or {}).get(path, earlier)
            yield self.examine_image(film, {} if earlier == path else {"duplicate_of": earlier})

    def examine_image(self, film: Image, notes: Mapping[str, Any] | None = None) -> Examined:
        """Everything about one film that is already read.

        Args:
            film: the film.
            notes: facts to stand beside the measured ones.
        """
        try:
            lungs = self.modality.locate(film, self.locator)
            return self._answer(film, lungs, {**(notes or {}), **_source_notes(film)})
        except RefusedError as refusal:
            return self.refused(refusal, _input(film), film)
        except RecordError as error:
            return self.refused(RefusedError("not-radiograph", str(error)), _input(film), film)

    def _answer(self, film: Image, lungs: Lungs, notes: Mapping[str, Any]) -> Examined:
        said = self.answering.answer(film, lungs)
        assessment = Assessment(
            input=_input(film, said.frame),
            model=self.stamp,
            tasks=said.tasks,
            withheld=said.withheld,
            regions=tuple(region for part in said.why.values() for region in part.regions),
            zones=said.zones,
            rule=said.rule,
            decision=said.decision,
            explanation=explanation_facts(self.questions, said, lungs),
            quality={**self.modality.measure(film, lungs), **notes},
        )
        heats = tuple(
            _heat(name, answer.prediction, said.why[name], said.frame)
            for name, answer in said.tasks.items()
            if answer is not None and name in said.why
        )
        return Examined(assessment, self.questions, film, lungs, heats)

    def refused(
        self, refusal: RefusedError, given: Mapping[str, Any], film: Image | None = None
    ) -> Examined:
        """What is said of an input that is refused.

        Args:
            refusal: why.
            given: what is known of the input, ``path`` at least.
            film: its pixels, where they could be read.
        """
        reason = Refusal(refusal.code, refusal.reason, refusal.reason_zh)
        empty = dict.fromkeys(_INPUT_FIELDS)
        stated = {**empty, "kind": self.modality.name, **given}
        return Examined(Assessment(stated, self.stamp, reason), self.questions, film)


_INPUT_FIELDS: Final = (
    "path",
    "sha256",
    "kind",
    "sop_instance_uid",
    "rows",
    "columns",
    "spacing_mm",
    "model_spacing_mm",
)


def _input(film: Image, frame: Frame | None = None) -> dict[str, Any]:
    source, spacing = film.source, film.spacing_mm
    seen = None if spacing is None or frame is None else [mm * frame.scale for mm in spacing]
    return {
        "path": source.path,
        "sha256": source.sha256,
        "kind": film.kind,
        "sop_instance_uid": source.sop_instance_uid,
        "rows": source.rows,
        "columns": source.columns,
        "spacing_mm": None if spacing is None else list(spacing),
        "model_spacing_mm": seen,
    }


def _source_notes(film: Image) -> dict[str, Any]:
    return {"notes": list(film.source.notes)} if film.source.notes else {}


def _heat(name: str, answer: str, part: Explanation, frame: Frame) -> HeatMap:
    box = (frame.top, frame.left, frame.top + frame.side, frame.left + frame.side)
    return HeatMap(name, answer, part.heat, tuple(map(float, box)))  # type: ignore[arg-type]
