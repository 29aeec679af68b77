"""What the study says about itself: ``study.json``, true at any moment, and the page that can be made from it at any moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from konio import __version__
from konio.errors import OutputError
from konio.learning.nodule_parts import readings_fingerprint
from konio.learning.nodule_sources import open_source
from konio.networks.bundle import FACTS
from konio.records import NOTICE
from konio.studies.asking import STUDY, read_study
from konio.studies.nodules.design import STUDY_NAME, Preset
from konio.studies.nodules.evidence import own_trials
from konio.studies.nodules.presets import preset_of
from konio.studies.runner import FAILURE, TRIALS, Study, write_json

if TYPE_CHECKING:
    from konio.learning.nodule_sources import Source


def claim(out: Path, preset: Preset, own: Mapping[str, str]) -> None:
    """Refuse a folder that holds another study; what an earlier konio did not write down counts as the same.

    Args:
        out: the study's folder.
        preset: how large.
        own: ``cohort`` to the fingerprint of the readings, ``weights`` to what networks begin from; either may be left out.

    Raises:
        OutputError: if the folder was begun with another preset, other nodules or other first weights.
    """
    if not (out / STUDY).exists():
        return
    known = read_study(out)
    pairs = {
        "design": (known.get("preset_fingerprint"), preset.fingerprint),
        "size": (known.get("preset"), preset.name),
        "nodules": (known.get("cohort", {}).get("fingerprint"), own.get("cohort")),
        "first weights": (known.get("first_weights", {}).get("sha256"), own.get("weights")),
    }
    for what, (there, wanted) in pairs.items():
        if None not in (there, wanted) and there != wanted:
            raise OutputError(
                f"{out} holds a study of other {what} (preset {known.get('preset')}); choose another --out"
            )


def begin(
    out: Path,
    study: Study,
    preset: Preset,
    source: Source,
    place: Path,
    first_weights: Mapping[str, str],
) -> None:
    """Write ``study.json`` before the first training.

    Args:
        out: the study's folder.
        study: its trainings.
        preset: how large.
        source: the nodules.
        place: where they are.
        first_weights: from `first_weights`.
    """
    inside = place.is_relative_to(out)
    document = {
        "schema": "konio.study/1",
        "study": STUDY_NAME,
        "preset": preset.name,
        "konio_version": __version__,
        "fingerprint": study.fingerprint,
        "preset_fingerprint": preset.fingerprint,
        "cohort": {
            "name": source.name,
            "kind": source.kind,
            "made_up": source.made_up,
            "nodules": len(source.readings),
            "patients": len(set(source.readings.patients)),
            "fingerprint": readings_fingerprint(source.readings),
            "place": str(place.relative_to(out) if inside else place),
        },
        "design": {
            "folds": preset.folds,
            "seeds": list(preset.seeds),
            "groups": list(dict.fromkeys(trial.settings["group"] for trial in study.trials)),
        },
        "first_weights": dict(first_weights),
        "plan": preset.to_json(),
        "trials": {"all": len(study.trials), "done": 0, "failed": 0},
        "finished": False,
        "notice": NOTICE,
    }
    write_json(out / STUDY, _counted(out, document))


def first_weights(pretrained: str, digest: str) -> dict[str, str]:
    """What networks begin from, as ``study.json`` names it: a finished model by its own name.

    Args:
        pretrained: bundle, run or published transformer; ``""`` for none.
        digest: SHA-256 of its weights, or its name.
    """
    if not pretrained:
        return {"name": "", "sha256": ""}
    facts = Path(pretrained) / FACTS
    name = Path(pretrained).name if Path(pretrained).exists() else pretrained
    if facts.is_file():
        name = str(json.loads(facts.read_text("utf-8")).get("name") or name)
    return {"name": name, "sha256": digest}


def refresh(out: Path) -> dict[str, Any]:
    """Count the trainings anew.

    Returns:
        ``study.json`` as it is now.

    Raises:
        OutputError: if the folder holds no study of nodules.
    """
    document = read_study(out)
    if document.get("study") != STUDY_NAME:
        raise OutputError(
            f"{out} holds a study called {document.get('study')!r}; name the --out of `konio study nodules`"
        )
    document = _counted(out, document)
    write_json(out / STUDY, document)
    return document


def _counted(out: Path, document: dict[str, Any]) -> dict[str, Any]:
    everything = document["trials"]["all"]
    done = len(own_trials(out, document["fingerprint"]))
    failed = len(list((out / TRIALS).glob(f"*/{FAILURE}")))
    trials = {"all": everything, "done": done, "failed": failed}
    return {**document, "trials": trials, "finished": done >= everything}


def planned(document: Mapping[str, Any]) -> Preset:
    """The preset that a study was begun with; by its name where an earlier konio did not write it down."""
    plan = document.get("plan")
    return preset_of(document["preset"]) if plan is None else Preset.from_json(plan)


def report(out: str | Path, nodules: Path | None = None) -> Path:
    """The page, written from whatever trainings are finished; at any time, also while the study runs.

    Args:
        out: the study's folder.
        nodules: where they are now, if they were moved since.

    Returns:
        Path of ``index.html``.

    Raises:
        OutputError: if the folder holds no study of nodules, or one of other nodules.
    """
    from konio.studies.nodules.report import write_report

    out = Path(out).absolute()
    document = refresh(out)
    place = document["cohort"].get("place")
    if nodules is None and place is None:
        raise OutputError(f"{out} does not say where its nodules are; name them before the options")
    source = open_source(nodules or out / place)
    if readings_fingerprint(source.readings) != document["cohort"]["fingerprint"]:
        raise OutputError(
            f"{out} holds a study of other nodules than {source.name}; name those it was begun with"
        )
    return write_report(out, planned(document), source)
