"""Work for engines under test; a module of its own so that other processes can import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from konio.errors import CohortError


def double(item: dict[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * item["number"]}


def late(item: dict[str, Any]) -> float:
    time.sleep(item["seconds"])
    return float(item["seconds"])


def talkative(item: dict[str, Any]) -> str:
    print("this is no reply", flush=True)  # noqa: T201
    return "quiet"


def fails(item: dict[str, Any]) -> None:
    if item["how"] == "konio":
        raise CohortError("the table is empty; add rows")
    if item["how"] == "set":
        return {1, 2}  # type: ignore[return-value]
    raise ZeroDivisionError("by nothing")


def dies_once(item: dict[str, Any]) -> str:
    """Kills its own process the first time, as the kernel does when memory is short."""
    mark = Path(item["mark"])
    if item["dies"] and not (mark.exists() and item["once"]):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def waits(item: dict[str, Any]) -> None:
    """Leaves its process id behind and waits for ever."""
    Path(item["pid"]).write_text(str(os.getpid()))
    time.sleep(600)


def threads(item: dict[str, Any]) -> list[str]:
    time.sleep(item.get("seconds", 0.3))  # long enough that another process gets the other item
    return [os.environ["OMP_NUM_THREADS"], str(os.getpid())]
