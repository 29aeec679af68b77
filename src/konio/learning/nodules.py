"""Cubes around nodules as examples to learn from: cut once from their scans, kept as bytes with room to move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio.errors import CohortError, OutputError, RefusedError
from konio.learning.batches import Batch, draw_moves
from konio.learning.recipe import AugmentTable, Phase
from konio.learning.views import View
from konio.nodules import Nodule, Readings
from konio.prepare.augment import Drawing
from konio.prepare.nodule import CubeMoves, NodulePreparation, move_cubes

#: Changes whenever the same nodule would be kept differently; part of a store's name.
_PREPARATION: Final = "1"

#: Makes the kept cube of one nodule: HU of `NodulePreparation.kept`.
Cutter = Callable[[Nodule, NodulePreparation], NDArray[Any]]
#: Gives the voxels that a nodule is known again by, as its source holds them: no preparation changes them.
Witness = Callable[[Nodule], NDArray[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class NoduleVolumes:
    """Nodules to learn from or to judge.

    Args:
        voxels: ``(N, *preparation.kept.voxels)`` uint8, of all nodules of a source.
        positions: ``(n,)`` rows of ``voxels``.
        labels: ``(n, outputs + T)`` float32 from `konio.learning.nodule_table.rated_table`.
        preparation: of the network's input.
    """

    voxels: NDArray[np.uint8]
    positions: NDArray[np.int64]
    labels: NDArray[np.float32]
    preparation: NodulePreparation

    def __len__(self) -> int:
        return len(self.positions)

    def batch(self, which: NDArray[np.int64], side: int) -> Batch:
        """Some nodules as they are kept.

        Args:
            which: ``(B,)`` places in ``positions``.
            side: unused; cubes have one size.
        """
        rows = self.positions[which]
        return {
            "image": torch.from_numpy(np.ascontiguousarray(self.voxels[rows])),
            "labels": torch.from_numpy(np.ascontiguousarray(self.labels[which])),
            "has_lesions": torch.zeros(len(rows), dtype=torch.bool),
        }

    def moves(self, seed: list[int], count: int, augment: AugmentTable, phase: Phase) -> Batch:
        """In-plane moves as for films; with both flips also quarter turns, other shifts and the other way up.

        A nodule has no way up: its slices may be turned by any angle about the body's axis.
        """
        drawn = draw_moves(seed, count, augment, phase)
        rng = np.random.default_rng([*seed, 7])
        free = augment.flip_horizontal and augment.flip_vertical
        deep = self.preparation.margin[0] if free else 0
        shift, over, turns = (
            rng.integers(-deep, deep + 1, count),
            rng.integers(0, 2, count) * free,
            rng.integers(0, 4, count) * free,
        )
        quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        rotations = torch.stack([torch.matrix_power(quarter, int(turn)) for turn in turns])
        return {
            **drawn,
            "places": rotations @ drawn["places"],
            "shift": torch.from_numpy(shift),
            "upside_down": torch.from_numpy(over.astype(np.bool_)),
        }

    def view(self, batch: Batch, size: int) -> View:
        """Cubes moved as they were drawn, ``(B, slices, rows, columns)``; there are no zones and no lesions."""
        moves = None
        if "places" in batch:
            drawing = Drawing(batch["places"], batch["gamma"], batch["contrast"])
            moves = CubeMoves(drawing, batch["shift"], batch["upside_down"])
        image = move_cubes(batch["image"], self.preparation, moves)
        nothing = image.new_zeros(len(image), 0)
        return View(image, nothing, nothing, nothing)


def from_scan(nodule: Nodule, preparation: NodulePreparation) -> NDArray[Any]:
    """The kept cube of a nodule whose scan is on disk.

    Raises:
        RefusedError: if the scan cannot be read or cannot answer for that place.
    """
    from konio.io import open_ct
    from konio.nodules import admit, cube

    if nodule.at_mm is None or not nodule.path:
        raise RefusedError("missing", f"nodule {nodule.nodule_id} has no scan or no place in it")
    volume = open_ct(nodule.path)
    admit(volume, nodule.at_mm, preparation.side_mm)
    kept = preparation.kept
    return cube(volume, nodule.at_mm, kept.side_mm, kept.voxels)


def middle_slice(nodule: Nodule) -> NDArray[np.int16]:
    """The slice in the middle of a nodule's scan, by which the scan is known again; nothing else of it is read.

    Returns:
        ``(1, H, W)`` HU, the same whatever the scan's header says of a patient and however its file is compressed.

    Raises:
        RefusedError: if the scan cannot be read.
    """
    from konio.io import open_ct

    if not nodule.path:
        raise RefusedError("missing", f"nodule {nodule.nodule_id} has no scan")
    volume = open_ct(nodule.path)
    middle = volume.grid.shape[0] // 2
    return volume.box(slice(middle, middle + 1), slice(None), slice(None))


def open_volumes(
    readings: Readings,
    preparation: NodulePreparation,
    folder: Path,
    cutter: Cutter = from_scan,
    progress: Progress | None = None,
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Cubes of all nodules, cut where they are not there yet.

    Args:
        readings: the nodules.
        preparation: of the network's input.
        folder: where stores lie; each has a folder of its own, named by what it holds.
        cutter: makes one kept cube.
        progress: told nodules done and nodules in all.

    Returns:
        ``(N, *preparation.kept.voxels)`` uint8, mapped into memory, and row to reason for nodules that were refused.

    Raises:
        CohortError: if not one nodule can be used.
        OutputError: if the folder cannot be written.
    """
    place = folder / volumes_key(readings, preparation)
    path, reasons = place / "voxels.npy", place / "refusals.json"
    if not reasons.exists():
        try:
            place.mkdir(parents=True, exist_ok=True)
            _cut(readings, preparation, place, cutter, progress)
        except OSError as error:
            raise OutputError(
                f"cubes cannot be kept in {place} ({error.strerror}); free space or choose another folder"
            ) from error
    refused = {int(row): str(why) for row, why in json.loads(reasons.read_text("utf-8")).items()}
    if len(refused) == len(readings):
        reason = next(iter(refused.values()), "the table is empty")
        raise CohortError(
            f"none of the {len(readings)} nodules can be used; the first reason is: {reason}"
        )
    voxels: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return voxels, refused


def volumes_key(readings: Readings, preparation: NodulePreparation) -> str:
    """Folder name that changes with the nodules, their places and the preparation; readings do not change it."""
    nodules = [[n.nodule_id, n.series_uid, Path(n.path).name, n.at_mm, n.index] for n in readings]
    text = json.dumps([_PREPARATION, preparation.to_json(), nodules])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cut(
    readings: Readings,
    preparation: NodulePreparation,
    place: Path,
    cutter: Cutter,
    progress: Progress | None,
) -> None:
    beside = place / "voxels.part"
    shape = (len(readings), *preparation.kept.voxels)
    table = np.lib.format.open_memmap(beside, mode="w+", dtype=np.uint8, shape=shape)
    refused: dict[int, str] = {}
    for row, nodule in enumerate(readings):
        try:
            table[row] = preparation.bytes_of(cutter(nodule, preparation))
        except RefusedError as error:
            refused[row] = f"{nodule.nodule_id}: {error.reason}"
        if progress is not None:
            progress(row + 1, len(readings))
    table.flush()
    del table
    beside.replace(place / "voxels.npy")
    # The list of refusals comes last: a store without it is cut again.
    (place / "refusals.json").write_text(json.dumps(refused, ensure_ascii=False), "utf-8")
