"""``konio train`` and ``konio evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from konio.cli.terminal import complain, duration, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from konio.learning.callbacks import TrainingProgress

TRAIN_EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio train made-up/cohort.csv --recipe recipes/smoke.toml --out run\n"
    "  konio train made-up/cohort.csv --recipe recipes/smoke.toml --out run --resume"
)

EVALUATE_EXAMPLE: Final = (
    "Example: konio evaluate unseen/cohort.csv --model konio-radiograph --out measured"
)

#: Scores that are told during training, where they exist.
_TOLD: Final = (
    "differential/accuracy", "stage/accuracy", "stage/kappa", "auc", "accuracy", "macro_recall",
)  # fmt: skip

#: Scores that an evaluation prints, where a question has them.
_MEASURED: Final = (
    "accuracy", "balanced_accuracy", "macro_recall", "kappa", "quadratic_weighted_kappa", "mae",
)  # fmt: skip


def train(
    cohort: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT",
            help="cohort.csv; for a nodule recipe readings with their scans, slices or cubes, or a folder of LUNA16; "
            "for pre-training the folder of a ChestX-ray14 download.",
        ),
    ],
    recipe: Annotated[Path, typer.Option(metavar="FILE", help="TOML file, see recipes/.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run.")],
    extra: Annotated[
        Path | None,
        typer.Option(
            metavar="COHORT",
            help="Recipes of radiographs: cohort.csv of more films for the backbone, as of rare findings; never held out, and "
            "heads that begin anew do not see them.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Prepared films; runs on one cohort may share it. In --out by default.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that prepare films; one per processor by default."),
    ] = None,
) -> None:
    """Train a model on a cohort by a recipe; the bundle lies in the run's folder when it is done."""
    from konio.learning import Options, read_recipe
    from konio.learning import train as run

    options = Options(
        cache=cache,
        workers=workers,
        preparing=_preparing(),
        training=_training,
        keeping=_keeping(),
    )
    made = run(cohort, read_recipe(recipe), out, extra=extra, resume=resume, options=options)
    say(f"{made}")


def evaluate(
    cohort: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT",
            help="cohort.csv; for a nodule model readings with their scans, slices or cubes, or a folder of LUNA16.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results.")],
    model: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="A shipped model or the directory of a bundle.")
    ] = "konio-radiograph",
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Prepared films; runs on one cohort may share it. In --out by default.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that prepare films; one per processor by default."),
    ] = None,
) -> None:
    """Measure a model on a cohort: metrics.json, predictions.csv and a confusion table per question."""
    from konio.learning import Options
    from konio.learning import evaluate as run

    options = Options(cache=cache, workers=workers, preparing=_preparing())
    document = run(cohort, model, out, options=options)
    for task, scores in document["tasks"].items():
        shown = (_with_bounds(scores, name) for name in _MEASURED)
        say(f"{task}: {', '.join(text for text in shown if text)}")
    for task, scores in document.get("two_classes", {}).items():
        say(f"{task}, two classes: {_two_classes(scores)}")
    if "hierarchy" in document:
        say(f"two levels: {document['hierarchy']['sentence']}")
    films = document["cohort"]
    say(
        f"{films['assessed']} measured, {len(films['refused'])} refused; see {out / 'metrics.json'}"
    )


def _with_bounds(scores: dict[str, Any], name: str) -> str:
    """A score with its interval, where it has one; nothing where it is not defined."""
    value, bounds = scores.get(name), scores.get(f"{name}_95")
    if not isinstance(value, float):
        return ""
    between = f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else ""
    return f"{name} {value:.3f}{between}"


def _two_classes(scores: dict[str, Any]) -> str:
    """Paper C's reading of one question in a line, with intervals over patients where there are any."""
    parts = [f"{scores['nodules']} nodules, {scores['prevalence']:.0%} of the upper class"]
    texts = (_with_bounds(scores, name) for name in ("accuracy", "balanced_accuracy", "auc"))
    return ", ".join([*parts, *(text for text in texts if text)])


def _seldom() -> Callable[[str, bool], None]:
    """Says a line at most once in five seconds, and the last one always."""
    import time

    told = 0.0

    def tell(line: str, last: bool) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= 5 or last:
            told = now
            complain(line)

    return tell


def _preparing() -> Callable[[int, int, float | None], None]:
    """Says how far preparing is."""
    tell = _seldom()

    def told(done: int, films: int, left: float | None) -> None:
        rest = "" if left is None else f", {duration(left)} left"
        tell(f"prepared {done} of {films}{rest}", done == films)

    return told


def _keeping() -> Callable[[int, int], None]:
    """Says of how many films the features are kept for the heads."""
    tell = _seldom()
    return lambda done, views: tell(
        f"heads: features of {done} of {views} films kept", done == views
    )


def _training(now: TrainingProgress) -> None:
    scores = ", ".join(f"{name} {now.scores[name]:.3f}" for name in _TOLD if name in now.scores)
    line = (
        f"epoch {now.epoch}/{now.epochs}, step {now.step}/{now.steps}, {now.size} pixels: "
        f"loss {now.loss:.3f}, {now.films_per_second:.1f}/s, {duration(now.seconds_left)} left"
    )
    if scores:
        complain(f"{line}; held out: {scores}")
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r{line}\x1b[K")
        sys.stderr.flush()
    else:
        complain(line)
