"""What a trial leaves behind: every answer it gave, so that any statistic can be made afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import OutputError

PREDICTIONS: Final = "predictions.npz"
_VALIDATION: Final = "validation_"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers to one question.

    Args:
        truth: ``(n,)`` int64 class positions, `konio.tasks.MISSING` where there is no label.
        logits: ``(n, C)`` float32, not calibrated.
    """

    truth: NDArray[np.int64]
    logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Answers of one trial.

    Args:
        position: ``(n,)`` rows of ``cases.csv``, ascending.
        tasks: question to its answers.
        validation: the same for the films that the plateau and the temperature looked at, or ``None``.
    """

    position: NDArray[np.int64]
    tasks: Mapping[str, Answers]
    validation: Predictions | None = None


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write ``predictions.npz``, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    arrays = _arrays(predictions, "")
    if predictions.validation is not None:
        arrays |= _arrays(predictions.validation, _VALIDATION)
    path = folder / PREDICTIONS
    beside = path.with_suffix(".part")
    try:
        with beside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); free space or choose another folder"
        ) from error


def read_predictions(folder: str | Path) -> Predictions:
    """The answers of a trial.

    Args:
        folder: the trial's.

    Raises:
        OutputError: if they are not there or damaged.
    """
    path = Path(folder) / PREDICTIONS
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        inner = _VALIDATION + "position" in found
        return _read(found, "", _read(found, _VALIDATION) if inner else None)
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"{path} cannot be read ({error}); delete the trial's folder and run the study again"
        ) from error


def _arrays(predictions: Predictions, prefix: str) -> dict[str, Any]:
    arrays: dict[str, Any] = {f"{prefix}position": predictions.position}
    for name, answers in predictions.tasks.items():
        arrays[f"{prefix}truth_{name}"] = answers.truth
        arrays[f"{prefix}logits_{name}"] = answers.logits
    return arrays


def _read(
    found: Mapping[str, Any], prefix: str, validation: Predictions | None = None
) -> Predictions:
    start = f"{prefix}truth_"
    names = [name.removeprefix(start) for name in found if name.startswith(start)]
    return Predictions(
        position=found[f"{prefix}position"],
        tasks={
            name: Answers(found[f"{prefix}truth_{name}"], found[f"{prefix}logits_{name}"])
            for name in names
        },
        validation=validation,
    )
