"""Pre-training as a stage: given as a file, made on ChestX-ray14, or skipped. The result says which.

References:
    Paper A starts from CheXNet (section 1.3; dossier 4.1 P6, gap 8).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from konio.cohort.leakage import sha256_of
from konio.errors import OutputError, UsageError
from konio.learning.recipe import Recipe, parse_recipe
from konio.studies.multitask.trial import WEIGHTS

if TYPE_CHECKING:
    from konio.studies.multitask.experiment import Ask
    from konio.studies.multitask.presets import Preset

_RUN: Final = "run"


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Where the first weights of every network come from.

    Args:
        stage: what was done.
        origin: whose weights they are, as far as the file tells.
        weights: file (in the study's folder) and SHA-256, or ``None``.
        comparable: whether the paper's figures may be set beside ours as far as the first weights go.
    """

    stage: Literal["skipped", "given", "made"]
    origin: str
    weights: Mapping[str, str] | None
    comparable: bool

    def to_json(self) -> dict[str, Any]:
        """``pretraining`` of ``study.json``."""
        named = dict(self.weights) if self.weights is not None else {"file": None, "sha256": None}
        return {
            "stage": self.stage,
            "origin": self.origin,
            **named,
            "comparable_to_paper": self.comparable,
        }


def provide(out: Path, ask: Ask) -> Pretraining:
    """Take the weights that were given, make them, or do without.

    Args:
        out: the study's folder; weights are kept in it.
        ask: says which.

    Raises:
        UsageError: if both were asked for, the file is not there, or it holds a run's state.
        BundleError: if the file does not fit the network.
    """
    if ask.pretrained is not None and ask.pretrain_on is not None:
        raise UsageError("give --pretrained or --pretrain-on, not both; the stage happens once")
    if ask.pretrained is not None:
        file, name = _given(ask.pretrained)
        return _kept(out, ask.preset, _copied(out, file, name), "given")
    if ask.pretrain_on is not None:
        from konio.learning import Options, train

        options = Options(workers=ask.workers, preparing=ask.counting("pre-training films"))
        made = train(
            ask.pretrain_on,
            pretraining_recipe(ask.preset),
            out / WEIGHTS / _RUN,
            resume=True,
            options=options,
        )
        return _kept(out, ask.preset, _copied(out, made, made.name), "made")
    return Pretraining("skipped", "random", None, comparable=False)


def pretraining_recipe(preset: Preset) -> Recipe:
    """After CheXNet: Adam 1e-3, batch 16, a plateau; as large as the study's own films, 320 at most.

    References:
        Rajpurkar et al., CheXNet, 2017, section 2.
    """
    network = preset.recipe["network"]
    phase = {"size": min(320, preset.side), "epochs": 10 if preset.name == "paper" else 1}
    return parse_recipe(
        {
            "name": "pretraining",
            "kind": "chestxray14",
            "network": {"backbone": network["backbone"]},
            "optimizer": {"name": "adam", "lr": 1e-3},
            "schedule": {"kind": "plateau", "patience": 1},
            "augment": {"scale": 0.05, "rotation": 7, "translation": 0.03},
            "trainer": dict(preset.recipe.get("trainer", {})),
            "phases": [phase],
        }
    )


def _given(path: Path) -> tuple[Path, str]:
    """The file of weights that was given, and what it is called in the study; of a bundle its backbone is taken."""
    from konio.learning.checkpoint import is_state
    from konio.networks.bundle import WEIGHTS as OF_BUNDLE
    from konio.networks.bundle import read_bundle

    if path.is_dir():
        return path / OF_BUNDLE, f"{read_bundle(path).facts.name}.safetensors"
    if not path.is_file():
        raise UsageError(
            f"there is no file of weights {path}; name a .safetensors or torch file, or a bundle"
        )
    if is_state(path):
        raise UsageError(
            f"{path} is the state of a run and fits no network but that run's own; give its bundle, whose backbone fits all"
        )
    return path, path.name


def _copied(out: Path, given: Path, name: str) -> Path:
    kept = out / WEIGHTS / name
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists() or sha256_of(kept) != sha256_of(given):
            shutil.copyfile(given, kept)
    except OSError as error:
        raise OutputError(
            f"{given} cannot be copied to {kept} ({error.strerror}); choose another --out"
        ) from error
    return kept


def _kept(out: Path, preset: Preset, file: Path, stage: Literal["given", "made"]) -> Pretraining:
    """Open the weights once with the study's network, so that a file that does not fit is told at once."""
    from konio.learning.training import first_network

    document = {"name": "weights", **preset.recipe}
    document["network"] = {**preset.recipe["network"], "pretrained": str(file)}
    _, origin = first_network(parse_recipe(document))
    weights = {"file": file.name, "sha256": sha256_of(file)}
    comparable = preset.recipe["network"]["backbone"] == "densenet121" and preset.name == "paper"
    return Pretraining(stage, str(origin["origin"]), weights, comparable)
