"""The closed form equals autograd, for every pooling and task, and leaves no trace."""

from __future__ import annotations

import pytest
import torch

from konio.errors import UsageError
from konio.explain.gradcam import grad_cam, hires_cam
from konio.networks.multitask import MultiTaskNetwork, build_network
from konio.networks.plan import BACKBONES, POOLINGS, NetworkPlan
from konio.tasks import RADIOGRAPH_TASKS, ZONES

ALL = RADIOGRAPH_TASKS.names


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(pooling: str, backbone: str = "densenet-mini") -> MultiTaskNetwork:
    chosen = {t.name: pooling for t in RADIOGRAPH_TASKS if pooling != "zone" or t.zone}
    plan = NetworkPlan(ALL, backbone=backbone, hidden=64, pooling=chosen, dropout=0.75)
    return build_network(plan, seeded()).eval()


def autograd_cam(
    net: MultiTaskNetwork, features: torch.Tensor, zones: torch.Tensor, task: str, k: int
):
    maps = features.clone().requires_grad_()
    score = net.answer(maps, zones)[task][:, k].sum()
    (gradient,) = torch.autograd.grad(score, maps)
    alpha = gradient.mean(dim=(2, 3), keepdim=True)
    channelwise, cellwise = ((weight * maps).sum(dim=1) for weight in (alpha, gradient))
    return torch.relu(channelwise).detach(), torch.relu(cellwise).detach()


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("pooling", POOLINGS)
def test_closed_form_equals_autograd_for_every_task_and_class(pooling: str, backbone: str) -> None:
    net = network(pooling, backbone)
    with torch.no_grad():
        features = net.features(torch.randn(2, 1, 128, 128, generator=seeded(1)))
    zones = torch.rand(2, 6, 4, 4, generator=seeded(2))
    zones[0, 2] = 0  # a zone that was not found
    for task in RADIOGRAPH_TASKS:
        for k in range(len(task)):
            chosen = {task.name: torch.full((2,), k)}
            truths = autograd_cam(net, features, zones, task.name, k)
            for form, truth in zip((grad_cam, hires_cam), truths, strict=True):
                ours = form(net, features, zones, chosen)[task.name]
                assert ours.shape == (2, 4, 4)
                tolerance = 1e-5 * max(1.0, float(truth.max()))
                assert float((ours - truth).abs().max()) < tolerance, (task.name, k)


def test_standardised_heads_are_explained_as_their_plain_form() -> None:
    plan = NetworkPlan(ALL, backbone="densenet-mini", hidden=64, standardise=True)
    net = build_network(plan, seeded())
    for seed in range(4):
        zones = torch.rand(4, 6, 2, 2, generator=seeded(seed))
        net(torch.randn(4, 1, 64, 64, generator=seeded(seed)), zones)
    net.eval()
    with torch.no_grad():
        features = net.features(torch.randn(4, 1, 64, 64, generator=seeded(9)))
    for task in RADIOGRAPH_TASKS:
        chosen = {task.name: torch.zeros(4, dtype=torch.long)}
        ours = grad_cam(net, features, zones, chosen)[task.name]
        plain = grad_cam(net.plain(), features, zones, chosen)[task.name]
        truth, _ = autograd_cam(net, features, zones, task.name, 0)
        torch.testing.assert_close(ours, truth, atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-3)


def test_all_tasks_at_once_give_the_same_maps_as_one_by_one() -> None:
    net = network("global+zones")
    features, zones = torch.rand(2, 46, 4, 4, generator=seeded()), torch.rand(2, 6, 4, 4)
    features = torch.rand(2, net.backbone.out_channels, 4, 4, generator=seeded())
    classes = {task.name: torch.tensor([0, len(task) - 1]) for task in RADIOGRAPH_TASKS}
    together = grad_cam(net, features, zones, classes)
    assert tuple(together) == tuple(classes)
    for name, chosen in classes.items():
        alone = grad_cam(net, features, zones, {name: chosen})[name]
        assert torch.allclose(together[name], alone, atol=1e-6)


def test_global_pooling_is_class_activation_mapping() -> None:
    """Dossier section 0 number 5: with a mean in front, Z alpha is the slope of the head."""
    net = network("global")
    features = torch.rand(1, net.backbone.out_channels, 3, 3, generator=seeded())
    head = net.head(RADIOGRAPH_TASKS["stage"])
    slope = head.slope(features.mean(dim=(2, 3)), torch.tensor([2]))
    expected = torch.relu((slope[0, :, None, None] * features[0]).sum(dim=0)) / 9
    found = grad_cam(net, features, None, {"stage": torch.tensor([2])})["stage"][0]
    assert torch.allclose(found, expected, atol=1e-6)


def test_outside_the_zones_a_head_of_the_lungs_explains_nothing() -> None:
    net = network("lungs")
    features = torch.rand(1, net.backbone.out_channels, 4, 4, generator=seeded())
    zones = torch.rand(1, 6, 4, 4, generator=seeded(1))
    zones[:, :, 3] = 0
    inside, outside = [], []
    for k in range(4):
        chosen = {"stage": torch.tensor([k])}
        shown = hires_cam(net, features, zones, chosen)["stage"]
        assert float(shown[:, 3].max()) == 0
        inside.append(float(shown.max()))
        outside.append(float(grad_cam(net, features, zones, chosen)["stage"][:, 3].max()))
    assert max(inside) > 0
    assert max(outside) > 0  # what it paints there, the head never saw


def test_maps_are_not_negative_and_an_absent_zone_explains_nothing() -> None:
    net = network("zone")
    features = torch.rand(1, net.backbone.out_channels, 4, 4, generator=seeded())
    zones = torch.rand(1, 6, 4, 4)
    zones[0, ZONES.index("ll")] = 0
    for k in range(12):
        maps = grad_cam(
            net, features, zones, {"zone_ll": torch.tensor([k]), "stage": torch.tensor([1])}
        )
        assert float(maps["zone_ll"].abs().max()) == 0
        assert float(maps["stage"].min()) >= 0


def test_the_network_is_left_as_it_was_found() -> None:
    net = network("global+zones").train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    features = torch.rand(1, net.backbone.out_channels, 4, 4)
    maps = grad_cam(net, features, torch.rand(1, 6, 4, 4), {"stage": torch.tensor([1])})
    assert net.training
    assert not maps["stage"].requires_grad
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    for module in net.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not module._forward_pre_hooks
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())


def test_nonsense_is_refused() -> None:
    net = network("zone")
    features = torch.rand(1, net.backbone.out_channels, 4, 4)
    with pytest.raises(UsageError, match="classes"):
        grad_cam(net, features, torch.rand(1, 6, 4, 4), {"stage": torch.tensor([4])})
    with pytest.raises(UsageError, match="unknown"):
        grad_cam(net, features, torch.rand(1, 6, 4, 4), {"mood": torch.tensor([0])})
    with pytest.raises(UsageError, match="zones"):
        grad_cam(net, features, None, {"zone_ru": torch.tensor([0])})
