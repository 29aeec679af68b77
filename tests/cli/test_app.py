"""The command line as a whole: quick help, examples, exit status, one sentence for an error."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from konio import __version__
from konio.cli import app as app_module
from konio.cli.app import app
from konio.cli.extras import OPTIONAL
from konio.errors import BundleError, UsageError

HEAVY = (
    "torch",
    "numpy",
    "scipy",
    "pydicom",
    "monai",
    "lightning",
    "matplotlib",
    "PIL",
    "pydantic",
)


def commands() -> list[list[str]]:
    """Every command as words."""
    group = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        found += [[name, inner] for inner in below] if below else [[name]]
    return found


def test_every_promised_command_is_there() -> None:
    names = {" ".join(words) for words in commands()}
    assert names >= {
        "assess", "train", "evaluate", "phantom radiograph", "phantom implant",
        "models list", "models show", "models verify", "doctor",
    }  # fmt: skip


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_help_has_an_example_of_its_own_command(konio, words: list[str]) -> None:
    result = konio(*words, "--help")
    assert result.status == 0
    assert "Example" in result.out
    assert f"konio {' '.join(words)}" in result.out.split("Example")[1]


def test_help_imports_nothing_heavy_and_is_quick() -> None:
    script = (
        "import sys, time; start = time.process_time()\n"
        "from konio.cli.app import run\n"
        "run(['--help'], debug=False)\n"
        f"print(time.process_time() - start, [n for n in {HEAVY} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    seconds, _, loaded = done.stdout.splitlines()[-1].partition(" ")
    assert loaded == "[]"
    assert float(seconds) < 0.5


def test_version(konio) -> None:
    assert konio("--version").out == f"konio {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["assess"],
        ["assess", "x.dcm", "--no-such-option"],
        ["phantom", "radiograph", "--cases", "many", "--out", "x"],
        ["assess", "x.dcm", "--engine", "slurm"],
        ["worker", "--address", "auto"],
        ["assess", "x.dcm", "--lang", "fr"],
        ["assess", "x.dcm", "--format", "pdf"],
        ["assess", "x.dcm", "--format", "page"],
        ["assess", "x.dcm", "--model", "no-such-model"],
        ["models", "show", "no-such-model"],
        ["phantom", "radiograph", "--mix", "healthy", "--out", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_one_sentence(konio, words: list[str]) -> None:
    result = konio(*words)
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("konio: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err


def test_without_words_the_help_is_shown_as_wrong_usage(konio) -> None:
    result = konio()
    assert result.status == 2
    assert "Commands:" in result.err


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (BundleError("the weights were altered; get the bundle again"), 1, "the weights were"),
        (UsageError("there is no such thing; name another"), 2, "there is no such"),
        (ZeroDivisionError("division by zero"), 1, "unexpected ZeroDivisionError"),
        (OSError(28, "No space left on device"), 1, "the output cannot be used"),
        (KeyboardInterrupt(), 130, "was stopped"),
    ],
)
def test_errors_become_one_sentence(konio, monkeypatch, error, status, sentence) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("konio.cli.doctor._versions", fail)
    result = konio("doctor")
    assert result.status == status
    assert sentence in result.err
    assert result.err.count("\n") == 1


def test_a_traceback_only_with_debug(monkeypatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("konio.cli.doctor._versions", fail)
    with pytest.raises(ZeroDivisionError):
        app_module.main(["doctor", "--debug"])


def test_a_package_that_an_extra_brings_is_named_with_the_extra(konio, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers.models")

    monkeypatch.setattr("konio.networks.find_bundle", fail)
    result = konio("models", "show", "konio-nodule")
    assert result.status == 1
    assert result.err == (
        "konio: this needs transformers, which is not installed; pip install 'konio[nodules]'\n"
    )


def test_every_optional_package_stands_in_the_extra_that_is_named() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    for module, optional in OPTIONAL.items():
        name = {"argon2": "argon2-cffi"}.get(module, module)
        assert any(line.startswith(name) for line in extras[optional.extra]), module
