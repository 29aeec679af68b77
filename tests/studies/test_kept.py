"""Networks on kept features: what they see, who moves what, and that measured films decide nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from konio.cohort import read_cohort
from konio.errors import UsageError
from konio.learning.recipe import parse_recipe
from konio.learning.timetable import lay_out
from konio.networks.losses import task_weights
from konio.studies.multitask import record
from konio.studies.multitask.estimate import estimate
from konio.studies.multitask.experiment import Ask, carry_out
from konio.studies.multitask.kept import KeptNetwork, answer, learn, summary
from konio.studies.multitask.predictions import read_predictions
from konio.studies.multitask.presets import PRESETS, check, preset, with_onlooker
from konio.studies.multitask.trial import read_parts
from konio.studies.runner import finished
from konio.studies.seen import features_file
from konio.tasks import MISSING

from .tiny_study import FILMS, TINY, WAYS, Here, lay

CHANNELS = 3
BOTH = ["differential", "stage"]


def recipe(**changes: Any) -> Any:
    document = {
        "name": "kept",
        "network": {"backbone": "densenet-mini", "hidden": 16, "tasks": BOTH, "dropout": 0.25},
        "optimizer": {"name": "adamw", "lr": 1e-2},
        "schedule": {"kind": "one-cycle"},
        "phases": [{"size": 32, "epochs": 30, "batch": 8}],
    }
    return parse_recipe(document | changes)


def test_a_film_is_the_mean_over_its_zones_and_the_greatest_value_of_the_last_map() -> None:
    zones = np.arange(6 * CHANNELS).reshape(6, CHANNELS)
    row = np.concatenate([np.full(7, -1.0), zones.ravel(), [90, 91, 92]]).astype(np.float16)
    (seen,) = summary(row[None], [CHANNELS])
    assert seen.tolist() == [*zones.mean(axis=0).tolist(), 90, 91, 92]
    (both,) = summary(row[None], [1, CHANNELS])
    assert both.tolist() == [-1, -1, *seen.tolist()]


def test_each_head_is_moved_by_its_own_loss_and_the_shared_layer_by_the_weighted_sum() -> None:
    network = KeptNetwork(6, recipe()).eval()
    vectors = torch.rand((8, 6), generator=torch.Generator().manual_seed(3))
    truth = {
        "differential": torch.tensor([0, 1, 2, 2, 0, 1, 2, 0]),
        "stage": torch.tensor([MISSING, MISSING, 1, 3, MISSING, MISSING, 0, MISSING]),
    }
    weights = task_weights(truth)

    def gradients(weighted: dict[str, float] | None, names: list[str]) -> dict[str, torch.Tensor]:
        network.zero_grad()
        answers = network(vectors, weighted)
        losses = [
            torch.nn.functional.cross_entropy(answers[n][truth[n] >= 0], truth[n][truth[n] >= 0])
            for n in names
        ]
        sum(losses).backward()  # type: ignore[union-attr]
        return {k: v.grad.clone() for k, v in network.named_parameters() if v.grad is not None}

    together = gradients(weights, BOTH)
    alone = {name: gradients(None, [name]) for name in BOTH}
    for key, moved in together.items():
        if key.startswith("heads."):
            torch.testing.assert_close(moved, alone[key.split(".")[1]][key])
        else:
            expected = sum(weights[name] * alone[name][key] for name in BOTH)
            torch.testing.assert_close(moved, expected)
    assert weights["stage"] == pytest.approx(3 / 11)


def test_a_question_that_nobody_has_a_label_for_moves_nothing() -> None:
    vectors = torch.rand((16, 6), generator=torch.Generator().manual_seed(1))
    labels = torch.stack([torch.arange(16) % 3, torch.full((16,), MISSING)], dim=1)
    network = KeptNetwork(6, recipe())
    before = {k: v.clone() for k, v in network.state_dict().items()}
    learn(network, vectors, labels, recipe(), lay_out(recipe(), 16))
    after = network.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items() if ".stage." in k)
    assert not torch.equal(after["shared.weight"], before["shared.weight"])
    assert np.isfinite(answer(network, vectors)).all()


def test_what_can_be_learned_is_learned_and_twice_the_same() -> None:
    draw = torch.Generator().manual_seed(2)
    labels = torch.stack([torch.arange(60) % 3, torch.arange(60) % 4], dim=1)
    vectors = torch.randn((60, 8), generator=draw) * 0.3 + 50
    vectors[:, :3] += torch.nn.functional.one_hot(labels[:, 0], 3)
    vectors[:, 3:7] += torch.nn.functional.one_hot(labels[:, 1], 4)
    said = []
    for _ in range(2):
        network = KeptNetwork(8, recipe())
        learn(network, vectors, labels, recipe(), lay_out(recipe(), 60))
        said.append(answer(network, vectors))
    assert np.array_equal(said[0], said[1])
    assert (said[0][:, :3].argmax(axis=1) == labels[:, 0].numpy()).mean() > 0.95
    assert (said[0][:, 3:].argmax(axis=1) == labels[:, 1].numpy()).mean() > 0.9


def study(out: Path, changed: bool = False) -> Path:
    """A study on features that know the class; the films measured at the end are other ones where changed."""
    kept = dataclasses.replace(TINY, kept=True, seen_by="a model", dropouts=(0.25,))
    laid = dataclasses.replace(lay(out, preset=kept), kept=(CHANNELS,))
    rng = np.random.default_rng(5)
    table = rng.normal(size=(FILMS, 7 * CHANNELS))
    for number in range(FILMS):
        table[number, :CHANNELS] += number % len(WAYS)
    test = list(read_parts(out).final.measured)  # type: ignore[union-attr]
    if changed:
        table[test] = rng.normal(size=(len(test), 7 * CHANNELS)) * 9
    np.save(features_file(out), table.astype(np.float16), allow_pickle=False)
    carry_out(out, laid, Ask(kept), Here())
    return out


def test_every_trial_answers_its_films_and_the_test_films_decide_nothing(tmp_path: Path) -> None:
    one, other = study(tmp_path / "one"), study(tmp_path / "other", changed=True)
    trials = {t.name: t for t in finished(one)}
    again = {t.name: t for t in finished(other)}
    networks = [n for n in trials if "multi" in n or "single" in n]
    assert len(networks) == 3 * (2 + 1)
    for name in networks:
        found, twin = (read_predictions(t.folder) for t in (trials[name], again[name]))
        same = all(np.array_equal(found.tasks[k].logits, twin.tasks[k].logits) for k in found.tasks)
        assert same == name.startswith("cv-"), name
        assert trials[name].result["parameters"] > 0
    assert read_cohort(one / "cohort.csv", check_files=False).fingerprint
    assert (one / "index.html").exists()


def test_a_preset_of_kept_features_wants_a_model_and_no_weights() -> None:
    small = preset("small")
    assert small.kept and small.seen_by == "konio-radiograph"
    assert (small.folds, small.seeds, len(small.dropouts), small.cases) == (10, 40, 4, 3600)
    with pytest.raises(UsageError, match="--seen-by"):
        with_onlooker(small, "")
    with pytest.raises(UsageError, match="trains no backbone"):
        check(small, None, Path("weights.pth"))
    assert with_onlooker(small, "mine").seen_by == "mine"
    assert [name for name, p in PRESETS.items() if p.kept] == ["small", "real-kept"]
    with pytest.raises(UsageError, match="real films"):
        check(preset("real-kept"), None)


def test_the_estimate_counts_one_look_at_every_film() -> None:
    tiny = dataclasses.replace(TINY, kept=True, seen_by="a model", cases=60)
    few, many = (estimate(tiny, workers=1, films=n) for n in (60, 60_000))
    assert few.trials == many.trials == 3 * (2 * 2 + 1)
    assert many.hours > few.hours > 0


def test_the_page_names_the_backbone_below(tmp_path: Path) -> None:
    out = study(tmp_path / "one")
    record.update(out, {"seen_by": {"model": "a model", "sha256": "ab" * 32}})
    text = record.report(out).read_text("utf-8")
    assert "the backbone of a model (SHA-256 abababababab)" in text
    assert "骨干网络，保持不变" in text
