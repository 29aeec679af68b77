"""One finished study of each kind, drawn from known distributions, for all tests of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from konio.studies.multitask import report_baselines, report_classes, report_effect
from konio.studies.multitask.report_runs import Evidence, read_evidence

from .. import made_up_study
from .reading import FOLDS, SEEDS


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (report_effect, report_classes, report_baselines):
        monkeypatch.setattr(module, "DRAWS", 200)


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "out"
    made_up_study.write(folder, films=240, folds=FOLDS, seeds=SEEDS)
    return folder


@pytest.fixture(scope="session")
def evidence(out: Path) -> Evidence:
    return read_evidence(out)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("real") / "out"
    made_up_study.write_real(folder)
    return read_evidence(folder)
