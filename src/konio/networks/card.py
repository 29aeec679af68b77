"""The model card: the facts of a bundle for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from konio.records import NOTICE

#: Part of ``cohort`` that tells films from others and people nothing (`konio.learning.remembered`); the card leaves it out.
FILMS: Final = "films_sha256"


def model_card(facts: Mapping[str, Any], weights_sha256: str, size: int) -> str:
    """``MODEL_CARD.md`` of a bundle.

    Args:
        facts: content of ``bundle.json``.
        weights_sha256: hash of the weights.
        size: bytes of the weights.
    """
    sections = [
        f"# {facts['name']}",
        f"{NOTICE}\n\n{facts['intended_use']}",
        "## What it is",
        _table(
            {
                "kind": facts["kind"],
                "weights": f"{size / 1e6:.1f} MB, SHA-256 `{weights_sha256}`",
                "licence": facts["licence"],
                "written by": f"konio {facts['konio_version']}",
                "cut point": facts["cut_point"],
            }
        ),
    ]
    if facts["tasks"]:
        answers = {name: ", ".join(classes) for name, classes in facts["tasks"].items()}
        sections += ["## Questions it answers", _table(answers)]
    chapters = {
        "Cases it learned from": "cohort",
        "What was measured": "metrics",
        "How a film is prepared": "preprocessing",
        "Calibration temperatures": "temperatures",
        "Architecture": "architecture",
        "Recipe": "recipe",
    }
    for title, key in chapters.items():
        if facts[key]:
            sections += [f"## {title}", _table(dict(_flat(facts[key])))]
    return "\n\n".join(section for section in sections if section) + "\n"


def _flat(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in plain.items():
        if key == FILMS:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _table(rows: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in rows.items() if value is not None}
    if not shown:
        return ""
    lines = [f"| {key} | {_cell(value)} |" for key, value in shown.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
