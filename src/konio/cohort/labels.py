"""From the words people write into tables to the class names of `konio.tasks`, and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from konio.errors import CohortError
from konio.tasks import PROFUSIONS, Task, TaskSet

#: What stands for "not known" besides an empty cell.
EMPTY: Final = frozenset({"", "na", "n/a", "nan", "null", "?"})
#: Further words for questions whose classes are ``absent`` and ``present``.
YES_NO: Final = MappingProxyType(
    {
        "0": "absent", "no": "absent", "false": "absent", "否": "absent",
        "1": "present", "yes": "present", "true": "present", "是": "present",
    }
)  # fmt: skip
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
#: What a spreadsheet makes of 1/1: 1-Jan, Jan-01, 2024/1/1, 1月1日.
_DATE: Final = re.compile(
    r"\d{4}[-/]\d+[-/]\d+|\d+-[a-z]{3}|[a-z]{3}-\d+|\d+月\d+日", re.IGNORECASE
)


def read_label(task: Task, text: str) -> str | None:
    """The class that a cell means.

    Names of classes and their English and Chinese words are understood, in any case and width; Roman
    numerals may be single characters (Ⅱ).

    Args:
        task: the question.
        text: the cell.

    Returns:
        A class of the task, or ``None`` for an empty cell.

    Raises:
        CohortError: if the cell means no class; the message lacks the place, which the caller adds.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES).strip().casefold()
    if plain in EMPTY:
        return None
    for answer in task.answers:
        if plain in (answer.name.casefold(), answer.en.casefold(), answer.zh):
            return answer.name
    if set(task.classes) == {"absent", "present"} and plain in YES_NO:
        return YES_NO[plain]
    remedy = f"use one of {', '.join(task.classes)} or leave the cell empty"
    if task.classes == PROFUSIONS and _DATE.search(plain):
        remedy += " (a spreadsheet turned a profusion into a date: format the column as text)"
    raise CohortError(f"{text!r} is no {task.name}; {remedy}")


def check_sense(tasks: TaskSet, labels: Mapping[str, str | None]) -> None:
    """Refuse labels that contradict each other (`Task.only_if`).

    Raises:
        CohortError: for example on a stage of a healthy person; the message lacks the place.
    """
    for task in tasks:
        if task.only_if is None or labels.get(task.name) is None:
            continue
        other, needed = task.only_if
        found = labels.get(other)
        if found is not None and found != needed:
            raise CohortError(
                f"{task.column} is {labels[task.name]!r} but {other} is {found!r}, and only {needed} has "
                f"a {task.column}; empty one of the two cells"
            )
