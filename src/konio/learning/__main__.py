"""``python -m konio.learning --cohort C --recipe R --out O [--resume]``: a training run without the command line's room."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from konio.errors import KonioError, UsageError
from konio.learning.callbacks import TrainingProgress
from konio.learning.recipe import read_recipe
from konio.learning.training import Options, train


def main(arguments: list[str] | None = None) -> int:
    """Train; 0 on success, 2 on wrong usage, 1 when it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m konio.learning", description=__doc__)
    parser.add_argument(
        "--cohort", required=True, type=Path, help="cohort.csv, or a ChestX-ray14 folder"
    )
    parser.add_argument("--recipe", required=True, type=Path, help="TOML file, see recipes/")
    parser.add_argument("--out", required=True, type=Path, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument(
        "--cache", type=Path, help="folder of prepared films, may be shared by runs"
    )
    parser.add_argument("--workers", type=int, help="processes that prepare films")
    given = parser.parse_args(arguments)
    options = Options(
        cache=given.cache, workers=given.workers, preparing=_Preparing(), training=_say_training
    )
    try:
        made = train(
            given.cohort, read_recipe(given.recipe), given.out, resume=given.resume, options=options
        )
    except KonioError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UsageError) else 1
    sys.stdout.write(f"{made}\n")
    return 0


class _Preparing:
    """One line every five seconds."""

    def __init__(self) -> None:
        self.told = 0.0

    def __call__(self, done: int, films: int, left: float | None) -> None:
        now = time.monotonic()
        if now - self.told >= 5 or done == films:
            self.told = now
            rest = "" if left is None else f", {left:.0f} s left"
            _say(f"prepared {done} of {films}{rest}")


def _say_training(now: TrainingProgress) -> None:
    shown = ("loss", "differential/accuracy", "stage/accuracy", "stage/kappa", "zone_ru/mae", "auc")
    scores = ", ".join(f"{n} {now.scores[n]:.3f}" for n in shown if n in now.scores)
    _say(
        f"step {now.step}/{now.steps} epoch {now.epoch}/{now.epochs} at {now.size}: loss {now.loss:.3f}, "
        f"{now.films_per_second:.1f}/s, {now.seconds_left / 60:.1f} min left"
        + (f"; held out: {scores}" if scores else "")
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
