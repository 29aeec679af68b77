"""How losses and scores moved over a training, epoch by epoch, from the logs that it left."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from konio.learning.timetable import Timetable

#: A start's log, and the step it began with in the name of its folder.
_LOGS: Final = "logs/from-step-*/csv/metrics.csv"
_TRAINING: Final = "train/loss"
_VALIDATION: Final = "validation/"

Columns = dict[str, list[float | None]]


def training_curve(folder: Path, timetable: Timetable) -> Columns:
    """What a training's logs say, one row an epoch.

    Args:
        folder: of the training; a killed one has a log for every start, and what a later start did again counts.
        timetable: of the whole training.

    Returns:
        ``epoch`` (from 1), ``training`` (mean loss of the logged steps), and what was measured on held-out films at the
        end of the epoch, such as ``loss`` and ``macro_recall``; ``None`` where nothing was logged.
    """
    rows = _rows(folder)
    measured = sorted({n for row in rows for n in row if n.startswith(_VALIDATION)})
    found: Columns = {"epoch": [], "training": []}
    found |= {name.removeprefix(_VALIDATION): [] for name in measured}
    for leg in timetable.legs:
        losses = [row[_TRAINING] for row in rows if leg.first <= row["step"] < leg.end and _TRAINING in row]  # fmt: skip
        found["epoch"].append(leg.number + 1)
        found["training"].append(float(np.mean(losses)) if losses else None)
        ends = [row for row in rows if row["step"] == leg.end]
        for name in measured:
            values = [row[name] for row in ends if name in row]
            found[name.removeprefix(_VALIDATION)].append(values[-1] if values else None)
    return found


def mean_curves(curves: Sequence[Mapping[str, Any]], name: str) -> tuple[Any, Any, Any]:
    """One column of several trainings of the same length.

    Args:
        curves: from `training_curve`.
        name: of the column.

    Returns:
        Epochs, mean and standard deviation over the trainings, each ``(epochs,)``; epochs that one of them does not know
        are left out. The deviation of a single training is 0.
    """
    nothing = [None] * len(curves[0]["epoch"])
    values = np.array([curve.get(name, nothing) for curve in curves], np.float64)
    known = ~np.isnan(values).any(axis=0)
    own = values[:, known]
    spread = own.std(axis=0, ddof=1) if len(own) > 1 else np.zeros(own.shape[1])
    return np.array(curves[0]["epoch"], np.float64)[known], own.mean(axis=0), spread


def _rows(folder: Path) -> list[dict[str, float]]:
    """All logged rows in order of their step; a later start takes the place of what it did again."""
    rows: list[dict[str, float]] = []
    for path in sorted(folder.glob(_LOGS)):
        begun = int(path.parents[1].name.rpartition("-")[2])
        # Whatever was measured at the end of the epoch that the start goes on from stays.
        rows = [row for row in rows if row["step"] < begun or (row["step"] == begun and _TRAINING not in row)]  # fmt: skip
        with path.open(encoding="utf-8", newline="") as file:
            rows += [_numbers(row) for row in csv.DictReader(file)]
    return rows


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    found = {name: float(value) for name, value in row.items() if value}
    return {name: value for name, value in found.items() if math.isfinite(value)}
