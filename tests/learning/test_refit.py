"""Heads that learn from kept features: the same backbone, what the films show, and nothing that is not asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from konio.errors import RecipeError
from konio.learning.batches import Films
from konio.learning.level_objective import LevelObjective
from konio.learning.recipe import HeadsTable
from konio.learning.refit import kept_features, learn, refit, refit_level
from konio.networks import build_network
from konio.networks.class_losses import ClassLossPlan
from konio.networks.classifier import ClassifierPlan, build_classifier
from konio.networks.heads import TaskHead
from konio.networks.pooling import Pooled
from konio.prepare.crops import CropPlan
from konio.tasks import MISSING

from .synthetic_run import FILMS, labels, recipe, store

HEADS = {"epochs": 2, "views": 2, "batch": 8}


def films(count: int = FILMS) -> Films:
    return Films(store(), np.arange(count), labels(count))


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_network(recipe().network.plan()).plain().eval()


def test_a_head_learns_small_differences_on_top_of_a_large_mean() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    vectors = rng.normal(0, 0.01, (300, 16)) + 5
    vectors[np.arange(300), truth] += 0.05
    given = torch.from_numpy(vectors).float()
    head = TaskHead(16, 8, 3, 0.25, torch.Generator().manual_seed(0))
    table = HeadsTable(epochs=20, batch=16, lr=3e-3, weight_decay=0.01)
    learned = torch.from_numpy(np.where(rng.random(300) < 0.2, MISSING, truth))
    generator = torch.Generator().manual_seed(1)
    learn(head, head.fc1, given, learned, nn.functional.cross_entropy, table, generator)
    assert not head.training
    found = head(given).argmax(dim=1).numpy()
    assert (found == truth)[learned.numpy() == MISSING].mean() > 0.9


def test_without_a_label_a_head_stays_as_it_began() -> None:
    head = TaskHead(4, 3, 2, 0.0, torch.Generator().manual_seed(0))
    before = {name: value.clone() for name, value in head.state_dict().items()}
    nothing = torch.full((5,), MISSING)
    learn(head, head.fc1, torch.randn(5, 4), nothing, nn.functional.cross_entropy, HeadsTable(epochs=1), torch.Generator())  # fmt: skip
    for name, value in head.state_dict().items():
        assert torch.equal(value, before[name])


def test_first_view_is_what_the_network_sees_and_the_second_is_moved() -> None:
    net, own = network(), films()
    wanted = recipe(heads=HEADS)
    kept = kept_features(
        lambda seen: Pooled(net.features(seen.image), seen.zones).kept, own, wanted
    )
    assert kept.shape == (2 * FILMS, 7, net.backbone.out_channels)
    seen = own.view(own.batch(np.arange(FILMS), 64), 64)
    straight = net.answer(net.features(seen.image), seen.zones)
    again = Pooled.of(kept[:FILMS])
    for task in net.tasks:
        torch.testing.assert_close(net.head(task)(net.pool(again, task)), straight[task.name])
    assert (kept[:FILMS] - kept[FILMS:]).abs().amax(dim=(1, 2)).min() > 0


def test_new_heads_old_backbone_and_the_same_again() -> None:
    told: list[tuple[int, int]] = []
    first = refit(network(), films(), recipe(heads=HEADS), lambda *now: told.append(now))
    again = refit(network(), films(), recipe(heads=HEADS))
    untouched = network().state_dict()
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert torch.equal(value, untouched[name]) is not name.startswith("heads."), name
    assert told[-1] == (2 * FILMS, 2 * FILMS)
    assert not first.training


def test_a_level_gets_a_head_for_its_own_question() -> None:
    plan = ClassifierPlan(3, "densenet-mini")
    level = build_classifier(plan, torch.Generator().manual_seed(1))
    own = films()
    asked = Films(own.store, own.positions, np.arange(FILMS)[:, None] % 3)
    objective = LevelObjective(3, ClassLossPlan("class-penalty", (5, 8, 9)), CropPlan())
    before = {name: value.clone() for name, value in level.state_dict().items()}
    found = refit_level(level, asked, recipe(heads=HEADS), objective)
    for name, value in found.state_dict().items():
        assert torch.equal(value, before[name]) is not name.startswith("head."), name


def test_a_head_that_sees_more_than_the_mean_is_refused() -> None:
    level = build_classifier(ClassifierPlan(3, "alexnet-mini"))
    objective = LevelObjective(3, ClassLossPlan(), CropPlan())
    with pytest.raises(RecipeError, match="more than the mean"):
        refit_level(level, films(), recipe(heads=HEADS), objective)


def test_kept_features_belong_to_films() -> None:
    document = {"name": "n", "kind": "nodule", "network": {}, "loss": {}, "heads": HEADS}
    with pytest.raises(RecipeError, match="kept features"):
        recipe(**document)


def test_heads_are_part_of_what_decides_the_weights() -> None:
    assert recipe().fingerprint != recipe(heads=HEADS).fingerprint
