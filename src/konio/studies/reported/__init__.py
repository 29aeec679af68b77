"""What the papers print: one TOML per paper, one fact once, every flaw a footnote and never a silent correction.

The file of a paper holds ``[paper]``, ``[units]``, ``[flaws.KEY]`` (a sentence in two languages) and ``[values...]``: tables of
facts, each an inline table with ``value`` and, where printed, ``sd``, ``low``, ``high``; ``printed`` where the paper's own spelling
matters, with ``printed_zh`` where it is words; ``implied`` where arithmetic from other printed numbers gives another value;
``flaws`` with keys of footnotes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from konio.errors import UsageError
from konio.report.words import Words
from konio.studies.cells import digits, empty
from konio.studies.tables import Cell, Text

#: Papers by the study that repeats them.
PAPERS: Final = ("multitask", "hierarchy", "nodules")

_FIELDS: Final = {"value", "sd", "low", "high", "printed", "printed_zh", "implied", "flaws"}


@dataclass(frozen=True, slots=True)
class Published:
    """One printed fact, in the unit of its table.

    Args:
        value: the number; ``None`` where only words are printed.
        sd: printed standard deviation.
        low: printed lower bound.
        high: printed upper bound.
        printed: the paper's own spelling where it matters, else ``""``.
        printed_zh: the same in Chinese, where it is words.
        implied: what other printed numbers make of it, where that differs.
        flaws: keys of `Reported.flaws`.
    """

    value: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    printed: str = ""
    printed_zh: str = ""
    implied: float | None = None
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """Everything one paper prints that a study compares itself with.

    Args:
        name: one of `PAPERS`.
        paper: bibliographic facts (``authors``, ``title``, ``citation`` ...).
        units: first part of a fact's path to ``percent``, ``fraction`` or another unit.
        facts: path to fact, in the order of the file.
        flaws: key to sentence.
    """

    name: str
    paper: Mapping[str, str]
    units: Mapping[str, str]
    facts: Mapping[tuple[str, ...], Published]
    flaws: Mapping[str, Words]

    def __getitem__(self, path: str) -> Published:
        """A fact by its dotted path, such as ``table-4.accuracy.mean.single``.

        Raises:
            UsageError: if the paper does not print it.
        """
        fact = self.get(path)
        if fact is None:
            raise UsageError(
                f"{path!r} is no published number of {self.name!r}; see studies/reported/{self.name}.toml"
            )
        return fact

    def get(self, path: str) -> Published | None:
        """The same, or ``None``."""
        return self.facts.get(_split(path))

    def below(self, path: str) -> dict[str, Published]:
        """All facts directly below a path: last part to fact, in the order of the file."""
        start = _split(path)
        return {key[-1]: fact for key, fact in self.facts.items() if key[:-1] == start}

    def cell(self, path: str, places: int = 2) -> Cell:
        """A fact as a cell with its footnotes; an empty cell where the paper prints nothing.

        Args:
            path: dotted.
            places: digits after the point.
        """
        fact = self.get(path)
        return empty() if fact is None else published_cell(fact, places)

    @property
    def footnotes(self) -> Mapping[str, Text]:
        """The flaws, as `konio.studies.tables.Table` takes them."""
        return dict(self.flaws)

    @property
    def source(self) -> str:
        """Where the numbers were printed, in one line."""
        return f"{self.paper['authors']} {self.paper['title']}. {self.paper['citation']}."

    @property
    def source_zh(self) -> str:
        """The same in Chinese, as far as the file of the paper tells."""
        title, citation = (
            self.paper.get(f"{key}_zh", self.paper[key]) for key in ("title", "citation")
        )
        return f"{self.paper['authors']} {title}。{citation}。"


def published_cell(fact: Published, places: int = 2) -> Cell:
    """A printed fact as a cell; the paper's own spelling where it matters.

    Of a fact that is printed as a bound to one side (``P < 0.001``) the file holds the spelling: the bound is not the number.
    """
    numbers = {"": fact.value, "sd": fact.sd, "low": fact.low, "high": fact.high}
    known = {key: number for key, number in numbers.items() if number is not None}
    if len(known) == 1 and "" not in known:
        known = {}
    return Cell(_spelt(fact, places), known, fact.flaws)


def _spelt(fact: Published, places: int) -> Text:
    if fact.printed_zh:
        return Words(fact.printed, fact.printed_zh)
    if fact.printed or fact.value is None:
        return fact.printed or empty().text
    value = digits(fact.value, places)
    if fact.low is not None and fact.high is not None:
        low, high = digits(fact.low, places), digits(fact.high, places)
        return Words(f"{value} ({low} to {high})", f"{value}（{low}～{high}）")
    return value if fact.sd is None else f"{value} ± {digits(fact.sd, places)}"


@cache
def read(name: str) -> Reported:
    """The published numbers of a paper.

    Args:
        name: one of `PAPERS`.

    Raises:
        UsageError: if there is no such paper.
    """
    if name not in PAPERS:
        raise UsageError(f"paper {name!r} is unknown; known papers: {', '.join(PAPERS)}")
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8")
    plain = tomllib.loads(text)
    flaws = {key: Words(one["en"], one["zh"]) for key, one in plain["flaws"].items()}
    facts: dict[tuple[str, ...], Published] = {}
    _collect((), plain["values"], facts)
    for path, fact in facts.items():
        unknown = set(fact.flaws) - set(flaws)
        if unknown or path[0] not in plain["units"]:
            raise UsageError(
                f"{name}.toml: {'.'.join(path)} has unknown flaws {sorted(unknown)} or no unit; correct the file"
            )
    return Reported(name, plain["paper"], plain["units"], facts, flaws)


def _collect(
    path: tuple[str, ...], plain: Mapping[str, Any], facts: dict[tuple[str, ...], Published]
) -> None:
    if not any(isinstance(part, dict) for part in plain.values()):
        unknown = set(plain) - _FIELDS
        if unknown or not plain:
            raise UsageError(
                f"{'.'.join(path)} has the unknown fields {sorted(unknown)}; use {sorted(_FIELDS)}"
            )
        facts[path] = Published(**{**plain, "flaws": tuple(plain.get("flaws", ()))})
        return
    for key, part in plain.items():
        _collect((*path, key), part, facts)


def _split(path: str) -> tuple[str, ...]:
    """Parts of a dotted path; a drop-out rate keeps its point: ``table-2.stage.0:75.accuracy``."""
    return tuple(part.replace(":", ".") for part in path.split("."))
