"""``konio study hierarchy``: paper B as one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from konio.cli.engines import Address, check_address, engine_of
from konio.cli.study_shared import (
    EngineName,
    Out,
    ReportOnly,
    Speaker,
    Workers,
)
from konio.cli.terminal import say
from konio.errors import UsageError

EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio study hierarchy --preset smoke --out out/study-b\n"
    "  konio study hierarchy films/cohort.csv --preset small --seen-by MODEL --out out/ours\n"
    "  konio study hierarchy --report-only --out out/ours             the page of the seeds finished so far\n"
    "  konio study hierarchy films/cohort.csv --preset paper --weights densenet121=densenet121.pth --out out/ours"
)


def hierarchy(
    out: Out,
    cohort: Annotated[
        Path | None,
        typer.Argument(metavar="[COHORT]", help="cohort.csv; made-up patients by default."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="smoke (minutes), small (an hour or two), scratch (hours) or paper (a GPU)."
        ),
    ] = "small",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK=FILE",
            help="ImageNet weights in torchvision's layout; may be repeated.",
        ),
    ] = None,
    seen_by: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Preset small: the finished model on whose features the levels learn; konio-radiograph by default.",
        ),
    ] = None,
    report_only: ReportOnly = False,
) -> None:
    """Do two levels, cost and a cut point beat four classes at once, and what would leakage have shown?"""
    if report_only:
        from konio.studies.hierarchy.record import report

        say(f"{report(out)}")
        return
    from konio.studies.hierarchy import presets

    check_address(address, engine)
    chosen = presets.with_onlooker(presets.preset(preset), seen_by)
    files = _weights(weights or [])
    presets.check(chosen, files)
    from konio.studies.hierarchy.experiment import Ask, run_hierarchy

    speaker = Speaker()
    ask = Ask(
        chosen,
        cohort=cohort,
        weights=files,
        workers=workers if engine == "local" else None,
        tell=speaker.trial,
        count=speaker.films,
    )
    say(f"{run_hierarchy(out, ask, engine_of(engine, workers, address))}")


def _weights(given: list[str]) -> dict[str, Path]:
    """``NETWORK=FILE`` as a table."""
    found = {}
    for pair in given:
        name, equals, file = pair.partition("=")
        if not equals or not Path(file).is_file():
            raise UsageError(
                f"--weights {pair!r} names no file of weights; give it as densenet121=FILE"
            )
        found[name] = Path(file)
    return found
