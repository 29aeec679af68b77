"""``konio phantom``: made-up patients with known truth, and made-up opacities on a real film."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from konio.cli.terminal import count_line, progress, say
from konio.errors import UsageError

app = typer.Typer(help="Make up patients whose truth is known.", no_args_is_help=True)

RADIOGRAPH_EXAMPLE: Final = "Example: konio phantom radiograph --cases 60 --seed 7 --out made-up"


@app.command("radiograph", epilog=RADIOGRAPH_EXAMPLE)
def radiograph(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the cohort; made if absent.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of films.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    size: Annotated[int, typer.Option(help="Rows and columns of a film, pixels.")] = 512,
    mix: Annotated[
        str | None,
        typer.Option(
            help="Weights of the classes, as healthy=1,dust-III=2; default as in paper A."
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="independent: nothing but disease tells the classes apart.")
    ] = "independent",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor by default.")
    ] = None,
) -> None:
    """Make chest radiographs of made-up patients: DICOM films, lung, zone and lesion masks, cohort.csv."""
    from konio.cohort.made_up import PAPER_MIX, write_phantom_cohort

    chosen = PAPER_MIX if mix is None else _weights(mix)
    done = 0
    with progress("making films", cases) as advance:

        def moved(finished: int, _: int) -> None:
            nonlocal done
            advance(finished - done)
            done = finished

        write_phantom_cohort(
            out, cases, seed, size, chosen, preset, workers or os.cpu_count() or 1, moved
        )
    say(f"{out / 'cohort.csv'}: {count_line(cases, 0, 'films made', '已生成', 'en')}")


def _weights(text: str) -> dict[str, float]:
    """``healthy=1,dust-III=2`` as numbers."""
    weights = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"mix {part!r} is no weight; write name=number, as in healthy=1,dust-III=2"
            ) from error
    return weights
