"""The shortcut gate, small: a class must not be told from grey statistics, and must be told from texture where disease is.

The same functions as in benchmarks/phantom_gate.py, which takes 300 films of 512 pixels and shows the real figures; here
96 films of 384 pixels are enough to see a shortcut come in, or the disease go out.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from konio.phantom import WISHES, radiograph

PERSONS, PER_CLASS, SIZE = 8, 16, 384

Rows = list[tuple[str, dict[str, list[float]]]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        return importlib.import_module("phantom_gate")


@pytest.fixture(scope="module")
def rows(gate: ModuleType) -> Rows:
    """Features of another person in every film, the six classes in turns."""
    count = PER_CLASS * len(WISHES)
    return [gate.one((900, number, WISHES[number % len(WISHES)], SIZE)) for number in range(count)]


def spread(accuracy: float, films: int) -> float:
    """Standard error of an accuracy."""
    return float(np.sqrt(accuracy * (1 - accuracy) / films))


@pytest.fixture(scope="module")
def table(gate: ModuleType, rows: Rows) -> dict[str, dict[str, float]]:
    """Balanced accuracy by set of features and task."""
    found: dict[str, dict[str, float]] = gate.table(rows, repeats=3)
    return found


@pytest.mark.parametrize("task", ["six classes", "stage", "differential"])
def test_grey_statistics_stay_near_chance_and_texture_is_above(
    gate: ModuleType, table: dict[str, dict[str, float]], task: str
) -> None:
    classes = gate.TASKS[task]
    chance = 1 / len(set(classes.values()))
    error = spread(chance, PER_CLASS * len(classes))
    whole, texture = table["whole image"][task], table["zone texture"][task]
    assert whole < chance + 2 * error < texture
    assert texture > whole + 1.5 * error


def test_a_shortcut_would_be_seen(gate: ModuleType, rows: Rows) -> None:
    """Healthy films that are brighter by one and a half standard deviations of the films' brightness."""
    lift = 1.5 * np.std([found["whole image"][0] for _, found in rows])
    spoilt = []
    for wish, found in rows:
        brighter = np.add(found["whole image"], lift * (wish == "healthy"))
        brighter[1] = found["whole image"][1]  # the standard deviation stays
        spoilt.append((wish, {**found, "whole image": brighter.tolist()}))
    seen = gate.table(spoilt, repeats=1)["whole image"]
    assert seen["six classes"] > 1 / 6 + 2 * spread(1 / 6, len(rows))


def test_disease_changes_texture_and_not_the_grey_statistics(gate: ModuleType) -> None:
    """Pairs: the same person healthy and with dust."""
    films = {
        wish: [gate.features(radiograph(500 + k, wish, SIZE)) for k in range(PERSONS)]
        for wish in ("healthy", "dust-III")
    }
    grey, texture = (
        {wish: np.array([f[name] for f in found]) for wish, found in films.items()}
        for name in ("whole image", "zone texture")
    )
    shift = np.abs((grey["dust-III"] - grey["healthy"]).mean(0))
    assert (shift < 0.25 * grey["healthy"].std(0) + 0.001).all()
    detail = slice(12, 24, 2)
    change = (texture["dust-III"] - texture["healthy"])[:, detail]
    assert (change.mean(0) > 2 * change.std(0) / np.sqrt(PERSONS)).all()
    assert change.mean() > 0.05
