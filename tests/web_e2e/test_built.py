"""What the build makes: small enough, complete, and from a lock file that names no registry."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from tests.web_e2e.conftest import ROOT

from konio.report.words import WORDS
from konio.web.adjudication import State

STATIC = ROOT / "src" / "konio" / "web" / "static"
LARGEST_FIRST_PAGE = 1_000_000


class _Loaded(HTMLParser):
    """Collects what a page loads and refuses what its policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "link"):
            found = given.get("src") or given.get("href")
            (self.files if found else self.inline).append(found or tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


def _index() -> _Loaded:
    loaded = _Loaded()
    loaded.feed((STATIC / "index.html").read_text("utf-8"))
    return loaded


def _imported(script: Path, seen: set[Path]) -> set[Path]:
    """A script and everything it imports at once (not what it fetches when a page is opened)."""
    if script in seen:
        return seen
    seen.add(script)
    for name in re.findall(
        r"""(?:from|import)\s*["']\./([^"']+\.js)["']""", script.read_text("utf-8")
    ):
        _imported(script.parent / name, seen)
    return seen


def test_the_first_page_is_small() -> None:
    files: set[Path] = set()
    for name in _index().files:
        path = STATIC / name.lstrip("/")
        files |= _imported(path, set()) if path.suffix == ".js" else {path}
    sent = sum(path.with_name(path.name + ".gz").stat().st_size for path in files)
    assert 50_000 < sent <= LARGEST_FIRST_PAGE
    assert not any(
        "FilmPage" in path.name for path in files
    )  # the viewer comes when a film is opened


def test_nothing_runs_inline_and_nothing_comes_from_elsewhere() -> None:
    index = _index()
    assert index.inline == []
    assert index.files
    assert all(name.startswith("/assets/") for name in index.files)


def test_every_compressed_file_has_its_original() -> None:
    compressed = list(STATIC.rglob("*.gz"))
    assert compressed
    assert all(path.with_suffix("").exists() for path in compressed)


def test_the_lock_file_pins_by_content_and_names_no_host() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []


def test_the_page_knows_every_state_that_a_consensus_can_have() -> None:
    """A state without words would be an error of the whole page."""
    shapes = (ROOT / "frontend" / "src" / "api" / "shapes.ts").read_text("utf-8")
    (states,) = re.findall(r"interface Consensus \{\s+state: (.+)", shapes)
    assert set(re.findall(r"'([\w-]+)'", states)) == set(get_args(State))


@pytest.mark.parametrize("key", ["agree", "disagree", "one-change", "zones-doubtful"])
def test_the_room_says_of_an_answer_what_the_page_of_a_film_says(key: str) -> None:
    table = (ROOT / "frontend" / "src" / "words" / "table-film.ts").read_text("utf-8")
    (row,) = re.findall(rf"'machine\.{key}': \[\s*'(.+?)',\s*'(.+?)',?\s*\]", table)
    assert tuple(text.replace("’", "'") for text in row) == WORDS[key]


def test_every_package_may_be_handed_on() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text("utf-8"))
    licences = {entry.get("license") for name, entry in lock["packages"].items() if name}
    known = {
        "MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "CC0-1.0", "CC-BY-4.0",
        "MPL-2.0", "BlueOak-1.0.0", "MIT-0", "Python-2.0", "Unlicense", "(MIT OR CC0-1.0)", "Artistic-2.0",
    }  # fmt: skip
    assert licences <= known
