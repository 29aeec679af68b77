"""Writes a sheet of made-up films: rows by type of opacity, columns by class.

Run: python benchmarks/phantom_figure.py --out DIR [--size 512] [--seed 1]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from konio.phantom import PhantomFilm, radiograph

COLUMNS = ("healthy", "dust-I", "dust-II", "dust-III", "tuberculosis")
ROWS = ("q", "r", "p")


def first_of_type(wish: str, letter: str, seed: int, size: int) -> PhantomFilm:
    """The first seed whose opacities are of one type alone; class and type are otherwise left to chance."""
    for step in range(400):
        small = radiograph(seed + step, wish, 128)
        if small.covariates["opacity_type"] == f"{letter}/{letter}" or not wish.startswith("dust"):
            return radiograph(seed + step, wish, size)
    raise SystemExit(f"no film of type {letter} among 400 seeds; choose another seed")


def caption(film: PhantomFilm, wish: str) -> str:
    facts = film.covariates
    detail = facts["tuberculosis_form"] or (facts["opacity_type"] if film.staging else "")
    return f"{wish} {facts['sex']}{facts['age']} {detail} {facts['device']}".strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sheet = Image.new("L", (len(COLUMNS) * options.size, len(ROWS) * options.size))
    pen = ImageDraw.Draw(sheet)
    for i, letter in enumerate(ROWS):
        for j, wish in enumerate(COLUMNS):
            film = first_of_type(wish, letter, options.seed + 1000 * i + 50 * j, options.size)
            corner = (j * options.size, i * options.size)
            sheet.paste(Image.fromarray(np.uint8(np.round(film.display * 255))), corner)
            place = (corner[0] + 6, corner[1] + options.size - 16)
            pen.text(place, caption(film, wish), fill=200)
    options.out.mkdir(parents=True, exist_ok=True)
    sheet.save(options.out / "phantom-figure.png")
    print(f"wrote {options.out / 'phantom-figure.png'}")


if __name__ == "__main__":
    main()
