"""Contract of the network over backbones, poolings and tasks."""

from __future__ import annotations

import copy
import itertools
import pickle

import pytest
import torch

from konio.errors import RecordError, UsageError
from konio.networks.heads import Standardise
from konio.networks.multitask import MultiTaskNetwork, build_network
from konio.networks.plan import BACKBONES, PAPER_DROPOUTS, POOLINGS, NetworkPlan
from konio.networks.pooling import Pooled, zone_means
from konio.tasks import RADIOGRAPH_TASKS, ZONES

ALL = RADIOGRAPH_TASKS.names


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(**kwargs: object) -> MultiTaskNetwork:
    plan = NetworkPlan(**{"tasks": ALL, "backbone": "densenet-mini", "hidden": 16, **kwargs})
    return build_network(plan, seeded())


@pytest.mark.parametrize(("backbone", "pooling"), list(itertools.product(BACKBONES, POOLINGS)))
def test_every_backbone_and_pooling_answers_every_task(backbone: str, pooling: str) -> None:
    chosen = {t.name: pooling for t in RADIOGRAPH_TASKS if pooling != "zone" or t.zone}
    plan = NetworkPlan(ALL, backbone=backbone, hidden=16, pooling=chosen)
    network = build_network(plan, seeded()).eval()
    image, zones = torch.randn(2, 1, 64, 64, generator=seeded()), torch.rand(2, 6, 2, 2)
    with torch.no_grad():
        answers = network(image, zones)
    assert {k: tuple(v.shape) for k, v in answers.items()} == {
        task.name: (2, len(task)) for task in RADIOGRAPH_TASKS
    }


@pytest.mark.parametrize("dropout", PAPER_DROPOUTS)
def test_dropout_acts_in_training_only_and_even_at_ninety_percent(dropout: float) -> None:
    network = small(tasks=("stage",), dropout=dropout)
    image = torch.randn(2, 1, 64, 64, generator=seeded())
    logits = network(image)["stage"]
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    network.eval()
    with torch.no_grad():
        assert torch.equal(network(image)["stage"], network(image)["stage"])


def test_paper_preset_is_two_global_heads_of_two_layers() -> None:
    plan = NetworkPlan(("differential", "stage"), dropout=0.75)
    assert dict(plan.pooling) == {"differential": "global", "stage": "global"}
    assert not plan.needs_zones
    heads = build_network(plan).heads
    assert heads["differential"].fc1.weight.shape == (512, 1024)
    assert heads["stage"].fc2.weight.shape == (4, 512)


def test_zone_pooling_sees_its_zone_only() -> None:
    network = small().eval()
    features = torch.rand(1, network.backbone.out_channels, 4, 4, generator=seeded())
    zones = torch.zeros(1, 6, 4, 4)
    zones[0, :, 0, 0] = 1
    zones[0, 0] = 0
    zones[0, 0, 3, 3] = 1
    changed = features.clone()
    changed[0, :, 3, 3] += 1
    before, after = network.answer(features, zones), network.answer(changed, zones)
    assert not torch.equal(before["zone_ru"], after["zone_ru"])
    assert not torch.equal(before["stage"], after["stage"])
    for zone in ZONES[1:]:
        assert torch.equal(before[f"zone_{zone}"], after[f"zone_{zone}"])


def test_zone_means_are_weighted_means_and_zero_without_weight() -> None:
    features = torch.arange(8.0).reshape(1, 2, 2, 2)
    zones = torch.zeros(1, 6, 2, 2)
    zones[0, 0] = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    means = zone_means(features, zones)
    assert means[0, 0].tolist() == [(0 * 1 + 3 * 3) / 4, (4 * 1 + 7 * 3) / 4]
    assert means[0, 1].tolist() == [0, 0]
    both = Pooled(features, zones).vector("global+zones")
    assert both.tolist() == [[1.5, 5.5, 2.25, 6.25]]


def test_shared_zone_head_is_one_head() -> None:
    network = small(shared_zone_head=True)
    assert set(network.heads) == {"differential", "stage", "zones", "large_opacity", "aggregation"}
    assert network.head(RADIOGRAPH_TASKS["zone_ru"]) is network.head(RADIOGRAPH_TASKS["zone_ll"])


def test_lesion_map_appears_in_training_only() -> None:
    network = small(tasks=("stage",), auxiliary=True)
    image = torch.randn(2, 1, 64, 64, generator=seeded())
    assert network(image)["lesions"].shape == (2, 3, 2, 2)
    assert "lesions" not in network.eval()(image)


def test_deep_heads_answer_in_the_grid_of_their_block_and_teach_it() -> None:
    network = small(tasks=("stage",), auxiliary=True, deep=(1, 2, 3))
    image = torch.randn(2, 1, 64, 64, generator=seeded())
    answers = network(image)
    sides = {name: tuple(maps.shape[1:]) for name, maps in answers.items() if name != "stage"}
    assert sides == {
        "lesions": (3, 2, 2), "lesions_1": (3, 8, 8), "lesions_2": (3, 8, 8), "lesions_3": (3, 4, 4)
    }  # fmt: skip
    answers["lesions_2"].sum().backward()
    moved = {
        name.split(".")[2]
        for name, weight in network.backbone.named_parameters(prefix="backbone")
        if weight.grad is not None and "denseblock" in name
    }
    assert moved == {"denseblock1", "denseblock2"}
    assert set(network.eval()(image)) == {"stage"}


def test_deep_heads_change_no_answer() -> None:
    plain, deep = (small(auxiliary=True, deep=blocks).eval() for blocks in ((), (2,)))
    shared = {k: v for k, v in deep.state_dict().items() if not k.startswith("deep.")}
    plain.load_state_dict(shared)
    image, zones = torch.randn(1, 1, 64, 64, generator=seeded()), torch.rand(1, 6, 2, 2)
    with torch.no_grad():
        first, second = plain(image, zones), deep(image, zones)
    assert all(torch.equal(first[name], second[name]) for name in ALL)


def test_standardised_heads_become_plain_ones_with_the_same_answers() -> None:
    network = small(standardise=True)
    zones = torch.rand(8, 6, 2, 2, generator=seeded())
    for _ in range(20):
        network(torch.randn(8, 1, 64, 64, generator=seeded()), zones)
    network.eval()
    image = torch.randn(8, 1, 64, 64, generator=seeded())
    plain = network.plain()
    assert plain.plan == NetworkPlan.from_json({**network.plan.to_json(), "standardise": False})
    assert not [key for key in plain.state_dict() if "standard" in key]
    with torch.no_grad():
        given, same = network(image, zones), plain(image, zones)
    for name in ALL:
        torch.testing.assert_close(same[name], given[name], atol=1e-5, rtol=1e-4)


def test_pooled_features_are_standardised_by_what_was_seen_so_far() -> None:
    standard = Standardise(3)
    vectors = 5 + 0.1 * torch.randn(400, 3, generator=seeded())
    for batch in vectors.split(8):
        standard(batch)
    torch.testing.assert_close(standard.mean, vectors.mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(standard.variance, vectors.var(0), atol=0, rtol=0.1)
    before = standard.mean.clone()
    standard.eval()(torch.zeros(8, 3))
    assert torch.equal(standard.mean, before)


def test_three_channels_see_the_grey_image() -> None:
    assert small(tasks=("stage",), in_channels=3)(torch.zeros(2, 1, 64, 64))["stage"].shape == (
        2,
        4,
    )


def test_folded_answers_agree() -> None:
    network = small().eval()
    image, zones = torch.randn(1, 1, 64, 64, generator=seeded()), torch.rand(1, 6, 2, 2)
    with torch.no_grad():
        eager = network(image, zones)
        folded = network.answer(network.folded(torch.float32, size=64)(image), zones)
    assert all(torch.allclose(eager[name], folded[name], atol=1e-4) for name in ALL)


def test_zones_are_demanded_and_must_fit() -> None:
    network = small().eval()
    with pytest.raises(UsageError, match="zone"):
        network(torch.zeros(1, 1, 64, 64))
    with pytest.raises(UsageError, match="grid"):
        network(torch.zeros(1, 1, 64, 64), torch.zeros(1, 6, 3, 3))


@pytest.mark.parametrize(
    "wrong",
    [
        {"backbone": "resnet"},
        {"in_channels": 2},
        {"hidden": 0},
        {"dropout": 1.0},
        {"dropout": float("nan")},
        {"pooling": {"stage": "zone"}},
        {"pooling": {"stage": "max"}},
        {"pooling": {"zone_ru": "zone"}},
        {"deep": (2,)},
        {"deep": (4,), "auxiliary": True},
        {"tasks": ()},
    ],
)
def test_plans_that_cannot_be_built_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RecordError, match="plan"):
        NetworkPlan(**{"tasks": ("stage",), **wrong})


def test_plans_travel() -> None:
    plan = NetworkPlan(ALL, pooling={"stage": "global+zones"}, auxiliary=True, deep=(1, 2))
    assert NetworkPlan.from_json(plan.to_json()) == plan
    assert copy.deepcopy(plan) == plan
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301 - our own bytes, as worker processes get them
    assert hash(copy.deepcopy(plan)) == hash(plan)
    assert copy.deepcopy(small()).plan == small().plan
    with pytest.raises(RecordError, match="fields"):
        NetworkPlan.from_json({"tasks": ["stage"], "depth": 3})
