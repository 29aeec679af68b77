"""A small shortcut gate: grey statistics of the whole film say nothing, texture of the zones does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from konio.phantom import WISHES


def gate() -> ModuleType:
    file = Path(__file__).parents[2] / "benchmarks" / "phantom_gate.py"
    spec = importlib.util.spec_from_file_location("phantom_gate", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_classes_cannot_be_told_from_grey_statistics() -> None:
    module = gate()
    rows = [module.one((77, k, WISHES[k % 6], 320)) for k in range(120)]
    scores = module.table(rows, repeats=3)
    chance = 1 / 6
    assert scores["whole image"]["six classes"] < chance + 0.12
    assert scores["zone texture"]["six classes"] > chance + 0.08
    assert scores["zone texture"]["stage"] > 0.25 + 0.10
