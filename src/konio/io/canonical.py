"""The one chain from stored words to canonical pixels: float32, 0..1, bright bone.

::

    stored word ─► value ─► modality LUT or rescale ─► VOI LUT or window ─► polarity ─► 0..1

A stored word has at most 16 bits, so the whole chain is worked out once for every possible word (a
table of at most 65536 numbers) and the pixels are looked up in it: one pass over the film,
whatever the header asks for.

A film without VOI LUT and without window is shown over the full scale of its depth; if it uses less than
half of that scale, over the range it uses (quantiles `USED_QUANTILES`), as a 12-bit film in 16-bit words
would be black otherwise.

References:
    DICOM PS3.3 C.7.6.3.1 (image pixel), C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 and
    C.11.6 (polarity); PS3.4 N.2 (order of the steps).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError

Float64s = NDArray[np.float64]
Words = NDArray[np.uint8] | NDArray[np.uint16]

#: The part of the film's own range that a film without VOI is shown over, where it uses little of the scale.
USED_QUANTILES: Final = (0.0005, 0.9995)

_CHUNK: Final = 65536  # pixels looked up at once: indices and results stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Depth:
    """How a word holds a value.

    Args:
        allocated: bits of a word, 8 or 16.
        stored: bits that carry the value, 1..allocated.
        high: position of the value's highest bit.
        signed: whether the value is two's complement.
        masked: other bits of the word are foreign (overlays) and cleared, as in uncompressed pixels;
            if false the word is a decoder's result and is clipped to the range of ``stored`` bits.

    Raises:
        RefusedError: ``bad-header`` if the numbers contradict one another.
    """

    allocated: int
    stored: int
    high: int
    signed: bool = False
    masked: bool = True

    def __post_init__(self) -> None:
        if (
            self.allocated not in (8, 16)
            or not 1 <= self.stored <= self.allocated
            or not self.stored - 1 <= self.high < self.allocated
        ):
            raise RefusedError(
                "bad-header",
                f"{self.stored} bits stored up to bit {self.high} of {self.allocated} allocated",
            )

    @property
    def span(self) -> tuple[int, int]:
        """Smallest and largest value."""
        half = 1 << (self.stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def values(self) -> NDArray[np.int32]:
        """Value of every possible word, ``(2 ** allocated,)``."""
        words = np.arange(1 << self.allocated, dtype=np.int32)
        modulus = 1 << self.stored
        if self.masked:
            shift = self.high + 1 - self.stored
            inner = (words >> shift) & (modulus - 1)
            return np.where(inner >= modulus >> 1, inner - modulus, inner) if self.signed else inner
        if self.signed:
            short = np.where((words >= modulus >> 1) & (words < modulus), words - modulus, words)
            words = np.where(words >= modulus, words - (1 << self.allocated), short)
        return np.clip(words, *self.span)


@dataclass(frozen=True, slots=True)
class Rescale:
    """Modality step ``slope * value + intercept`` (PS3.3 C.11.1.1.2).

    Raises:
        RefusedError: ``bad-header`` on a slope of zero or a number that is not finite.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept)) or self.slope == 0:
            raise RefusedError("bad-header", f"rescale slope {self.slope:g}")

    def __call__(self, values: NDArray[Any]) -> Float64s:
        """The rescaled values."""
        return values.astype(np.float64) * self.slope + self.intercept


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """A table of the header, for the modality or the VOI step (PS3.3 C.11.1.1, C.11.2.1.1).

    Args:
        entries: the table's values.
        first: the input that the first entry belongs to; inputs outside take the nearest entry.
        bits: bits of an entry, as declared.
    """

    entries: Float64s
    first: int
    bits: int

    def __post_init__(self) -> None:
        if self.entries.size == 0:
            raise RefusedError("bad-header", "a look-up table without entries")

    def __call__(self, values: NDArray[Any]) -> Float64s:
        """The entries that the values point to."""
        position = np.rint(values).astype(np.int64) - self.first
        return np.asarray(self.entries[np.clip(position, 0, self.entries.size - 1)])

    @property
    def full_scale(self) -> float:
        """Largest value the entries stand for.

        Headers that declare 16 bits for 8-bit or 12-bit entries are common: if the entries stay below half
        of the declared scale, the smallest scale of whole bits that holds them counts.
        """
        largest = float(self.entries.max())
        declared = float((1 << self.bits) - 1)
        if largest > declared / 2:
            return max(declared, largest)
        return float((1 << max(int(largest).bit_length(), 1)) - 1)


@dataclass(frozen=True, slots=True)
class Window:
    """Window centre, width and function (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Raises:
        RefusedError: ``bad-header`` on a width the function does not allow.
    """

    centre: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"

    def __post_init__(self) -> None:
        least = 1.0 if self.function == "LINEAR" else 0.0
        good = self.width >= least if self.function == "LINEAR" else self.width > least
        if not good or not np.isfinite(self.centre) or not np.isfinite(self.width):
            raise RefusedError("bad-header", f"window width {self.width:g}")

    def __call__(self, values: Float64s) -> Float64s:
        """The windowed values, 0..1."""
        if self.function == "SIGMOID":
            exponent = np.clip(-4 * (values - self.centre) / self.width, -700, 700)
            return np.asarray(1 / (1 + np.exp(exponent)))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.centre) / self.width + 0.5, 0, 1)
        if self.width == 1:  # the formula's limit: a step
            return (values > self.centre - 0.5).astype(np.float64)
        return np.clip((values - (self.centre - 0.5)) / (self.width - 1) + 0.5, 0, 1)


@dataclass(frozen=True, slots=True)
class Grayscale:
    """All steps of the chain as one header asks for them.

    Args:
        modality: rescale or table.
        voi: window, table or ``None``.
        inverse: whether the smallest value is to be shown white (MONOCHROME1).
    """

    modality: Rescale | Lut = field(default_factory=Rescale)
    voi: Window | Lut | None = None
    inverse: bool = False

    def table(self, depth: Depth, used: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Canonical brightness of every possible word, ``(2 ** allocated,)`` float32 in 0..1.

        Args:
            depth: how words hold values.
            used: smallest and largest value the film uses, for films without VOI; the whole span if ``None``.
        """
        values = self.modality(depth.values())
        if isinstance(self.voi, Window):
            shown = self.voi(values)
        elif isinstance(self.voi, Lut):
            shown = np.clip(self.voi(values) / self.voi.full_scale, 0, 1)
        else:
            low, high = self._range(depth, used or depth.span)
            shown = np.clip((values - low) / (high - low), 0, 1)
        return (1 - shown if self.inverse else shown).astype(np.float32)

    def _range(self, depth: Depth, used: tuple[int, int]) -> tuple[float, float]:
        if isinstance(self.modality, Lut):
            scale = (0.0, self.modality.full_scale)
        else:
            scale = _ordered(self.modality(np.array(depth.span)))
        within = _ordered(self.modality(np.array(used)))
        return within if 0 < within[1] - within[0] < (scale[1] - scale[0]) / 2 else scale


def _ordered(pair: Float64s) -> tuple[float, float]:
    return float(pair.min()), float(pair.max())


def used_range(words: Words, depth: Depth) -> tuple[int, int]:
    """Smallest and largest value a film uses, single odd pixels left aside.

    Measured on every fourth row and column of a large film.

    Args:
        words: ``(H, W)`` stored words.
        depth: how they hold values.
    """
    step = 4 if words.size > 1_000_000 else 1
    counts = np.bincount(words[::step, ::step].ravel(), minlength=1 << depth.allocated)
    values = depth.values()
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(counts[order]) / counts.sum()
    low, high = np.searchsorted(cumulated, USED_QUANTILES)
    return int(values[order[low]]), int(values[order[min(high, order.size - 1)]])


def canonical(
    words: Words, depth: Depth, grayscale: Grayscale, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Canonical pixels of a film.

    Args:
        words: ``(H, W)`` stored words, unsigned 8 or 16 bit, any byte order.
        depth: how words hold values.
        grayscale: the steps of the chain.
        out: where to put the result, ``(H, W)`` float32, or ``None`` for a new array.

    Returns:
        ``(H, W)`` float32 in 0..1, bright bone.
    """
    used = used_range(words, depth) if grayscale.voi is None else None
    table = grayscale.table(depth, used)
    if out is None:
        out = np.empty(words.shape, np.float32)
    source, target = words.reshape(-1), out.reshape(-1)
    for start in range(0, source.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        np.take(table, source[part], out=target[part], mode="clip")
    return out
