"""What docs/architecture.md promises of the source: where a kind of image is named."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "konio"
WORDS = ("radiograph", "nodule")


def rows() -> list[tuple[str, str]]:
    """Word and pattern of every module that the page names."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Where a kind of image is named")[2].partition("\n## ")[0]
    found = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[0] in (*WORDS, "both"):
            words = WORDS if cells[0] == "both" else (cells[0],)
            found += [(word, name) for name in re.findall(r"`([^`]+)`", cells[1]) for word in words]
    return found


def named(word: str) -> set[str]:
    """Modules in which a word occurs: in names, strings, docstrings or comments."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for path in PACKAGE.rglob("*.py")
        if word in path.read_text(encoding="utf-8").casefold()
    }


def covers(pattern: str, module: str) -> bool:
    return fnmatchcase(module, pattern) or module.startswith(f"{pattern}/")


@pytest.mark.parametrize("word", WORDS)
def test_a_kind_of_image_is_named_only_where_the_page_allows(word: str) -> None:
    allowed = [pattern for own, pattern in rows() if own == word]
    assert allowed
    strangers = [m for m in sorted(named(word)) if not any(covers(p, m) for p in allowed)]
    assert not strangers, (
        f"{', '.join(strangers)}: say it without the word {word!r}, or name the room in docs/architecture.md and why"
    )


@pytest.mark.parametrize("word", WORDS)
def test_the_page_names_no_room_without_need(word: str) -> None:
    modules = named(word)
    idle = [p for own, p in rows() if own == word and not any(covers(p, m) for m in modules)]
    assert not idle, f"{', '.join(idle)}: no module says {word!r}; take it from the page"
