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


def test_every_model_that_is_shipped_is_verified_by_its_kind(konio) -> None:
    names = ("konio-radiograph", "konio-hierarchy", "konio-nodule", "konio-lungs")
    result = konio("models", "verify", *names)
    assert result.status == 0, result.err
    assert result.out.splitlines()[-1] == "4 verified, 0 failed"


def test_a_bundle_of_an_unknown_kind_is_refused_with_the_known_ones(konio, tiny, tmp_path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    facts = other / "bundle.json"
    facts.write_text(facts.read_text().replace("radiograph-multitask", "bone-age"))
    result = konio("models", "verify", other)
    assert result.status == 1
    assert "'bone-age'" in result.err
    assert "nodule-multitask" in result.err


@pytest.mark.usefixtures("shipped")
def test_doctor_says_a_missing_extra_of_a_model(konio, monkeypatch) -> None:
    def without(_: Path) -> str:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    monkeypatch.setattr("konio.cli.doctor.verified", without)
    (line,) = [line for line in konio("doctor").out.splitlines() if " tiny " in line]
    assert "transformers is not installed" in line


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql+pymysql://konio:hidden@127.0.0.1:1/konio", "does not answer; start it"),
        ("nonsense", "correct its address"),
        ("oracle://x/y", "driver is installed"),
    ],
)
def test_doctor_says_of_a_database_what_is_wrong(konio, monkeypatch, address, said) -> None:
    monkeypatch.setenv("KONIO_WEB_DATABASE", address)
    monkeypatch.setattr("konio.networks.bundle.shipped_bundles", dict)
    line = konio("doctor").out.splitlines()[-1]
    assert line.startswith("missing database")
    assert said in line
    assert "hidden" not in line


def test_doctor_looks_at_the_database_that_is_there(konio, monkeypatch, tmp_path) -> None:
    from konio.web.database import Database, migrate

    monkeypatch.setattr("konio.networks.bundle.shipped_bundles", dict)
    assert "made at the first start" in konio("doctor", "--data", tmp_path).out
    database = Database(f"sqlite:///{tmp_path / 'konio.db'}")
    migrate(database)
    database.close()
    line = konio("doctor", "--data", tmp_path).out.splitlines()[-1]
    assert line.startswith("ok      database")
    assert ", answers, tables 0" in line
