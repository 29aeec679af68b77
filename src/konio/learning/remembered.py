"""Which films a model has learned from, as its bundle tells it: enough to find one of them again, and nothing else.

Of each film the first eight bytes of two kinds of SHA-256 are kept: of its file, and of its pixels as they were prepared. The first
finds the same file under any table and any version of konio, the second the same film under another header or compressed without
loss, as long as films are prepared alike. Whoever has no such film learns nothing from them.

What is remembered of other images is said where they are learned from; it is kept and found the same way.

References:
    docs/decisions/0047.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from konio.cohort import Cohort
from konio.cohort.leakage import sha256_of
from konio.errors import CohortError
from konio.learning.store import Store
from konio.networks.bundle import FACTS
from konio.networks.card import FILMS

#: Bytes that are kept of a hash. Among 100,000 films against as many, two different ones agree by chance once in 10^9 times.
_KEPT: Final = 8
#: Hashes that a bundle holds at most; of more films the smallest hashes are kept, which are a fair sample.
MOST: Final = 1 << 18


def remembered(cohort: Cohort, store: Store, pretrained: str = "") -> str:
    """What a bundle keeps of the films it learned from.

    A file that went away since it was prepared is remembered by its pixels alone: no training fails at its end for that.

    Args:
        cohort: every film that was learned from or looked at in training.
        store: the same films prepared.
        pretrained: the first weights; where they are a bundle, its films count too.

    Returns:
        Base64 of the sorted hashes, eight bytes each.
    """
    pixels = (each for side in store.images for each in of_pixels(store, side))
    files = _of_those_there(case.path for case in cohort)
    return packed(chain(files, pixels), pretrained)


def mark(content: bytes) -> bytes:
    """What is kept of something: the first eight bytes of its SHA-256."""
    return hashlib.sha256(content).digest()[:_KEPT]


def packed(marks: Iterable[bytes], pretrained: str = "") -> str:
    """The record of a bundle, out of what is to be known again.

    Args:
        marks: eight bytes each; of more than `MOST` the smallest are kept.
        pretrained: the first weights; what these have learned from counts too.

    Returns:
        Base64 of the sorted marks.
    """
    found = sorted({*unpacked(learned_before(pretrained)), *marks})[:MOST]
    return base64.b64encode(b"".join(found)).decode("ascii")


def unpacked(learned: str) -> set[bytes]:
    """The marks of a record; none where it is empty or damaged."""
    try:
        whole = base64.b64decode(learned, validate=True)
    except (binascii.Error, ValueError):
        return set()
    return {whole[k : k + _KEPT] for k in range(0, len(whole), _KEPT)}


def in_common(learned: str, films: Callable[[], Iterable[bytes]]) -> int:
    """How many films a model has learned from.

    Args:
        learned: what `remembered` gave; nothing is found where it is empty, as in bundles of before.
        films: gives the hashes of the films in question; not asked where nothing is kept.
    """
    known = unpacked(learned)
    return sum(each in known for each in films()) if known else 0


def learned_films(cohort: Mapping[str, Any]) -> str:
    """The record in a bundle's ``cohort``; empty where there is none."""
    return str(cohort.get(FILMS, ""))


def learned_before(pretrained: str) -> str:
    """The record of first weights; empty for published ones and where their bundle keeps none.

    Args:
        pretrained: a bundle, a run that has ended in one, or a file in either of them.
    """
    place = Path(pretrained)
    if not pretrained or not place.exists():
        return ""
    from konio.learning.training import BUNDLE  # which itself needs this room

    folder = place if place.is_dir() else place.parent
    for facts in (folder / FACTS, folder / BUNDLE / FACTS):
        if facts.is_file():
            return learned_films(json.loads(facts.read_text("utf-8"))["cohort"])
    return ""


def of_files(paths: Iterable[str]) -> Iterator[bytes]:
    """Hash of each file."""
    return (bytes.fromhex(sha256_of(path))[:_KEPT] for path in paths)


def _of_those_there(paths: Iterable[str]) -> Iterator[bytes]:
    for path in paths:
        with suppress(CohortError):
            yield from of_files([path])


def of_pixels(store: Store, side: int) -> Iterator[bytes]:
    """Hash of each usable film as it is prepared at one size."""
    images = store.images[side]
    return (mark(images[row].tobytes()) for row in np.flatnonzero(store.ready))
