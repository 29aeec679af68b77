"""Running commands inside this process, and what they leave behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Result:
    """Exit status and what was said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def konio(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs ``konio`` with these words."""
    from konio.cli.app import main

    def call(*words: str | Path) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return Result(int(left.value.code or 0), said.out, said.err)

    return call


@pytest.fixture(scope="session")
def tiny(make_bundle: Callable[..., Path]) -> Path:
    """A tiny model that answers every question."""
    return make_bundle()
