"""The first stage of paper A's study: weights given, made or done without, and the page says which."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from konio.cohort import FINDINGS
from konio.cohort.leakage import sha256_of
from konio.errors import BundleError, UsageError
from konio.learning.checkpoint import SafetensorsIO
from konio.learning.recipe import parse_recipe
from konio.learning.training import first_network
from konio.networks import read_bundle, write_bundle
from konio.networks.bundle import MULTITASK, BundleFacts, tasks_json
from konio.phantom import radiograph
from konio.studies.multitask import record
from konio.studies.multitask.design import cross_validation
from konio.studies.multitask.experiment import Ask
from konio.studies.multitask.pretraining import Pretraining, pretraining_recipe, provide
from konio.studies.multitask.trial import WEIGHTS, recipe_of
from konio.studies.runner import finished, run_study

from .tiny_study import TINY, Here, lay

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)
MULTI = "cv-multi-d25-f00"
STAGE = "cv-single-stage-d25-f00"


def backbone(folder: Path, seed: int = 5) -> Path:
    """A state dict as konio's own pre-training leaves it: a backbone and a classifier that nobody needs."""
    recipe = parse_recipe({"name": "other", "seed": seed, **TINY.recipe})
    state = first_network(recipe)[0].backbone.state_dict()
    file = folder / "backbone.safetensors"
    tensors = {f"backbone.{name}": value.contiguous() for name, value in state.items()}
    save_file({**tensors, "classifier.weight": torch.zeros(14, 8)}, file)
    return file


def chestxray14(folder: Path, films: int = 8) -> Path:
    """A download in small: made-up films, every second one with a finding."""
    images = folder / "images"
    images.mkdir(parents=True)
    with (folder / "Data_Entry_2017.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("Image Index", "Finding Labels", "Patient ID", "View Position"))
        for number in range(films):
            name = f"{number:08d}_000.png"
            film = radiograph(np.random.default_rng([3, number]), "healthy", 128)
            Image.fromarray((film.pixels // 16).astype(np.uint8)).save(images / name)
            table.writerow((name, FINDINGS[number % 14] if number % 2 else "No Finding", number, "PA"))  # fmt: skip
    return folder


def study_of(out: Path, made: Pretraining, *trials: str) -> str:
    """Carry out some trials of a study that begins so; the text of its page."""
    asked = cross_validation(lay(out, pretraining=made))
    wanted = tuple(trial for trial in asked.trials if trial.name in trials)
    assert len(wanted) == len(trials)
    run_study(dataclasses.replace(asked, trials=wanted), out, Here())
    return record.report(out).read_text("utf-8")


def starts_from(out: Path, trial: str) -> dict[str, torch.Tensor]:
    """First weights of the backbone of a finished trial."""
    (settings,) = (t.settings for t in finished(out) if t.name == trial)
    return first_network(recipe_of(settings, out))[0].backbone.state_dict()


def test_skipped_networks_begin_at_random_and_the_page_says_not_comparable(tmp_path):
    made = provide(tmp_path, Ask(TINY))
    assert made.to_json() == {
        "stage": "skipped",
        "origin": "random",
        "file": None,
        "sha256": None,
        "comparable_to_paper": False,
    }
    page = study_of(tmp_path, made, MULTI)
    assert "First weights: none (the paper began with ChestX-ray14" in page
    assert not (tmp_path / WEIGHTS).exists()


def test_given_every_network_of_every_group_starts_from_the_file(tmp_path):
    file, out = backbone(tmp_path), tmp_path / "out"
    made = provide(out, Ask(TINY, pretrained=file))
    assert (made.stage, made.origin, made.comparable) == ("given", "konio", False)
    assert dict(made.weights or {}) == {"file": file.name, "sha256": sha256_of(file)}
    page = study_of(out, made, MULTI, STAGE)
    assert (
        f"First weights: given, the backbone of a konio model (file {file.name}, SHA-256 {sha256_of(file)[:12]})."
        in page
    )
    assert record.read(out)["pretraining"] == made.to_json()
    given = load_file(file)
    for trial in (MULTI, STAGE):
        for name, value in starts_from(out, trial).items():
            assert torch.equal(value, given[f"backbone.{name}"]), (trial, name)


def test_given_weights_change_the_answers(tmp_path):
    answers = []
    for name, made in (
        ("given", provide(tmp_path / "given", Ask(TINY, pretrained=backbone(tmp_path)))),
        ("skipped", provide(tmp_path / "skipped", Ask(TINY))),
    ):
        study_of(tmp_path / name, made, MULTI)
        with np.load(tmp_path / name / "trials" / MULTI / "predictions.npz") as kept:
            answers.append(kept["logits_stage"])
    assert not np.allclose(*answers)


def test_given_a_bundle_its_backbone_is_taken(tmp_path):
    """Its heads belong to its own questions, so that a network of one question can start from it too."""
    network, _ = first_network(parse_recipe({"name": "shipped", "seed": 8, **TINY.recipe}))
    facts = BundleFacts(
        kind=MULTITASK,
        name="shipped-network",
        tasks=tasks_json(network.tasks),
        architecture=network.plan.to_json(),
        licence="Apache-2.0",
        intended_use="none",
    )
    bundle = write_bundle(tmp_path / "bundle", facts, network.state_dict())
    made = provide(tmp_path / "out", Ask(TINY, pretrained=bundle.path))
    assert dict(made.weights or {})["file"] == "shipped-network.safetensors"
    page = study_of(tmp_path / "out", made, STAGE)
    assert "given, the backbone of a konio model (file shipped-network.safetensors" in page
    given = read_bundle(bundle.path).weights
    for name, value in starts_from(tmp_path / "out", STAGE).items():
        assert torch.equal(value, given[f"backbone.{name}"]), name


def test_made_the_backbone_is_pretrained_once_and_named(tmp_path):
    films, out = chestxray14(tmp_path / "nih"), tmp_path / "out"
    counted = []
    ask = Ask(TINY, pretrain_on=films, workers=1, count=lambda *said: counted.append(said))
    made = provide(out, ask)
    assert (made.stage, made.origin) == ("made", "konio")
    run = out / WEIGHTS / "run" / "backbone.safetensors"
    kept = out / WEIGHTS / "backbone.safetensors"
    assert sha256_of(run) == sha256_of(kept) == (made.weights or {})["sha256"]
    assert {(stage, films) for stage, _, films, _ in counted} == {("pre-training films", 8)}
    page = study_of(out, made, MULTI)
    assert "First weights: made by this study (file backbone.safetensors" in page
    learned = load_file(kept)
    for name, value in starts_from(out, MULTI).items():
        assert torch.equal(value, learned[f"backbone.{name}"]), name
    before = run.stat().st_mtime_ns
    assert provide(out, ask) == made
    assert run.stat().st_mtime_ns == before


def test_the_stage_is_chexnets_and_no_larger_than_the_studys_films():
    recipe = pretraining_recipe(TINY)
    assert (recipe.kind, recipe.network.backbone) == ("chestxray14", "densenet-mini")
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adam", 1e-3)
    assert (recipe.schedule.kind, recipe.final_side) == ("plateau", 32)


def test_what_cannot_be_a_start_is_told_before_the_first_trial(tmp_path):
    file = backbone(tmp_path)
    with pytest.raises(UsageError, match="not both"):
        provide(tmp_path, Ask(TINY, pretrained=file, pretrain_on=tmp_path))
    with pytest.raises(UsageError, match=r"no file of weights .*nowhere\.pth"):
        provide(tmp_path, Ask(TINY, pretrained=tmp_path / "nowhere.pth"))
    other = tmp_path / "other.safetensors"
    save_file({"backbone.features.conv0.weight": torch.zeros(2, 1, 7, 7)}, other)
    with pytest.raises(BundleError, match="no weight file of this backbone"):
        provide(tmp_path / "out", Ask(TINY, pretrained=other))
    state = tmp_path / "state.safetensors"
    SafetensorsIO().save_checkpoint({"state_dict": {"network.w": torch.zeros(1)}}, state)
    with pytest.raises(UsageError, match="whose backbone fits all"):
        provide(tmp_path / "out", Ask(TINY, pretrained=state))
