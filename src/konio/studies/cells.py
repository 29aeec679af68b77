"""Numbers as cells: how many digits are read, while the file keeps them all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from konio.report.words import Words
from konio.significance import Interval
from konio.studies.tables import EMPTY, Cell, Text

#: Below this a p value is printed as "< 0.001".
_SMALLEST_P = 0.001


def text(words: Text, *marks: str) -> Cell:
    """Words."""
    return Cell(words, marks=marks)


def empty(*marks: str) -> Cell:
    """Nothing to say."""
    return Cell(EMPTY, marks=marks)


def digits(value: float, places: int, *, percent: bool = False, sign: bool = False) -> str:
    """A number as people read it, with a true minus sign.

    Examples:
        >>> digits(0.94128, 1, percent=True), digits(-0.5, 2), digits(0.5, 1, sign=True)
        ('94.1', '−0.50', '+0.5')
    """
    if not math.isfinite(value):
        return EMPTY if math.isnan(value) else ("∞" if value > 0 else "−∞")
    shown = f"{100 * value if percent else value:.{places}f}"
    negative = shown.startswith("-") and float(shown) != 0
    plain = shown.lstrip("-")
    return ("−" if negative else "+" if sign and float(plain) > 0 else "") + plain


def number(
    value: float | None, places: int = 3, *, percent: bool = False, sign: bool = False
) -> Cell:
    """One number; nothing where it is ``None`` or not defined, a sign where it is infinite."""
    if value is None or math.isnan(value):
        return empty()
    if math.isinf(value):
        return Cell(digits(value, places))
    return Cell(digits(value, places, percent=percent, sign=sign), {"": value})


def count(value: int) -> Cell:
    """A whole number."""
    return Cell(f"{value:,}".replace(",", " "), {"": value})


def interval(
    found: Interval | None, places: int = 3, *, percent: bool = False, sign: bool = False
) -> Cell:
    """An estimate with its bounds."""
    if found is None or not math.isfinite(found.estimate):
        return empty()
    estimate, low, high = (digits(v, places, percent=percent, sign=sign) for v in found)
    return Cell(
        Words(f"{estimate} ({low} to {high})", f"{estimate}（{low}～{high}）"),
        {"": found.estimate, "low": found.low, "high": found.high},
    )


def spread(
    values: Sequence[float], places: int = 2, *, percent: bool = False, sign: bool = False
) -> Cell:
    """Mean ± standard deviation (divisor n - 1); the mean alone of a single value."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return empty()
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return Cell(digits(mean, places, percent=percent, sign=sign), {"": mean, "sd": None})
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))
    shown = f"{digits(mean, places, percent=percent, sign=sign)} ± {digits(sd, places, percent=percent)}"
    return Cell(shown, {"": mean, "sd": sd})


def p_value(p: float | None) -> Cell:
    """A p value with three digits; ``< 0.001`` where it is smaller.

    Examples:
        >>> p_value(0.0216).text, p_value(1e-9).text
        ('0.022', '< 0.001')
    """
    if p is None or not math.isfinite(p):
        return empty()
    return Cell("< 0.001" if p < _SMALLEST_P else f"{p:.3f}", {"": p})
