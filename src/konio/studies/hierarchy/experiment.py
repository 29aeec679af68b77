"""The whole study in order: patients, prepared films, parts, what is kept of the films, trials, page.

Every stage finds what it made before, so that the same command goes on after any kill and ends in the same numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from konio import __version__
from konio.cohort import Cohort, read_cohort, write_cohort, write_phantom_cohort
from konio.engine import Engine
from konio.errors import OutputError
from konio.learning.recipe import parse_recipe
from konio.learning.ship import is_made_up
from konio.learning.store import Store
from konio.records import NOTICE
from konio.studies.asking import STUDY, Asking, prepare_films, read_study, refuse_failed
from konio.studies.hierarchy.design import design, fine_design
from konio.studies.hierarchy.parts import Parts, divide, write_parts
from konio.studies.hierarchy.presets import Preset, check
from konio.studies.hierarchy.results import chosen_cut
from konio.studies.hierarchy.trial import COHORT, PREPARED
from konio.studies.runner import code_version, fingerprint, run_study, write_json
from konio.studies.seen import look, onlooker

MADE_UP: Final = "made-up"
#: The rooms whose source decides the numbers.
CODE: Final = (
    "konio.cohort",
    "konio.explain",
    "konio.features",
    "konio.hierarchy",
    "konio.io",
    "konio.learning",
    "konio.lungs",
    "konio.networks",
    "konio.prepare",
    "konio.studies.hierarchy.fine",
    "konio.studies.hierarchy.kept",
    "konio.studies.hierarchy.parts",
    "konio.studies.hierarchy.trial",
    "konio.studies.kept",
    "konio.studies.seen",
    "konio.tasks",
)
#: Made-up classes of stage 0, I, II, III, by who counts as a 0.
_WISHES: Final = {"healthy": "healthy", "exposed": "dust-0", "both": "healthy"}


@dataclass(frozen=True, slots=True, eq=False)
class Ask(Asking):
    """What is asked of the study.

    Args:
        preset: how large.
        cohort: the films, or the path of their table; made-up patients where ``None``.
        weights: network (``alexnet``, ``vgg16``, ``resnet34``, ``densenet121``) to its file of ImageNet weights.
    """

    preset: Preset
    cohort: Cohort | str | Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)


def run_hierarchy(out: str | Path, ask: Ask, engine: Engine) -> Path:
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
        StudyError: if trials failed.
        UsageError: if weights are named for a network that the preset does not have, or the model that looks at the films
            cannot, or has learned from them.
    """
    from konio.studies.hierarchy.report import write_report

    out = Path(out).absolute()
    preset = ask.preset
    check(preset, ask.weights)
    cohort = _cohort(out, ask)
    model = onlooker(preset.seen_by, cohort.fingerprint, [case.path for case in cohort])
    recipe = parse_recipe({"name": "films", "kind": "hierarchy", **preset.recipe})
    sides = () if model is None else (model.side,)
    store = prepare_films(out / PREPARED, cohort, recipe, ask, sides)
    parts = divide(cohort, store, preset)
    hashes = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in ask.weights.items()}
    seen_by = None if model is None else model.to_json()
    identity = fingerprint(
        [preset.to_json(), hashes, seen_by, parts.to_json()],
        cohort.fingerprint,
        code_version(*CODE),
    )
    weights = {n: str(p.absolute()) for n, p in ask.weights.items()}
    named = {"fingerprint": identity, "weights": weights}
    _begin(out, cohort, store, parts, {"preset": preset.to_json(), "seen_by": seen_by}, named)
    if model is not None:
        look(out, store, model, engine, ask.counting(f"{model.name} looks at the films"))
    kept = () if model is None else model.channels[-preset.kept_maps :]
    study = design(preset, identity, weights, kept)
    run_study(study, out, engine, ask.telling("trials"))
    refuse_failed(out, study)
    cuts = {seed: chosen_cut(out, parts, seed) for seed in preset.seeds}
    fine = fine_design(preset, identity, weights, cuts)
    run_study(fine, out, engine, ask.telling("trials"))
    refuse_failed(out, fine)
    return write_report(out, preset)


def _cohort(out: Path, ask: Ask) -> Cohort:
    if ask.cohort is not None:
        return ask.cohort if isinstance(ask.cohort, Cohort) else read_cohort(ask.cohort)
    preset = ask.preset
    mix = dict(
        zip(
            (_WISHES[preset.zero], "dust-I", "dust-II", "dust-III"),
            map(float, preset.counts),
            strict=True,
        )
    )
    return write_phantom_cohort(
        out / MADE_UP,
        sum(preset.counts),
        preset.seed,
        preset.film,
        mix,
        workers=ask.processes,
        progress=ask.counting("making films"),
    )


def _begin(
    out: Path,
    cohort: Cohort,
    store: Store,
    parts: Parts,
    asked: Mapping[str, Any],
    identity: Mapping[str, Any],
) -> None:
    """Write what the study is, and refuse a folder that holds another one."""
    known = read_study(out) if (out / STUDY).exists() else None
    own = {**asked, "cohort_fingerprint": cohort.fingerprint}
    if known is not None and any(known.get(key) != value for key, value in own.items()):
        raise OutputError(f"{out} holds another study; choose another --out")
    write_parts(out, parts)
    write_cohort(cohort, out / COHORT)
    write_json(
        out / STUDY,
        {
            "schema": "konio.study/1",
            "study": "hierarchy",
            **own,
            "konio_version": __version__,
            **identity,
            "made_up": is_made_up(cohort),
            "films": len(cohort),
            "patients": len(cohort.patients),
            "refused": len(store.refusals),
            "notice": NOTICE,
        },
    )
