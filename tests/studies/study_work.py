"""Trials of studies under test; a module of its own so that other processes can import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from konio.errors import CohortError


def square(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Counts its starts in a file beside the study, and squares a number."""
    with (folder.parents[1] / "starts.txt").open("a") as log:
        log.write(f"{folder.name}\n")
    time.sleep(settings.get("seconds", 0.0))
    if settings.get("fails"):
        raise CohortError("there are no films; add rows")
    return {"square": settings["number"] ** 2, "score": settings["number"] / 10}


def killed_midway(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Saves a state, kills its own process the first two times, and goes on from the state."""
    state = folder / "state.txt"
    step = int(state.read_text()) if state.exists() else 0
    state.write_text(str(step + 1))
    if settings["dies"] and step < 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": settings["number"] ** 2, "steps_before": step}
