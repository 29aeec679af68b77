"""``konio study``: the experiments of the papers, each one command that can be stopped and gone on with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.terminal import complain, say
from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.studies.multitask.estimate import Estimate
    from konio.studies.multitask.presets import Preset
    from konio.studies.runner import StudyProgress

app = typer.Typer(help="Repeat the experiments of the papers.", no_args_is_help=True)

MULTITASK_EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio study multitask --preset smoke --out out/study\n"
    "  konio study multitask films/cohort.csv --preset small --out out/ours\n"
    "  konio study multitask SHENZHEN --preset real --mix 600 --out out/real"
)

#: Seconds between two lines about the same stage.
_PAUSE: Final = 5.0


@app.command("multitask", epilog=MULTITASK_EXAMPLE)
def multitask(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the study.")],
    cohort: Annotated[
        Path | None,
        typer.Argument(
            metavar="[COHORT]",
            help="cohort.csv, or the folder of the Shenzhen set; made-up patients by default.",
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="smoke (minutes), small (hours), paper (a GPU) or real.")
    ] = "small",
    engine: Annotated[str, typer.Option(help="local: this machine; ray: a Ray cluster.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time; as many as fit by default.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster, as ray.init takes it.")
    ] = None,
    pretrained: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Published weights to start from.")
    ] = None,
    pretrain_on: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pre-train on this ChestX-ray14 download.")
    ] = None,
    mix: Annotated[
        int, typer.Option(min=0, help="Preset real: also train with so many made-up films.")
    ] = 0,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only measure some steps and say how long it takes.")
    ] = False,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Only write the page of what is finished.")
    ] = False,
) -> None:
    """Does learning two questions together help, and how sure are we? Ends with a page of tables and figures."""
    from konio.engine import open_engine
    from konio.studies.multitask import presets, record

    if report_only:
        say(f"{record.report(out)}")
        return
    if address is not None and engine != "ray":
        raise UsageError("--address names a Ray cluster; give --engine ray with it")
    chosen = presets.with_extra(presets.preset(preset), mix)
    presets.check(chosen, cohort)
    if estimate:
        _say_estimate(chosen, cohort, workers)
        return
    runs_on = open_engine(engine, workers=workers, address=address)
    from konio.studies.multitask.experiment import Ask, run_multitask

    speaker = _Speaker()
    ask = Ask(
        chosen,
        cohort=cohort,
        pretrained=pretrained,
        pretrain_on=pretrain_on,
        workers=workers if engine == "local" else None,
        tell=speaker.trial,
        count=speaker.films,
    )
    say(f"{run_multitask(out, ask, runs_on)}")


class _Speaker:
    """Says on standard error how far the study is; not too often."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    def films(self, stage: str, done: int, films: int, left: float | None) -> None:
        if done < films and not self._due(stage):
            return
        rest = f", {_time(left)} left" if left and done < films else ""
        complain(f"{stage}: {done} of {films}{rest}")

    def trial(self, stage: str, now: StudyProgress) -> None:
        if now.failure:
            complain(f"{stage}: {now.last} failed: {now.failure}")
        ended = now.done + now.failed == now.trials
        if not ended and not self._due(stage):
            return
        parts = [f"{stage}: {now.done} of {now.trials} trials"]
        parts += [f"{now.failed} failed"] if now.failed else []
        if now.seconds_left is not None and not ended:
            parts.append(f"{_time(now.seconds_left)} left")
        if now.best is not None:
            parts.append(f"best so far {now.best[0]} ({now.best[1]:.3f})")
        complain(", ".join(parts))

    def _due(self, stage: str) -> bool:
        now = time.monotonic()
        if now - self.told.get(stage, -_PAUSE) < _PAUSE:
            return False
        self.told[stage] = now
        return True


def _say_estimate(preset: Preset, cohort: Path | None, workers: int | None) -> None:
    from konio.studies.multitask.cohorts import read_films
    from konio.studies.multitask.estimate import estimate

    films = None if cohort is None else len(read_films(cohort))
    found: Estimate = estimate(preset, workers, films)
    for line in found.lines():
        say(line)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
