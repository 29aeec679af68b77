"""A small shortcut gate on pairs: the same person healthy and with dust.

Disease must change fine structure in the lungs and leave the grey statistics of the whole film alone. The
full gate with a classifier is benchmarks/phantom_gate.py.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from konio.phantom import radiograph

PERSONS, SIZE = 8, 384


def gate() -> ModuleType:
    file = Path(__file__).parents[2] / "benchmarks" / "phantom_gate.py"
    spec = importlib.util.spec_from_file_location("phantom_gate", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_disease_changes_texture_and_not_the_grey_statistics() -> None:
    features = gate().features
    films = {
        wish: [features(radiograph(500 + k, wish, SIZE)) for k in range(PERSONS)]
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
