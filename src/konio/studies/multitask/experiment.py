"""The whole study in order: cohort, prepared films, parts, cross-validation, choice, final trainings, page.

Every stage finds what it made before, so that the same command goes on after any kill and ends in the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from konio.cohort import Cohort, write_cohort
from konio.engine import Engine
from konio.errors import StudyError
from konio.learning.recipe import parse_recipe
from konio.learning.store import Store
from konio.studies.asking import Asking, prepare_films, refuse_failed
from konio.studies.multitask import record
from konio.studies.multitask.choice import choose
from konio.studies.multitask.cohorts import gather
from konio.studies.multitask.design import Laid, baselines, cross_validation, final
from konio.studies.multitask.parts import divide, write_parts
from konio.studies.multitask.presets import Preset
from konio.studies.multitask.pretraining import provide
from konio.studies.multitask.trial import PREPARED, TEXTURE
from konio.studies.runner import code_version, fingerprint, run_study
from konio.studies.seen import look, onlooker

#: The rooms whose source decides the numbers.
CODE: Final = (
    "konio.cohort",
    "konio.io",
    "konio.learning",
    "konio.lungs",
    "konio.metrics",
    "konio.networks",
    "konio.prepare",
    "konio.features.blocks",
    "konio.features.texture",
    "konio.features.classifiers",
    "konio.studies.kept",
    "konio.studies.multitask.choice",
    "konio.studies.multitask.kept",
    "konio.studies.multitask.parts",
    "konio.studies.multitask.trial",
    "konio.studies.seen",
    "konio.tasks",
)
#: Films whose textures are measured at a time.
_CHUNK: Final = 32
_TEXTURES: Final = "konio.studies.multitask.textures:measure"


@dataclass(frozen=True, slots=True, eq=False)
class Ask(Asking):
    """What is asked of the study.

    Args:
        preset: how large.
        cohort: the films, or the path of their table or folder; made-up patients where ``None``.
        pretrained: file of weights to start from.
        pretrain_on: folder of ChestX-ray14 to pre-train on.
    """

    preset: Preset
    cohort: Cohort | str | Path | None = None
    pretrained: Path | None = None
    pretrain_on: Path | None = None


def run_multitask(out: str | Path, ask: Ask, engine: Engine) -> Path:
    """Run the study to its page, going on with what ``out`` already holds.

    Args:
        out: the study's folder.
        ask: what is asked.
        engine: where the trials run.

    Returns:
        The page, ``index.html``.

    Raises:
        CohortError: if the cohort cannot be used.
        OutputError: if ``out`` cannot be written or holds another study.
        StudyError: if trials failed that others depend on, or that the tables need.
    """
    out = Path(out).absolute()
    return carry_out(out, lay_down(out, ask, engine), ask, engine)


def carry_out(out: Path, laid: Laid, ask: Ask, engine: Engine) -> Path:
    """All trials of a study that is laid down, and its page.

    Args:
        out: the study's folder.
        laid: from `lay_down`.
        ask: who is told.
        engine: where the trials run.
    """
    record.expect(out, len(cross_validation(laid).trials) + _finals(laid.preset))
    tried = [cross_validation(laid)]
    done = run_study(tried[0], out, engine, ask.telling("cross-validation"))
    if laid.parts.final is not None:
        choice = choose(done, laid.preset.groups, len(laid.parts.folds) * laid.preset.repeats)
        record.update(out, choice.to_json())
        tried.append(final(laid, choice))
        run_study(tried[1], out, engine, ask.telling("final trainings"))
    page = record.report(out)
    refuse_failed(out, *tried, page=page)
    return page


def lay_down(out: Path, ask: Ask, engine: Engine) -> Laid:
    """Everything that has to be there before the first trial.

    Args:
        out: the study's folder.
        ask: what is asked.
        engine: measures the textures.
    """
    films = gather(out, ask.preset, ask.cohort, ask.processes, ask.counting("making films"))
    record.claim(out, ask.preset, films.cohort.fingerprint)
    pretraining = provide(out, ask)
    recipe = parse_recipe({"name": "films", **ask.preset.recipe})
    model = onlooker(
        ask.preset.seen_by, films.cohort.fingerprint, [case.path for case in films.cohort]
    )
    sides = () if model is None else (model.side,)
    store = prepare_films(out / PREPARED, films.cohort, recipe, ask, sides)
    parts = divide(films.cohort, films.own, store, ask.preset)
    write_parts(out, parts)
    write_cohort(films.cohort, out / "cohort.csv")
    record.write_cases(out, films, store, parts)
    _textures(out, store, engine, ask)
    if model is not None:
        look(out, store, model, engine, ask.counting(f"{model.name} looks at the films"))
    seen_by = None if model is None else model.to_json()
    identity = fingerprint(
        [ask.preset.to_json(), pretraining.to_json(), seen_by],
        films.cohort.fingerprint,
        code_version(*CODE),
    )
    record.begin(out, films, store, parts, pretraining, ask.preset, identity)
    record.update(out, {"seen_by": seen_by})
    kept = () if model is None else model.channels[-ask.preset.kept_maps :]
    kept = kept if ask.preset.kept else ()
    return Laid(ask.preset, parts, identity, pretraining.weights, kept)


def _finals(preset: Preset) -> int:
    own = len(baselines(preset))
    return preset.seeds * len(preset.groups) + own if preset.test_fraction else 0


def _textures(out: Path, store: Store, engine: Engine, ask: Ask) -> None:
    """Zone textures of every film, once for all baselines."""
    path = out / TEXTURE
    if path.exists() and len(np.load(path, mmap_mode="r")) == len(store):
        return
    side = ask.preset.side
    common = {"folder": str(store.folder), "side": side}
    items = [
        {**common, "first": first, "end": min(first + _CHUNK, len(store))}
        for first in range(0, len(store), _CHUNK)
    ]
    rows: dict[int, Any] = {}
    tell = ask.counting("measuring textures")
    for position, found in engine.run(_TEXTURES, items):
        if not isinstance(found, list):
            raise StudyError(f"the textures of the films could not be measured: {found.reason}")
        rows[position] = found
        tell(len(rows), len(items))
    table = np.concatenate([np.array(rows[k], np.float64) for k in range(len(items))])
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.save(file, table, allow_pickle=False)
    beside.replace(path)
