"""Numbers as cells: how many digits are read, while the file keeps them all, in the unit that is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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
    """One number; nothing where it is ``None`` or not defined, a sign where it is infinite.

    Examples:
        >>> number(0.7845, 1, percent=True).numbers
        {'': 78.45}
    """
    if value is None or math.isnan(value):
        return empty()
    if math.isinf(value):
        return Cell(digits(value, places))
    return Cell(digits(value, places, percent=percent, sign=sign), {"": _scaled(value, percent)})


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
        dict(zip(("", "low", "high"), (_scaled(v, percent) for v in found), strict=True)),
    )


def _scaled(value: float, percent: bool) -> float:
    """A share in the unit that its cell is read in."""
    return 100 * value if percent else value


def telling_places(intervals: Iterable[Interval], least: int = 1, *, percent: bool = False) -> int:
    """Digits after the point at which no bound of these intervals is read as 0 without being 0, three at most.

    Examples:
        >>> telling_places([Interval(-0.7, -1.6, 0.02)]), telling_places([Interval(-1.9, -3.3, -0.8)])
        (2, 1)
    """
    bounds = [_scaled(bound, percent) for found in intervals for bound in found[1:]]
    known = [bound for bound in bounds if bound and math.isfinite(bound)]
    for places in range(least, 3):
        if all(float(f"{bound:.{places}f}") for bound in known):
            return places
    return 3


def spread(
    values: Sequence[float], places: int = 2, *, percent: bool = False, sign: bool = False
) -> Cell:
    """Mean ± standard deviation (divisor n - 1); the mean alone of a single value."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return empty()
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        alone = {"": _scaled(mean, percent), "sd": None}
        return Cell(digits(mean, places, percent=percent, sign=sign), alone)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))
    shown = f"{digits(mean, places, percent=percent, sign=sign)} ± {digits(sd, places, percent=percent)}"
    return Cell(shown, {"": _scaled(mean, percent), "sd": _scaled(sd, percent)})


def p_value(p: float | None) -> Cell:
    """A p value with three digits; ``< 0.001`` where it is smaller.

    Examples:
        >>> p_value(0.0216).text, p_value(1e-9).text
        ('0.022', '< 0.001')
    """
    if p is None or not math.isfinite(p):
        return empty()
    return Cell("< 0.001" if p < _SMALLEST_P else f"{p:.3f}", {"": p})
