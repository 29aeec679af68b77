"""Zone textures of some films of a store, as one piece of work for an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from konio.features.texture import texture_table
from konio.learning.store import read_store


def measure(item: Mapping[str, Any]) -> list[list[float]]:
    """Textures of the films ``first`` to ``end`` (exclusive) of the store in ``folder``.

    Returns:
        One row of numbers for each film; zeros where the film was refused.
    """
    store = read_store(Path(item["folder"]), [item["side"]])
    rows = range(item["first"], item["end"])
    table = texture_table(store.images[item["side"]], store.zones, rows)
    found: list[list[float]] = table.tolist()
    return found
