"""The page of the seeds that are finished, at any time, also while the study runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from konio.errors import OutputError
from konio.studies.asking import read_study
from konio.studies.hierarchy.design import FUNCTION, design
from konio.studies.hierarchy.presets import Preset, preset
from konio.studies.runner import Study, Trial, finished

STUDY_NAME: Final = "hierarchy"


def report(out: str | Path) -> Path:
    """Write the page of a study from its finished seeds.

    A seed is four classes and both levels; tables and figures need all of them, so that half a seed is left out.

    Args:
        out: the study's folder.

    Returns:
        ``index.html``.

    Raises:
        OutputError: if the folder holds no such study, one of a preset that this konio makes otherwise, or no finished seed.
    """
    from konio.studies.hierarchy.report import write_report

    out = Path(out).absolute()
    document = read_study(out)
    chosen = begun_with(out, document)
    study = Study(STUDY_NAME, (), FUNCTION, document["fingerprint"])
    done = {
        trial.name
        for trial in finished(out, STUDY_NAME)
        if trial.fingerprint == study.trial_fingerprint(Trial(trial.name, trial.settings))
    }
    seeds = tuple(seed for seed in chosen.seeds if _trainings(chosen, seed) <= done)
    if not seeds:
        raise OutputError(
            f"no seed of the study in {out} is finished yet; wait for one, or run the study again to go on"
        )
    return write_report(out, dataclasses.replace(chosen, seeds=seeds), len(chosen.seeds))


def begun_with(out: Path, document: Mapping[str, Any]) -> Preset:
    """The preset of a study's folder.

    Args:
        out: the folder, for the sentence.
        document: its ``study.json``.

    Raises:
        OutputError: if the study is another one, or its preset is not what it was.
    """
    if document.get("study") != STUDY_NAME:
        raise OutputError(
            f"{out} holds a study called {document.get('study')!r}; name the --out of `konio study hierarchy`"
        )
    plain = document["preset"]
    chosen = preset(plain["name"])
    if json.loads(json.dumps(chosen.to_json())) != plain:
        raise OutputError(
            f"{out} holds a study of preset {chosen.name!r} as another konio makes it; "
            f"write its page with konio {document.get('konio_version')}"
        )
    return chosen


def _trainings(chosen: Preset, seed: int) -> set[str]:
    one = dataclasses.replace(chosen, seeds=(seed,))
    return {trial.name for trial in design(one, "", {}).trials}
