"""How surely films that do not stand upright are told: what becomes of real and made-up films, upright and turned.

Run: ``KONIO_DATA=... python benchmarks/orientation.py``. Takes the 138 films of ``nlm-tb/montgomery``, 150 of
``nlm-tb/shenzhen`` and 60 made-up films (stage III included), each upright, turned over, turned by 180 degrees, on its
side and mirrored, through the content check and the lungs, and counts the outcomes. The scores of
`konio.lungs.upright` are split into two halves of the films: the limit is set `MARGIN` below the lowest upright film of
one half and held against the other. What is missed there may still be refused for its lungs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from _machine import machine
from konio.errors import RefusedError
from konio.io import read_many
from konio.io.polarity import check_content
from konio.lungs import find, find_lungs, load_segmenter
from konio.lungs.upright import LEAST_UPRIGHT, Standing
from konio.phantom import WISHES, radiograph
from konio.records import Image, Source

SHENZHEN, MADE_UP = 150, 60
MARGIN = 0.03
TURNS = {
    "upright": lambda film: film,
    "turned over": lambda film: film[::-1],
    "turned by 180": lambda film: film[::-1, ::-1],
    "on its side": np.rot90,
    "mirrored": lambda film: film[:, ::-1],
}
WRONG = ("turned over", "turned by 180")


def films() -> Iterator[tuple[str, np.ndarray]]:
    root = Path(os.environ.get("KONIO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))  # fmt: skip
    shenzhen = sorted(root.glob("nlm-tb/shenzhen/*.jpg"))
    chosen = np.random.default_rng(0).permutation(len(shenzhen))[:SHENZHEN]
    paths = [*sorted(root.glob("nlm-tb/montgomery/*.jpg")), *(shenzhen[i] for i in sorted(chosen))]
    for path, film in read_many(paths):
        if isinstance(film, RefusedError):
            raise film
        yield Path(path).parent.name, film.pixels
    names = sorted(WISHES)
    for number in range(MADE_UP):
        rng = np.random.default_rng((777, number))
        yield "made up", radiograph(rng, names[number % len(names)], size=512).display


def main() -> None:
    print(machine("scipy", network=True), flush=True)
    segmenter = load_segmenter()
    scores: list[tuple[int, str, float]] = []
    outcomes: Counter[tuple[str, str, str]] = Counter()
    measured: list[Standing] = []
    measure = find.standing
    find.standing = lambda *given: measured.append(measure(*given)) or measured[-1]  # type: ignore[func-returns-value]
    for number, (kind, film) in enumerate(films()):
        for turn, change in TURNS.items():
            pixels = np.ascontiguousarray(change(film), dtype=np.float32)
            source = Source(kind, "0" * 64, "memory", *pixels.shape)
            measured.clear()
            try:
                check_content(pixels, headed=False)
                find_lungs(Image(pixels, None, "radiograph", source), segmenter)
                outcome = "passes"
            except RefusedError as refusal:
                outcome = refusal.code
            outcomes[kind, turn, outcome] += 1
            if measured:
                scores.append((number, turn, measured[-1].score))
    print(f"limit {LEAST_UPRIGHT:+.2f}")
    for (kind, turn, outcome), count in sorted(outcomes.items()):
        print(f"{kind:12s}{turn:15s}{outcome:16s}{count:5d}")
    for half in (0, 1):
        own = [s for s in scores if s[0] % 2 == half]
        other = [s for s in scores if s[0] % 2 != half]
        limit = min(score for _, turn, score in own if turn == "upright") - MARGIN
        lost = sum(v < limit for _, t, v in other if t == "upright")
        missed = sum(v >= limit for _, t, v in other if t in WRONG)
        print(
            f"limit {limit:+.3f} chosen on half {half + 1}: on the other {lost} of "
            f"{sum(t == 'upright' for _, t, _ in other)} upright films lost, {missed} of "
            f"{sum(t in WRONG for _, t, _ in other)} turned ones missed"
        )


if __name__ == "__main__":
    main()
