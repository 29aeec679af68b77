"""The whole study in order: nodules, cubes, trainings, page. The same command goes on after any kill."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from konio.engine import Engine
from konio.learning.nodule_parts import readings_fingerprint
from konio.learning.nodule_sources import Source, open_source
from konio.learning.nodule_training import ended_run
from konio.learning.nodules import open_volumes
from konio.learning.recipe import Recipe, parse_recipe
from konio.networks.bundle import WEIGHTS
from konio.nodules.made_up import write_phantom_nodules
from konio.report.files import make_folder
from konio.studies.asking import Asking, refuse_failed
from konio.studies.nodules import record
from konio.studies.nodules.design import Preset, study_of
from konio.studies.nodules.learned import refuse_learned
from konio.studies.nodules.trial import PREPARED, studied
from konio.studies.runner import Study, code_version, fingerprint, run_study

#: The rooms whose source decides the numbers.
CODE: Final = (
    "konio.io",
    "konio.learning",
    "konio.networks",
    "konio.nodules",
    "konio.prepare",
    "konio.studies.nodules.trial",
    "konio.tasks",
)
#: Folder of the made-up nodules within the study's.
MADE_UP: Final = "nodules"
#: File of published weights in a directory of Hugging Face's layout.
PUBLISHED: Final = "model.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Ask(Asking):
    """What is asked of the study.

    Args:
        preset: how large.
        source: where the nodules are (`konio.learning.nodule_sources`); made-up ones where ``None``.
        pretrained: bundle, run or published transformer to start every network from.
    """

    preset: Preset
    source: Path | None = None
    pretrained: str = ""


def run_nodules(out: str | Path, ask: Ask, engine: Engine) -> Path:
    """Run the study to its page, going on with what ``out`` already holds.

    A source of readings alone is studied without networks.

    Args:
        out: the study's folder.
        ask: what is asked.
        engine: where the trainings run.

    Returns:
        The page, ``index.html``.

    Raises:
        CohortError: if the nodules cannot be used, or ``pretrained`` has learned from some that are measured.
        OutputError: if ``out`` cannot be written or holds another study.
        StudyError: if trainings failed; the page of the others is there.
    """
    from konio.studies.nodules.report import write_report

    out = Path(out).absolute()
    ask = dataclasses.replace(ask, pretrained=ended_run(ask.pretrained))
    make_folder(out)
    digest = _weights(ask.pretrained)
    record.claim(out, ask.preset, {"weights": digest})
    place = (ask.source or _made_up(out, ask)).absolute()
    source = open_source(place)
    record.claim(out, ask.preset, {"cohort": readings_fingerprint(source.readings)})
    refuse_learned(ask.pretrained, source)
    study = design_study(ask, source, place)
    weights = record.first_weights(ask.pretrained, digest)
    record.begin(out, study, ask.preset, source, place, weights)
    _prepare(out, study, source, ask)
    run_study(study, out, engine, ask.telling("training"))
    record.refresh(out)
    page = write_report(out, ask.preset, source)
    refuse_failed(out, study, page=page)
    return page


def design_study(ask: Ask, source: Source, place: Path) -> Study:
    """The trainings of a preset on a source; none where there are no pixels."""
    trials = ask.preset.trials(str(place), ask.pretrained) if source.cutter is not None else ()
    identity = fingerprint(
        [[trial.settings["recipe"] for trial in trials], _weights(ask.pretrained)],
        readings_fingerprint(source.readings),
        code_version(*CODE),
    )
    return study_of(trials, identity)


def _weights(pretrained: str) -> str:
    """SHA-256 of the weights that networks begin from, so that other weights in the same place mean another study."""
    place = Path(pretrained)
    if not pretrained or not place.exists():
        return pretrained
    for file in (place, place / WEIGHTS, place / PUBLISHED):
        if file.is_file():
            with file.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
    return place.name


def _made_up(out: Path, ask: Ask) -> Path:
    preset, folder = ask.preset, out / MADE_UP
    folder.mkdir(parents=True, exist_ok=True)
    write_phantom_nodules(
        folder,
        preset.cases,
        preset.seed,
        workers=ask.processes,
        progress=ask.counting("making nodules"),
    )
    return folder


def _prepare(out: Path, study: Study, source: Source, ask: Ask) -> None:
    """Cut every cube before the trainings, one after the other, so that they find them."""
    if source.cutter is None:
        return
    done = set()
    for trial in study.trials:
        recipe = parse_recipe(trial.settings["recipe"])
        key = (recipe.nodule.preparation(), recipe.nodule.min_readers)
        if key not in done:
            done.add(key)
            _cut(out, recipe, source, ask)


def _cut(out: Path, recipe: Recipe, source: Source, ask: Ask) -> None:
    if source.cutter is not None:
        table = studied(source, recipe.nodule.min_readers)
        preparation = recipe.nodule.preparation()
        tell = ask.counting("cutting cubes")
        open_volumes(table, preparation, out / PREPARED, source.cutter, tell)
