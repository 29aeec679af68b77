"""``konio study``: the experiments of the papers, each one command that can be stopped and gone on with."""

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

if TYPE_CHECKING:
    from konio.studies.multitask.estimate import Estimate
    from konio.studies.multitask.presets import Preset

app = typer.Typer(help="Repeat the experiments of the papers.", no_args_is_help=True)

MULTITASK_EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio study multitask --preset smoke --out out/study\n"
    "  konio study multitask films/cohort.csv --preset small --out out/ours\n"
    "  konio study multitask SHENZHEN --preset real --mix 600 --out out/real"
)

Cohort = Annotated[
    Path | None,
    typer.Argument(
        metavar="[COHORT]",
        help="cohort.csv, its folder, or the folder of the Shenzhen set; made-up patients by default, but for real and real-kept.",
    ),
]
PresetName = Annotated[
    str,
    typer.Option(
        help="smoke (minutes), small (an hour or two), scratch (hours), paper (a GPU); of real films real and real-kept."
    ),
]
Pretrained = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        help="Published weights, or a bundle whose backbone networks start from; not for small and real-kept.",
    ),
]
PretrainOn = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Pre-train on this ChestX-ray14 download; not for small and real-kept."
    ),
]
Mix = Annotated[
    int,
    typer.Option(min=0, help="Presets real and real-kept: also train with so many made-up films."),
]
SeenBy = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="A finished model. Presets small and real-kept learn from its features; for the others these are, with a linear model, "
        "one more baseline. Default: konio-radiograph for small, real and real-kept, else none.",
    ),
]


@app.command("multitask", epilog=MULTITASK_EXAMPLE)
def multitask(
    out: MaybeOut = None,
    cohort: Cohort = None,
    preset: PresetName = "small",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    pretrained: Pretrained = None,
    pretrain_on: PretrainOn = None,
    mix: Mix = 0,
    seen_by: SeenBy = None,
    estimate: Estimating = False,
    report_only: ReportOnly = False,
) -> None:
    """Does learning two questions together help, and how sure are we? Ends with a page of tables and figures."""
    from konio.studies.multitask import presets, record

    if report_only:
        say(f"{record.report(folder_of(out))}")
        return
    check_address(address, engine)
    chosen = presets.with_onlooker(presets.with_extra(presets.preset(preset), mix), seen_by)
    presets.check(chosen, cohort, pretrained or pretrain_on)
    if estimate:
        _say_estimate(chosen, cohort, workers)
        return
    folder = folder_of(out)
    runs_on = engine_of(engine, workers, address)
    from konio.studies.multitask.experiment import Ask, run_multitask

    speaker = Speaker()
    ask = Ask(
        chosen,
        cohort=cohort,
        pretrained=pretrained,
        pretrain_on=pretrain_on,
        workers=workers if engine == "local" else None,
        tell=speaker.trial,
        count=speaker.films,
    )
    say(f"{run_multitask(folder, ask, runs_on)}")


def _say_estimate(preset: Preset, cohort: Path | None, workers: int | None) -> None:
    from konio.studies.multitask.cohorts import read_films
    from konio.studies.multitask.estimate import estimate

    films = None if cohort is None else len(read_films(cohort))
    found: Estimate = estimate(preset, workers, films)
    for line in found.lines():
        say(line)
