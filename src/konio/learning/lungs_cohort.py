"""Films with lung masks, prepared once for the lung network and kept as bytes.

Made-up patients of every class, drawn from a seed, and pairs of a real film and its mask: two folders with the same names
(the Montgomery County set: Jaeger et al. 2014, Candemir et al. 2014) or a ``cohort.csv`` with a column ``lungs``.
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
from konio.lungs.film import WINDOW_PERCENTILES, Letterbox, to_square
from konio.lungs.zones import sides_from_mask
from konio.networks.unet import UNET_SIDE
from konio.phantom import RECIPE, WISHES, radiograph

_PICTURES = (".png", ".jpg", ".jpeg")

#: Reads a film: path to ``(H, W)`` float32 in 0..1, bright bone.
ReadFilm = Callable[[Path], NDArray[np.float32]]

#: Masks of the patient's right and left lung.
Sides = tuple[NDArray[np.bool_], NDArray[np.bool_]]

_Pair = tuple[NDArray[np.float32], Sides, str]


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
    def none(cls) -> LungFilms:
        """No films at all."""
        empty = np.zeros((0, UNET_SIDE, UNET_SIDE), np.uint8)
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


def prepare_pairs(
    pairs: Sequence[tuple[Path, Path]], cache: Path | None = None, read: ReadFilm = read_film
) -> LungFilms:
    """Make the network's squares of films and their masks.

    Args:
        pairs: film and mask, which share one field of view.
        cache: folder in which they are kept under the names, sizes and times of what went in.
        read: how a film is read.
    """
    stamp = "".join(
        f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}\n"
        for pair in pairs
        for path in pair
    )
    made = ((read(film), sides_from_mask(read_mask(mask)), film.stem) for film, mask in pairs)
    return _kept(cache, f"pairs {stamp}", made)


def prepare_phantoms(
    count: int, seed: int, size: int = 384, cache: Path | None = None, wish: str | None = None
) -> LungFilms:
    """Draw made-up patients, all classes in turn, and make the network's squares of them.

    Args:
        count: how many.
        seed: of the first; film ``i`` has a generator of its own.
        size: pixels a side at which they are drawn.
        cache: folder in which they are kept under count, seed, size and recipe.
        wish: one of `konio.phantom.WISHES`; all in turn where ``None``.
    """
    made = (_phantom(seed, i, size, wish) for i in range(count))
    return _kept(cache, f"phantoms {RECIPE} {count} {seed} {size} {wish}", made)


def _phantom(seed: int, index: int, size: int, wish: str | None) -> _Pair:
    name = wish or WISHES[index % len(WISHES)]
    film = radiograph(np.random.default_rng((seed, index)), name, size=size)
    right = np.asarray((film.zones >= 1) & (film.zones <= 3))
    return film.display, (right, np.asarray(film.zones >= 4)), f"{name}-{seed}-{index}"


def _kept(cache: Path | None, what: str, made: Iterable[_Pair]) -> LungFilms:
    """The films from the cache, or made and put there."""
    key = hashlib.sha256(f"{what} {UNET_SIDE} {WINDOW_PERCENTILES}".encode()).hexdigest()[:16]
    kept = None if cache is None else cache / f"lungs-{key}.npz"
    if kept is not None and kept.exists():
        with np.load(kept, allow_pickle=False) as data:
            return LungFilms(data["films"], data["sides"], tuple(data["names"].tolist()))
    squares = [(*_square_pair(film, sides), name) for film, sides, name in made]
    if not squares:
        return LungFilms.none()
    films, masks, names = zip(*squares, strict=True)
    prepared = LungFilms(np.stack(films), np.stack(masks), tuple(names))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(
            part, films=prepared.films, sides=prepared.sides, names=np.array(prepared.names)
        )
        part.replace(kept)
    return prepared


def _square_pair(
    film: NDArray[np.float32], sides: Sides
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    square, box = to_square(film, UNET_SIDE)
    right, left = (_shrunk(side, box) for side in sides)
    placed = box.place((right + 2 * (left & ~right)).astype(np.uint8))
    return np.round(square * 255).astype(np.uint8), placed


def _shrunk(mask: NDArray[np.bool_], box: Letterbox) -> NDArray[np.bool_]:
    picture = Picture.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize((box.columns, box.rows), Picture.Resampling.BOX)) > 127
