"""What every engine promises, and what one piece of work is."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from konio.errors import KonioError, UsageError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that gave no result.

    Args:
        reason: one sentence.
        detail: traceback, or what is known of a process that died.
        attempts: how often it was tried; more than once only where a process died.
        died: whether a process or machine went away under it, so that the item itself may be sound.
    """

    reason: str
    detail: str = ""
    attempts: int = 1
    died: bool = False


class Engine(Protocol):
    """Runs one function over many items, several at a time."""

    @property
    def workers(self) -> int:
        """Items that run at the same time."""

    def run(self, function: str, items: Sequence[Json]) -> Iterator[tuple[int, Any | Failure]]:
        """Results as they finish.

        Args:
            function: ``module:name`` of a function from one JSON document to another; importable where it runs.
            items: the documents.

        Yields:
            Position of the item and what the function gave, or a `Failure`. An exception in the function is a
            failure at once; an item whose process died is tried again before it is one. Closing the iterator
            (Ctrl-C does) stops what is running.
        """


def resolve(function: str) -> Callable[..., Any]:
    """The function behind ``module:name``.

    Raises:
        UsageError: if there is none.

    Examples:
        >>> resolve("math:sqrt")(9.0)
        3.0
    """
    module, _, name = function.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{function!r} names no function ({error}); write module:name of one that can be imported"
        ) from error
    if not callable(found):
        raise UsageError(f"{function!r} is no function; write module:name of one")
    return found  # type: ignore[no-any-return]


def attempt(function: str, item: Json) -> dict[str, Any]:
    """Call the function and say what came of it, as JSON.

    Returns:
        ``{"result": ...}``, or ``{"failure": sentence, "detail": traceback}``.
    """
    try:
        return {"result": resolve(function)(item)}
    except KonioError as error:
        reason = str(error)
    except Exception as error:  # whatever a trial does wrong must not end the others
        reason = f"an unexpected {type(error).__name__} ({error}); see the detail"
        return {"failure": reason, "detail": traceback.format_exc()}
    return {"failure": reason, "detail": ""}


def outcome(reply: Mapping[str, Any], attempts: int = 1) -> Any | Failure:
    """What `attempt` said, as a result or a `Failure`."""
    if "failure" in reply:
        return Failure(str(reply["failure"]), str(reply.get("detail", "")), attempts)
    return reply["result"]
