"""Nothing of the test side may have been seen in training: no patient, no file, no pixels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from konio.errors import CohortError
from konio.records import Case

#: How many offenders a message names.
NAMED: Final = 5


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes; of a folder, over the hashes of its files, whatever they are called.

    Raises:
        CohortError: if it cannot be read.
    """
    place = Path(path)
    try:
        if place.is_dir():
            inner = sorted(sha256_of(file) for file in place.rglob("*") if file.is_file())
            return hashlib.sha256("".join(inner).encode()).hexdigest()
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as why:
        raise CohortError(
            f"{place} cannot be read ({why.strerror}); check that every file of the cohort is there"
        ) from why


def check_leakage(
    train: Iterable[Case],
    test: Iterable[Case],
    pixel_hash: Callable[[str], str] | None = None,
) -> None:
    """Refuse a split with the same patient or the same pixels on both sides.

    Args:
        train: cases that are learned from.
        test: cases that are measured on.
        pixel_hash: path to a hash of the decoded pixels; finds films that were saved again in another
            format. Without it the bytes of the files are compared.

    Raises:
        CohortError: naming the patients or files on both sides.
    """
    left, right = tuple(train), tuple(test)
    shared = sorted({c.patient_id for c in left} & {c.patient_id for c in right})
    if shared:
        raise CohortError(
            f"{len(shared)} patients stand on both sides of the split: {_named(shared)}; "
            "split by patient_id"
        )
    pairs = _same(left, right, sha256_of, by_size=True)
    if not pairs and pixel_hash is not None:
        pairs = _same(left, right, pixel_hash, by_size=False)
    if pairs:
        names = [f"{a} = {b}" for a, b in pairs]
        raise CohortError(
            f"{len(pairs)} images have the same pixels on both sides of the split: {_named(names)}; "
            "give both rows the same patient_id or remove one"
        )


def _same(
    left: Sequence[Case], right: Sequence[Case], digest: Callable[[str], str], *, by_size: bool
) -> list[tuple[str, str]]:
    """Pairs of paths with equal digests; files of a size that only one side has are not opened."""
    if by_size:
        sizes = {_size(c.path) for c in left} & {_size(c.path) for c in right}
        left = [c for c in left if _size(c.path) in sizes]
        right = [c for c in right if _size(c.path) in sizes]
    seen = defaultdict(list)
    for case in left:
        seen[digest(case.path)].append(case.path)
    return [(path, case.path) for case in right for path in seen.get(digest(case.path), ())]


def _size(path: str) -> int:
    place = Path(path)
    return place.stat().st_size if place.is_file() else -1


def _named(names: Sequence[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
