"""Films with lung masks, prepared once for the lung network and kept as bytes.

Two sources: pairs of a film and a mask of the same name (the Montgomery County set: Jaeger et al. 2014, Candemir et al.
2014), and made-up cohorts, whose ``cohort.csv`` names a lung mask for each film.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from konio.errors import CohortError
from konio.lungs.film import Letterbox, to_square
from konio.lungs.zones import sides_from_mask
from konio.networks.unet import UNET_SIDE

_PICTURES = (".png", ".jpg", ".jpeg")

#: Reads a film: path to ``(H, W)`` float32 in 0..1, bright bone.
ReadFilm = Callable[[Path], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class LungFilms:
    """Prepared films with the truth.

    Args:
        films: ``(N, S, S)`` uint8, windowed, 255 is white.
        sides: ``(N, S, S)`` uint8: 0 neither, 1 right lung, 2 left lung.
        names: where each came from.

    Raises:
        CohortError: if the three do not fit together.
    """

    films: NDArray[np.uint8]
    sides: NDArray[np.uint8]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.films.shape != self.sides.shape or len(self.names) != len(self.films):
            raise CohortError(
                f"{len(self.names)} names, films {self.films.shape} and masks {self.sides.shape} do not "
                "belong together; prepare them again"
            )

    def __len__(self) -> int:
        return len(self.films)

    def subset(self, which: Sequence[int]) -> LungFilms:
        """The films at these places."""
        places = np.asarray(which, np.intp)
        names = tuple(self.names[i] for i in places)
        return LungFilms(self.films[places], self.sides[places], names)

    @classmethod
    def none(cls, side: int = UNET_SIDE) -> LungFilms:
        """No films at all."""
        empty = np.zeros((0, side, side), np.uint8)
        return cls(empty, empty, ())


def read_film(path: Path) -> NDArray[np.float32]:
    """A film of any format that konio reads, ``(H, W)`` float32 in 0..1."""
    from konio.io import read

    return np.asarray(read(path).pixels, np.float32)


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A mask image; every pixel above zero is lung."""
    with Picture.open(path) as picture:
        return np.asarray(picture.convert("L")) > 0


def pairs_of_folders(films: Path, masks: Path) -> tuple[tuple[Path, Path], ...]:
    """Films and the masks of the same name, sorted by name.

    Raises:
        CohortError: if no film has a mask.
    """
    known = {path.stem: path for path in sorted(masks.glob("*")) if path.suffix in _PICTURES}
    found = [
        (path, known[path.stem])
        for path in sorted(films.glob("*"))
        if path.suffix.lower() in _PICTURES and path.stem in known
    ]
    if not found:
        raise CohortError(
            f"no film in {films} has a mask of its name in {masks}; check both folders"
        )
    return tuple(found)


def pairs_of_cohort(table: Path) -> tuple[tuple[Path, Path], ...]:
    """Films and masks that a ``cohort.csv`` names; cases without a mask are left out.

    Raises:
        CohortError: if no case has a mask.
    """
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(table.parent / r["path"], table.parent / r["lungs"]) for r in rows if r.get("lungs")]
    if not found:
        raise CohortError(f"no case of {table} has a mask in its column 'lungs'; add the masks")
    return tuple(found)


def prepare(
    pairs: Iterable[tuple[Path, Path]], read: ReadFilm = read_film, side: int = UNET_SIDE
) -> LungFilms:
    """Make the network's squares of films and masks.

    Args:
        pairs: film and mask, which share one field of view.
        read: how a film is read.
        side: of the squares.
    """
    prepared = [
        (_square_pair(read(film), read_mask(mask), side), film.stem) for film, mask in pairs
    ]
    if not prepared:
        return LungFilms.none(side)
    films, sides = (np.stack([pair[i] for pair, _ in prepared]) for i in (0, 1))
    return LungFilms(films, sides, tuple(name for _, name in prepared))


def _square_pair(
    film: NDArray[np.float32], mask: NDArray[np.bool_], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    square, box = to_square(film, side)
    return np.round(square * 255).astype(np.uint8), _square_sides(mask, box)


def _square_sides(mask: NDArray[np.bool_], box: Letterbox) -> NDArray[np.uint8]:
    size = (box.columns, box.rows)
    small = Picture.fromarray(mask.astype(np.uint8) * 255).resize(size, Picture.Resampling.BOX)
    right, left = sides_from_mask(np.asarray(small) > 127)
    return box.place((right + 2 * left).astype(np.uint8))


def prepare_cached(
    pairs: Sequence[tuple[Path, Path]], cache: Path, read: ReadFilm = read_film
) -> LungFilms:
    """`prepare`, kept in a file of ``cache`` under the names, sizes and times of what went in."""
    stamp = hashlib.sha256()
    for path in (path for pair in pairs for path in pair):
        about = path.stat()
        stamp.update(f"{path.resolve()} {about.st_size} {about.st_mtime_ns}\n".encode())
    kept = cache / f"lungs-{UNET_SIDE}-{stamp.hexdigest()[:16]}.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as data:
            return LungFilms(data["films"], data["sides"], tuple(data["names"].tolist()))
    prepared = prepare(pairs, read)
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part.npz")
    np.savez_compressed(
        part, films=prepared.films, sides=prepared.sides, names=np.array(prepared.names)
    )
    part.replace(kept)
    return prepared
