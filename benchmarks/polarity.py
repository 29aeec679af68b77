"""How surely films are told from their negatives: `konio.io.polarity` on real films and on altered copies.

Run: ``KONIO_DATA=... python benchmarks/polarity.py``. Reads every film of ``nlm-tb`` and ``nih-sample`` below the folder
(about 830) and prints, for each alteration, the smallest and the 1 % value of the films and the largest of their negatives.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from _machine import machine
from konio.errors import RefusedError
from konio.io import read_many
from konio.io.polarity import INVERTED_LIKENESS, LEAST_LIKENESS, chest_likeness

SIDE = 256
#: Where the right lung lies on most films, softly edged.
WHITE = np.clip(
    1.5
    * np.exp(
        -(((np.linspace(0, 1, SIDE) - 0.28) / 0.11) ** 2) / 2
        - ((np.linspace(0, 1, SIDE)[:, None] - 0.45) / 0.19) ** 2 / 2
    ),
    0,
    0.9,
)

Alteration = Callable[[np.ndarray], np.ndarray]


def zoomed(factor: float) -> Alteration:
    shift = SIDE / 2 * (1 - 1 / factor)
    return lambda film: ndimage.affine_transform(
        film, [1 / factor] * 2, offset=[shift] * 2, order=1
    )


ALTERATIONS: dict[str, Alteration] = {
    "as they are": lambda film: film,
    "gamma 0.4": lambda film: film**0.4,
    "gamma 2.5": lambda film: film**2.5,
    "scaled by 0.75": zoomed(0.75),
    "scaled by 1.3": zoomed(1.3),
    "a tenth up": lambda film: ndimage.shift(film, (-0.1 * SIDE, 0), order=1, mode="nearest"),
    "a tenth down": lambda film: ndimage.shift(film, (0.1 * SIDE, 0), order=1, mode="nearest"),
    "a tenth to the side": lambda film: ndimage.shift(film, (0, 0.1 * SIDE), order=1, mode="nearest"),
    "turned by 10 degrees": lambda film: ndimage.rotate(film, 10, reshape=False, order=1),
    "one lung whitened": lambda film: film + (0.85 - film) * WHITE,
}  # fmt: skip


def main() -> None:
    root = Path(
        os.environ.get("KONIO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    )
    paths = [
        *root.glob("nlm-tb/shenzhen/*.jpg"),
        *root.glob("nlm-tb/montgomery/*.jpg"),
        *root.glob("nih-sample/images/*"),
    ]
    films, refused = [], []
    for path, film in read_many(sorted(paths)):
        if isinstance(film, RefusedError):
            refused.append((path, film.code))
        else:
            step = min(film.shape) / SIDE
            rows, columns = (
                np.minimum((np.arange(SIDE) * n / SIDE + step / 2).astype(int), n - 1)
                for n in film.shape
            )
            films.append(film.pixels[np.ix_(rows, columns)])
    print(machine())
    print(
        f"{len(films)} films read, {len(refused)} refused {refused}; limits {LEAST_LIKENESS:+.2f} and {INVERTED_LIKENESS:+.2f}"
    )
    print(f"{'':34s} smallest   1 %   median  largest of negatives  films missed  negatives missed")
    for name, alter in ALTERATIONS.items():
        altered = [np.clip(alter(film), 0, 1) for film in films]
        upright = np.array([chest_likeness(film) for film in altered])
        negative = np.array([chest_likeness(1 - film) for film in altered])
        missed = (upright < LEAST_LIKENESS).sum(), (negative >= LEAST_LIKENESS).sum()
        print(
            f"{name:34s} {upright.min():+8.2f} {np.percentile(upright, 1):+6.2f} {np.median(upright):+7.2f} {negative.max():+12.2f} {missed[0]:18d} {missed[1]:14d}"
        )


if __name__ == "__main__":
    main()
