"""``konio models`` and ``konio doctor``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def shipped(monkeypatch, tiny: Path) -> None:
    monkeypatch.setattr("konio.networks.bundle.shipped_bundles", lambda: {"tiny": tiny})


@pytest.mark.usefixtures("shipped")
def test_list_names_kind_hash_and_questions(konio) -> None:
    result = konio("models", "list")
    name, kind, sha256, questions = result.out.rstrip("\n").split("\t")
    assert (name, kind, len(sha256)) == ("tiny", "radiograph-multitask", 12)
    assert "stage" in questions


def test_show_prints_the_card(konio, tiny) -> None:
    assert "# tiny" in konio("models", "show", tiny).out


def test_verify_finds_an_altered_bundle_and_goes_on(konio, tiny, tmp_path) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(tiny, altered)
    weights = altered / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    result = konio("models", "verify", altered, tiny)
    assert result.status == 1
    assert "altered" in result.err
    assert "unaltered" in result.out
    assert result.out.splitlines()[-1] == "1 verified, 1 failed"


@pytest.mark.usefixtures("shipped")
def test_doctor_names_versions_precision_models_and_remedies(konio) -> None:
    result = konio("doctor")
    for word in ("torch", "imagecodecs", "processor", "threads", "GPU", "tiny"):
        assert word in result.out
    assert result.status == 1  # the shipped models are hidden here
    (missing,) = [line for line in result.out.splitlines() if "konio-lungs" in line]
    assert "not installed; install konio again" in missing
