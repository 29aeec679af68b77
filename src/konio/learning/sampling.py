"""How often each training film is seen, against imbalance; one registry.

A sampler takes the class positions of the training part and gives the films of one epoch, by their places, each as
often as it is to be seen. It is given the training part only, after the split by patients: a film drawn ten times is
still one patient's, and none of its copies can stand on the other side (dossier 4.2 B2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import CohortError

Places = NDArray[np.int64]
Sampler = Callable[[NDArray[np.int64], Sequence[float], np.random.Generator], Places]


def as_they_are(
    labels: NDArray[np.int64], targets: Sequence[float], rng: np.random.Generator
) -> Places:
    """Every film once."""
    return np.arange(len(labels), dtype=np.int64)


def oversample(
    labels: NDArray[np.int64], targets: Sequence[float], rng: np.random.Generator
) -> Places:
    """Films of rare classes several times, until the classes stand in the ratio of the targets.

    No film is left out: the class that is most frequent against its target keeps its number, the others are
    filled up. Each film of a class is seen equally often, give or take once.

    Args:
        labels: ``(n,)`` class positions.
        targets: one number per class, above zero; only their ratio counts. The thesis' is 16 : 25 : 16 : 10.
        rng: draws which films are seen once more.

    Returns:
        ``(m,)`` places, ascending, m of n or more.

    Raises:
        CohortError: if a class has no film, or a target is not above zero.

    References:
        Paper B, table 2.3; dossier 4.2 T3, B2.

    Examples:
        >>> labels = np.repeat([0, 1, 2, 3], [316, 2533, 389, 79])
        >>> np.bincount(labels[oversample(labels, (16, 25, 16, 10), np.random.default_rng(0))]).tolist()
        [1621, 2533, 1621, 1013]
    """
    counts = _counts(labels, targets)
    unit = max(count / target for count, target in zip(counts, targets, strict=True))
    chosen = []
    for number, (count, target) in enumerate(zip(counts, targets, strict=True)):
        own = np.flatnonzero(labels == number)
        whole, rest = divmod(round(target * unit), count)
        chosen += [np.repeat(own, whole), rng.choice(own, rest, replace=False)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def undersample(
    labels: NDArray[np.int64], targets: Sequence[float], rng: np.random.Generator
) -> Places:
    """Films of frequent classes left out, until the classes stand in the ratio of the targets.

    Arguments and errors as for `oversample`; no film is seen twice.
    """
    counts = _counts(labels, targets)
    unit = min(count / target for count, target in zip(counts, targets, strict=True))
    chosen = [
        rng.choice(np.flatnonzero(labels == number), max(1, round(target * unit)), replace=False)
        for number, target in enumerate(targets)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _counts(labels: NDArray[np.int64], targets: Sequence[float]) -> list[int]:
    """Films of each class."""
    if len(targets) < 2 or not all(np.isfinite(t) and t > 0 for t in targets):
        raise CohortError(
            f"targets of sampling are one number above zero for each class, got {list(targets)}; correct the recipe"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(targets):
        raise CohortError(
            f"{len(targets)} targets of sampling do not fit classes {labels.min()} to {labels.max()}; "
            "give one for each class"
        )
    counts = np.bincount(labels, minlength=len(targets)).tolist()
    missing = [number for number, count in enumerate(counts) if not count]
    if missing:
        raise CohortError(
            f"the training part has no film of class {', '.join(map(str, missing))}, so that nothing can be drawn "
            "from it; add films of it, or leave the targets out"
        )
    return [int(count) for count in counts]


#: Samplers by name.
SAMPLERS: Final[Mapping[str, Sampler]] = MappingProxyType(
    {"as-they-are": as_they_are, "oversample": oversample, "undersample": undersample}
)
