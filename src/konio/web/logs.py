"""The log: one JSON object a line on standard error, without names of patients, files or people.

What may appear is the event's name, numbers of rows, the route's pattern (never the path), status and time.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

_LOGGER: Final = logging.getLogger("konio.web")
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

#: Everything that may stand beside an event; whatever else is given is dropped.
FIELDS: Final = frozenset(
    {
        "request", "method", "route", "status", "ms", "account", "job", "case", "counted", "seconds",
        "error", "detail", "worker", "host", "port", "head", "events", "removed", "version", "database",
        "engine", "exit",
    }
)  # fmt: skip
_DETAIL_LETTERS: Final = 300


def log(event: str, *, level: Literal["info", "warning", "error"] = "info", **fields: Any) -> None:
    """Writes one line.

    Args:
        event: a dotted name.
        level: how serious.
        fields: some of `FIELDS`; others are left out rather than trusted.
    """
    kept = {name: value for name, value in fields.items() if name in FIELDS}
    if "detail" in kept:
        kept["detail"] = str(kept["detail"])[:_DETAIL_LETTERS]
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"at": at, "level": level, "event": event, **kept}, ensure_ascii=True)
    _LOGGER.log(_LEVELS[level], line)


def where(error: BaseException) -> str:
    """Kind and place of an error; not its text, which may quote a patient."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_qualname} line {trace.tb_lineno}"


def configure() -> None:
    """Sends the log to standard error; called by the commands, never by the library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
