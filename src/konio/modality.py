"""A kind of image as a value: its questions, where to look, what the network gets, how an answer is explained.

Whoever adds another kind of image adds another `Modality`; the way of an image (`konio.assess`) stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.explain.gradcam import hires_cam
from konio.explain.regions import end_at, enlarge, find_regions
from konio.io.volume import Volume
from konio.lungs.find import find_lungs
from konio.lungs.quality import measure_quality
from konio.lungs.segmenter import LungSegmenter, load_segmenter
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.nodule import NoduleNetwork
from konio.networks.vit import attention_rollout
from konio.nodules.crop import admit, cube
from konio.prepare.nodule import NodulePreparation
from konio.prepare.tensors import Preparation, Prepared, prepare_film
from konio.records import EvidenceRegion, Image, Lungs
from konio.tasks import NODULE_TASKS, RADIOGRAPH_TASKS, ZONES, TaskSet

#: World coordinates in mm, ``(x, y, z)``.
Point = tuple[float, float, float]

#: Side of the grid on which boxes of evidence are found. A feature map has 16 cells to a side, so that a finer
#: grid costs time and tells nothing more.
REGION_GRID: Final = 128
#: Side of the maps that are kept and shown: fine enough for the border of a lung, small enough for a database.
SHOWN_GRID: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What moved one answer.

    Args:
        heat: ``(h, w)`` float32 in 0..1 on any grid over the square; 0 everywhere where nothing spoke for it.
        regions: boxes around the strongest parts.
        within: what the answer was made from and the map ends at: ``lungs``, a zone, or nothing (the whole square).
    """

    heat: NDArray[np.float32]
    regions: tuple[EvidenceRegion, ...]
    within: str = ""


@dataclass(frozen=True, slots=True)
class Modality:
    """A kind of image.

    Args:
        name: as in `konio.records.Image.kind`.
        tasks: every question known about it.
        load_locator: opens the network that finds the region, by name or directory and device.
        locate: finds the region, or refuses the image.
        measure: facts about the image's quality.
        prepare: makes the network's input.
        explain: says what moved each answer.
    """

    name: str
    tasks: TaskSet
    load_locator: Callable[[str, str], LungSegmenter]
    locate: Callable[[Image, LungSegmenter], Lungs]
    measure: Callable[[Image, Lungs], Mapping[str, Any]]
    prepare: Callable[[Image, Lungs, Preparation], Prepared]
    explain: Callable[
        [MultiTaskNetwork, Tensor, Prepared, Lungs, Mapping[str, int]], Mapping[str, Explanation]
    ]


def explain_radiograph(
    network: MultiTaskNetwork,
    features: Tensor,
    prepared: Prepared,
    lungs: Lungs,
    answers: Mapping[str, int],
) -> dict[str, Explanation]:
    """HiResCAM of several answers on one film, and the boxes around its strongest parts.

    A head that pools over the lungs or over its zone has seen nothing else; its map ends at their border.

    Args:
        network: whose heads answered.
        features: ``(1, C, h, w)``.
        prepared: what the network got.
        lungs: for the zone of each box.
        answers: question to the position of the class to explain.
    """
    zones = None if prepared.zones is None else prepared.zones[None].to(features.device)
    chosen = {
        name: torch.tensor([index], device=features.device) for name, index in answers.items()
    }
    if not chosen:
        return {}
    maps = hires_cam(network, features, zones, chosen)
    fine = enlarge(torch.cat(tuple(maps.values())), REGION_GRID)
    labels = prepared.frame.crop_labels(lungs.zones, REGION_GRID)
    said = {}
    for name, heat in zip(maps, fine, strict=True):
        within = _made_from(network, name)
        shown = end_at(heat, _mask(labels, within)) if within else heat
        regions = find_regions(name, shown, prepared.frame, lungs)
        said[name] = Explanation(_shown(shown), regions, within)
    return said


def _made_from(network: MultiTaskNetwork, name: str) -> str:
    """What the head of a question sees: ``lungs``, one zone, or ``""`` for the whole square."""
    pooling = network.plan.pooling[name]
    if pooling == "zone":
        return network.tasks[name].zone or ""
    return "lungs" if pooling == "lungs" else ""


def _mask(labels: NDArray[np.uint8], within: str) -> NDArray[np.bool_]:
    return np.asarray(labels > 0 if within == "lungs" else labels == 1 + ZONES.index(within), bool)


def _shown(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map for pages: means of small squares, the strongest 1."""
    step = REGION_GRID // SHOWN_GRID
    values = fine.reshape(SHOWN_GRID, step, SHOWN_GRID, step).mean(axis=(1, 3))
    peak = float(values.max())
    return np.asarray(values / peak if peak > 0 else values, np.float32)


def _measure(image: Image, lungs: Lungs) -> dict[str, Any]:
    return measure_quality(image, lungs).facts()


#: Posterior-anterior chest radiographs.
RADIOGRAPH: Final = Modality(
    name="radiograph",
    tasks=RADIOGRAPH_TASKS,
    load_locator=load_segmenter,
    locate=find_lungs,
    measure=_measure,
    prepare=prepare_film,
    explain=explain_radiograph,
)


@dataclass(frozen=True, slots=True, eq=False)
class SliceExplanation:
    """What moved the answers about one place in a CT.

    Args:
        attention: ``(slices,)`` share of the answer that comes from each slice, sums to 1; ``None`` for an encoder without
            attention.
        removed: how many slices were taken away, the most attended first.
        left: probability of the explained answer after that.
    """

    attention: NDArray[np.float32] | None
    removed: tuple[int, ...] = ()
    left: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeModality:
    """A kind of image that is asked about places in it.

    Args:
        name: as it stands in an assessment.
        tasks: every question known about a place.
        admit: whether a scan can answer for a place; notes for the reader, or a refusal.
        prepare: what the network gets, ``(1, slices, rows, columns)`` in -1..1.
        explain: says which slices moved the answers.
    """

    name: str
    tasks: TaskSet
    admit: Callable[[Volume, Point, tuple[float, float, float]], tuple[str, ...]]
    prepare: Callable[[Volume, Point, NodulePreparation], Tensor]
    explain: Callable[[NoduleNetwork, Tensor, str, int, bool], tuple[Tensor, SliceExplanation]]


def prepare_nodule(volume: Volume, at_mm: Point, preparation: NodulePreparation) -> Tensor:
    """The cube around a point, ``(1, slices, rows, columns)`` in -1..1; only its slab is read."""
    hu = cube(volume, at_mm, preparation.side_mm, preparation.voxels)
    return torch.from_numpy(preparation.scaled(hu))[None]


#: Hounsfield units that stand for a slice that was taken away: plain lung.
_LUNG_HU: Final = -850.0
#: Points of a deletion curve besides its beginning.
_STEPS: Final = 8


def explain_slices(
    network: NoduleNetwork, given: Tensor, question: str, answer: int, curve: bool = True
) -> tuple[Tensor, SliceExplanation]:
    """Attention rollout over the slices, and how the answer fades as the most attended slices are taken away.

    Args:
        network: in evaluation mode; left as it is.
        given: ``(1, slices, rows, columns)``.
        question: whose answer is followed.
        answer: position of its class; below 0 the most probable one.
        curve: whether to compute the fading, which costs a few more passes.

    Returns:
        The shared vector ``(1, width)`` for `NoduleNetwork.answer`, so that it is computed once, and the explanation.
    """
    with torch.no_grad():
        if not network.transformer:
            return network.features(given), SliceExplanation(None)
        vector, layers = network.attentive(given)
        shares = attention_rollout(layers)[0]
        if network.plan.single or not curve:
            return vector, SliceExplanation(shares.float().numpy(force=True))
        chosen = network.answer(vector)[question][0].argmax() if answer < 0 else answer
        counts = sorted({round(k * len(shares) / _STEPS) for k in range(1, _STEPS + 1)} - {0})
        order = shares.argsort(descending=True)
        emptied = given.expand(len(counts), -1, -1, -1).clone()
        blank = NodulePreparation().scaled(np.array(_LUNG_HU)).item()
        for row, count in enumerate(counts):
            emptied[row, order[:count]] = blank
        whole = torch.cat((vector, network.features(emptied)))
        fading = network.answer(whole)[question].softmax(dim=1)[:, int(chosen)]
    return vector, SliceExplanation(
        shares.float().numpy(force=True), (0, *counts), tuple(fading.float().tolist())
    )


#: Nodules on chest CT, asked about at a place in the patient.
NODULE: Final = VolumeModality(
    name="nodule",
    tasks=NODULE_TASKS,
    admit=admit,
    prepare=prepare_nodule,
    explain=explain_slices,
)
