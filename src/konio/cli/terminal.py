"""What all commands share when they speak: counts, progress, sentences on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

Language = Literal["auto", "en", "zh"]


def say(text: str, *, to: TextIO | None = None) -> None:
    """One line, at once, whatever the terminal's character set can show."""
    stream = sys.stdout if to is None else to
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def complain(text: str) -> None:
    """One line on standard error."""
    say(text, to=sys.stderr)


def count_line(done: int, failed: int, verb: str, verb_zh: str, language: Language) -> str:
    """How many succeeded and failed, the last line of a command.

    Examples:
        >>> count_line(3, 1, "assessed", "已评估", "en")
        '3 assessed, 1 failed'
    """
    if language == "zh":
        return f"{verb_zh} {done}，失败 {failed}"
    return f"{done} {verb}, {failed} failed"


def duration(seconds: float) -> str:
    """A time to wait, in words.

    Examples:
        >>> duration(65), duration(7260)
        ('1 min 05 s', '2 h 01 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error, shown on a terminal only.

    Args:
        what: what is being done.
        total: number of steps, ``None`` if unknown.

    Yields:
        A function that moves the bar by ``steps`` (1 by default).
    """
    if not sys.stderr.isatty():
        yield lambda steps=1: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda steps=1: bars.advance(bar, steps)
