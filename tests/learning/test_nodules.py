"""Nodules are learned in the same room as radiographs: votes, classes, cubes on disk, one run from start to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from konio.errors import CohortError, RefusedError
from konio.learning.batches import Shard
from konio.learning.fit import Fitted, fit
from konio.learning.look import look
from konio.learning.module import Run
from konio.learning.nodule_parts import nodule_folds
from konio.learning.nodule_table import classes_of, rated_table, votes_of
from konio.learning.nodule_training import (
    ended_run,
    first_nodule_network,
    train_nodules,
    vote_temperature,
)
from konio.learning.nodules import NoduleVolumes, open_volumes
from konio.learning.rated_objective import RatedQuestions, called, judged, scores_of
from konio.learning.recipe import AugmentTable, Phase, Recipe, parse_recipe, read_recipe
from konio.learning.timetable import lay_out
from konio.networks import read_bundle
from konio.networks.balancing import BALANCES, BalancePlan, build_balance
from konio.networks.nodule import build_nodule_network
from konio.networks.nodule_bundle import NODULE, nodule_network
from konio.networks.rated import RatedLoss
from konio.nodules import Nodule
from konio.prepare.nodule import NodulePreparation
from konio.tasks import MISSING, NODULE_TASKS

from .made_up_nodules import cut, readings

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)

FREE = AugmentTable(rotation=10, flip_horizontal=True, flip_vertical=True)


def recipe(**nodule: Any) -> Recipe:
    table = {"encoder": "vit-mini-stem", "grid": 2, "patch": 8, "hidden": 8}
    return parse_recipe(
        {
            "name": "nodules",
            "kind": "nodule",
            "nodule": {**table, "side_mm": [8.0, 8.0, 8.0], "loss": "votes", **nodule},
            "optimizer": {"name": "adamw", "lr": 3e-3},
            "augment": FREE.model_dump(),
            "trainer": {"accelerator": "cpu", "precision": "float32"},
            "phases": [{"epochs": 3, "batch": 8}],
        }
    )


def volumes(folder: Path, count: int = 24, wanted: Recipe | None = None) -> NoduleVolumes:
    table = (wanted or recipe()).nodule
    nodules = readings(count)
    voxels, _ = open_volumes(nodules, table.preparation(), folder, cut)
    labels = rated_table(nodules, NODULE_TASKS.subset(*table.tasks))
    return NoduleVolumes(voxels, np.arange(count), labels, table.preparation())


def run_of(wanted: Recipe, folder: Path) -> Run:
    examples = volumes(folder, wanted=wanted)
    tasks = NODULE_TASKS.subset(*wanted.nodule.tasks)
    balance = build_balance(tasks.names, wanted.nodule.balance_plan())
    return Run(
        recipe=wanted,
        timetable=lay_out(wanted, len(examples)),
        train=examples,
        held_out=examples,
        objective=RatedQuestions(tasks, wanted.nodule.rated_loss(), balance),
        balance=balance,
    )


def trained(wanted: Recipe, folder: Path) -> tuple[Run, Fitted]:
    run = run_of(wanted, folder)
    network = build_nodule_network(wanted.nodule.plan(), torch.Generator().manual_seed(1))
    return run, fit(run, network, folder / "run")


def test_votes_and_classes_are_those_of_the_readings() -> None:
    nodules = readings(30)
    votes = votes_of(nodules, NODULE_TASKS)
    grades = nodules.ratings("margin")
    means = votes["margin"] @ np.arange(1, 6)
    assert np.allclose(means, np.nanmean(grades, axis=1), atol=1e-6)
    assert all(np.allclose(v.sum(axis=1), 1) for v in votes.values())
    classes = classes_of(nodules, NODULE_TASKS)
    mean = nodules.mean("malignancy")
    middle = (mean >= 2.75) & (mean <= 3.25)
    assert ((classes["malignancy"] == MISSING) == middle).all()
    assert set(np.unique(classes["diameter"])) == {0, 1}
    table = rated_table(nodules, NODULE_TASKS)
    assert table.shape == (30, sum(len(task) for task in NODULE_TASKS) + 9)
    three = classes_of(nodules, NODULE_TASKS, 3)
    assert {0, 2} <= set(np.unique(three["margin"])) <= {0, 1, 2}
    assert set(np.unique(three["diameter"])) == {0, 1}


def test_cubes_are_cut_once_and_refusals_are_kept(tmp_path: Path) -> None:
    calls = []

    def cutter(nodule: Nodule, preparation: NodulePreparation) -> Any:
        calls.append(nodule.nodule_id)
        if nodule.nodule_id == "2":
            raise RefusedError("thick-slices", "5 mm")
        return cut(nodule, preparation)

    preparation = recipe().nodule.preparation()
    first, refused = open_volumes(readings(4), preparation, tmp_path, cutter)
    again, _ = open_volumes(readings(4), preparation, tmp_path, cutter)
    assert len(calls) == 4 and list(refused) == [2] and "2: " in refused[2]
    assert np.array_equal(first, again) and not first[2].any()

    def nothing(nodule: Nodule, preparation: NodulePreparation) -> Any:
        raise RefusedError("missing", "gone")

    with pytest.raises(CohortError, match="none of the 3"):
        open_volumes(readings(3), preparation, tmp_path, nothing)


def test_moves_are_drawn_from_the_seed_and_only_where_asked_for(tmp_path: Path) -> None:
    examples = volumes(tmp_path)
    phase = Phase(size=32)
    drawn = examples.moves([1, 2, 3], 50, FREE, phase)
    again = examples.moves([1, 2, 3], 50, FREE, phase)
    assert all(torch.equal(drawn[name], again[name]) for name in drawn)
    assert drawn["upside_down"].any() and set(drawn["shift"].tolist()) == {-2, -1, 0, 1, 2}
    determinants = torch.linalg.det(drawn["places"][:, :, :2])
    assert (determinants > 0).any() and (determinants < 0).any()
    still = examples.moves([1, 2, 3], 50, AugmentTable(rotation=0), phase)
    assert not still["upside_down"].any() and not still["shift"].any()
    seen = examples.view(
        examples.batch(np.arange(4), 32) | {k: v[:4] for k, v in drawn.items()}, 32
    )
    assert seen.image.shape == (4, *examples.preparation.voxels)


@pytest.mark.parametrize("balance", BALANCES)
def test_training_learns_what_is_plain_to_see(tmp_path: Path, balance: str) -> None:
    run, fitted = trained(recipe(balance=balance, tasks=["malignancy", "diameter"]), tmp_path)
    assert fitted.finished and np.isfinite(fitted.scores["loss"])
    assert fitted.scores["malignancy/auc"] > 0.7
    logits = look(fitted.network, run.held_out, 32, run.objective, shard=Shard()).numpy()
    assert run.objective.judge(logits, run.held_out.labels) == pytest.approx(fitted.scores)


def test_a_stopped_run_goes_on_with_its_balance(tmp_path: Path) -> None:
    wanted = recipe(balance="dwa")
    _, whole = trained(wanted, tmp_path / "whole")
    run = run_of(wanted, tmp_path / "parts")
    half = parse_recipe(wanted.model_dump() | {"phases": [{"epochs": 2, "batch": 8}]})
    network = build_nodule_network(wanted.nodule.plan(), torch.Generator().manual_seed(1))
    first = run_of(half, tmp_path / "parts")
    fit(first, network, tmp_path / "parts" / "run")
    again = build_nodule_network(wanted.nodule.plan(), torch.Generator().manual_seed(5))
    resumed = fit(run, again, tmp_path / "parts" / "run")
    assert run.balance is not None and int(run.balance.get_buffer("epochs")) == 3
    for name, value in whole.network.state_dict().items():
        assert torch.allclose(resumed.network.state_dict()[name], value, atol=1e-6), name


def test_scores_and_classes_read_the_answer_as_the_loss_does() -> None:
    task = NODULE_TASKS["malignancy"]
    logits = np.log(np.array([[0.6, 0.2, 0.1, 0.05, 0.05], [0.02, 0.02, 0.02, 0.04, 0.9]]))
    for kind in ("squared", "classes", "votes"):
        loss = RatedLoss(kind)  # type: ignore[arg-type]
        found = scores_of(task, logits, loss)
        assert found[0] < 0.5 < found[1]
        assert called(task, logits, loss).tolist() == [0, 1]
    middle = np.log(np.array([[0.05, 0.1, 0.7, 0.1, 0.05]]))
    assert called(task, middle, RatedLoss("squared", 3)).tolist() == [1]
    assert called(task, middle, RatedLoss("classes", 3)).tolist() == [1]
    perfect = judged(task, logits, np.array([0, 1]), RatedLoss())
    assert perfect == {"accuracy": 1.0, "balanced_accuracy": 1.0, "auc": 1.0}
    assert judged(task, logits, np.array([1, MISSING]), RatedLoss()) == {}


def test_balances_of_recipes_are_those_of_the_network_room() -> None:
    assert {recipe(balance=kind).nodule.balance_plan().kind for kind in BALANCES} == set(BALANCES)
    assert recipe().nodule.balance_plan() == BalancePlan("dwa", 2.0, 1.5)


def test_folds_never_part_a_patient_and_keep_the_mixture() -> None:
    nodules = readings(60, patients=20)
    parts = nodule_folds(nodules, 5, np.random.default_rng(1))
    assert sorted(row for part in parts for row in part.test) == list(range(60))
    for part in parts:
        train, test = ({nodules.patients[row] for row in side} for side in (part.train, part.test))
        assert not train & test


def test_from_readings_to_a_bundle_and_back(tmp_path: Path) -> None:
    nodules = readings(40, patients=20)
    nodules.write(tmp_path / "readings.csv")
    wanted = parse_recipe(recipe().model_dump() | {"validation": {"fraction": 0.25}})
    made = train_nodules(tmp_path, wanted, tmp_path / "run", cutter=cut)
    bundle = read_bundle(made)
    assert bundle.facts.kind == NODULE and set(bundle.facts.tasks) == set(NODULE_TASKS.names)
    assert set(bundle.facts.temperatures) == set(NODULE_TASKS.names)
    baseline = bundle.facts.metrics["diameter_only"]
    assert 6 < baseline["midpoint_mm"] < 18 and baseline["slope"] > 0
    assert bundle.facts.metrics["reader_spread"]["margin"]["3"]["sd"] > 0
    network = nodule_network(bundle)
    logits = network(torch.zeros(1, *network.plan.shape))
    assert set(logits) == set(NODULE_TASKS.names)
    # The same command again answers with the finished bundle, without a second training.
    assert train_nodules(tmp_path, wanted, tmp_path / "run", resume=True, cutter=cut) == made
    table = wanted.nodule.model_copy(update={"pretrained": str(made), "tasks": ("malignancy",)})
    again, origin = first_nodule_network(wanted.model_copy(update={"nodule": table}))
    assert origin["sha256"] == bundle.weights_sha256
    for name, value in again.state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name
    # The folder of a run that has ended means its bundle; of one that has not, its state; anything else is left as it is.
    assert ended_run(str(tmp_path / "run")) == str(made)
    assert ended_run(str(made)) == str(made) and ended_run("google/vit") == "google/vit"
    going = tmp_path / "going"
    going.mkdir()
    (going / "run.json").write_text("{}")
    assert ended_run(str(going)) == str(going / "state.safetensors")


def test_positions_of_another_kind_are_not_taken_over(tmp_path: Path) -> None:
    nodules = readings(16)
    nodules.write(tmp_path / "readings.csv")
    wanted = parse_recipe(recipe().model_dump() | {"phases": [{"epochs": 1, "batch": 8}]})
    made = train_nodules(tmp_path, wanted, tmp_path / "run", cutter=cut)
    name = "backbone.embeddings.position_embeddings"
    for position, kept in (("grid", True), ("none", False)):
        table = wanted.nodule.model_copy(update={"pretrained": str(made), "position": position})
        network, _ = first_nodule_network(wanted.model_copy(update={"nodule": table}))
        assert bool(network.state_dict()[name].any()) is kept


def test_vote_temperature_finds_how_warm_the_logits_are() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1, (400, 5)).astype(np.float32)
    votes = torch.from_numpy(logits).softmax(dim=1).numpy()
    assert vote_temperature(3 * logits, votes) == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize("name", ["konio-nodule", "nodule-slice"])
def test_shipped_recipes_describe_networks(name: str) -> None:
    found = read_recipe(Path(__file__).parents[2] / "recipes" / f"{name}.toml")
    assert found.kind == "nodule" and found.name == name
    plan, preparation = found.nodule.plan(), found.nodule.preparation()
    assert plan.shape == preparation.voxels and plan.tasks == NODULE_TASKS.names
