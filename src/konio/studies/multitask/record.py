"""What the study says about itself: ``study.json``, ``cases.csv`` and the page, true at any moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from konio import __version__
from konio.errors import OutputError
from konio.records import NOTICE
from konio.studies.asking import STUDY
from konio.studies.asking import read_study as read
from konio.studies.multitask.presets import QUESTIONS, Preset
from konio.studies.runner import FAILURE, TRIALS, finished, write_json

if TYPE_CHECKING:
    from konio.learning.store import Store
    from konio.studies.multitask.cohorts import Films
    from konio.studies.multitask.parts import Parts
    from konio.studies.multitask.pretraining import Pretraining

CASES: Final = "cases.csv"
#: ``pretraining`` of networks on kept features: no weights of theirs, but a backbone's, which ``seen_by`` names.
_KEPT: Final[Mapping[str, Any]] = {
    "stage": "kept",
    "origin": "the backbone of seen_by, kept as it is",
    "file": None,
    "sha256": None,
    "comparable_to_paper": False,
}


def claim(out: Path, preset: Preset, cohort: str) -> None:
    """Refuse a folder that holds another study.

    Args:
        out: the study's folder.
        preset: how large.
        cohort: fingerprint of the films.

    Raises:
        OutputError: if the folder was begun with another preset or cohort.
    """
    if not (out / STUDY).exists():
        return
    known = read(out)
    for name, own in (("cohort_fingerprint", cohort), ("preset_fingerprint", preset.fingerprint)):
        if known.get(name) != own:
            what = "films" if name.startswith("cohort") else "design"
            raise OutputError(
                f"{out} holds a study of other {what} (preset {known.get('preset')}); choose another --out"
            )


def begin(
    out: Path,
    films: Films,
    store: Store,
    parts: Parts,
    pretraining: Pretraining,
    preset: Preset,
    identity: str,
) -> None:
    """Write ``study.json`` before the first trial; what an earlier start chose is chosen again."""
    cohort = films.cohort.subset(range(films.own))
    document = {
        "schema": "konio.study/1",
        "study": "multitask",
        "preset": preset.name,
        "about": preset.about,
        "about_zh": preset.about_zh,
        "konio_version": __version__,
        "fingerprint": identity,
        "preset_fingerprint": preset.fingerprint,
        "cohort_fingerprint": films.cohort.fingerprint,
        "cohort": {
            "name": films.name,
            "made_up": films.made_up,
            "films": films.own,
            "patients": len(cohort.patients),
            "extra": len(parts.extra),
            "refused": {
                Path(films.cohort.cases[i].path).name: why for i, why in store.refusals.items()
            },
            "counts": {name: cohort.counts(name) for name in QUESTIONS},
        },
        "design": {
            "folds": len(parts.folds),
            "test_fraction": preset.test_fraction,
            "inner_fraction": preset.inner,
            "dropouts": list(preset.dropouts),
            "seeds": list(range(1, preset.seeds + 1)),
            "repeats": preset.repeats,
            "tasks": list(preset.tasks),
            "groups": [group.name for group in preset.groups],
        },
        "recipe": dict(preset.recipe),
        "kept": preset.kept,
        "pretraining": pretraining.to_json() if not preset.kept else _KEPT,
        "chosen": None,
        "temperatures": None,
        "trials": {"all": 0, "done": 0, "failed": 0},
        "finished": False,
        "notice": NOTICE,
    }
    write_json(out / STUDY, document)


def update(out: Path, changes: Mapping[str, Any]) -> None:
    """Change some entries of ``study.json``."""
    write_json(out / STUDY, {**read(out), **changes})


def expect(out: Path, trials: int) -> None:
    """Say how many trials there will be in all."""
    document = read(out)
    update(out, {"trials": {**document["trials"], "all": trials}})


def refresh(out: Path) -> None:
    """Count the trials anew."""
    document = read(out)
    done = len(finished(out, document["study"]))
    failed = len(list((out / TRIALS).glob(f"*/{FAILURE}")))
    everything = document["trials"]["all"]
    counted = {"all": everything, "done": done, "failed": failed}
    write_json(out / STUDY, {**document, "trials": counted, "finished": done >= everything > 0})


def report(out: str | Path) -> Path:
    """The page, written from whatever trials are finished; at any time, also while the study runs.

    Args:
        out: the study's folder.

    Returns:
        Path of ``index.html``.

    Raises:
        OutputError: if the folder holds no study.
    """
    refresh(Path(out))
    from konio.studies.multitask.report import write_report

    return write_report(out)


def write_cases(out: Path, films: Films, store: Store, parts: Parts) -> None:
    """Write ``cases.csv``: one row a film with its labels, its part and fold, and its covariates."""
    place = _places(films, store, parts)
    covariates = tuple(dict.fromkeys(name for case in films.cohort for name in case.covariates))
    columns = ("position", "path", "patient_id", *QUESTIONS, "part", "fold", *covariates)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for position, case in enumerate(films.cohort):
        part, fold = place[position]
        writer.writerow(
            {
                **case.covariates,
                "position": position,
                "path": case.path,
                "patient_id": case.patient_id,
                **{name: case.labels.get(name) or "" for name in QUESTIONS},
                "part": part,
                "fold": fold,
            }
        )
    beside = out / f"{CASES}.part"
    try:
        beside.write_text(text.getvalue(), encoding="utf-8", newline="")
        beside.replace(out / CASES)
    except OSError as error:
        raise OutputError(
            f"{out / CASES} cannot be written ({error.strerror}); choose another --out"
        ) from error


def _places(films: Films, store: Store, parts: Parts) -> list[tuple[str, str]]:
    places = [("unused" if ready else "refused", "") for ready in store.ready.tolist()]
    for number, fold in enumerate(parts.folds):
        for position in fold.measured:
            places[position] = ("train", str(number))
    for position in parts.final.measured if parts.final is not None else ():
        places[position] = ("test", "")
    for position in parts.extra:
        places[position] = ("extra", "")
    return places
