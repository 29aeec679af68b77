"""Every explainer over every network: shape, sign, batch, no trace, by the predicted class."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import nn

from konio.errors import BundleError, UsageError
from konio.explain import EXPLAINERS, LeakageWarning, about_task, discriminative_maps, explain
from konio.explain.gradcam import grad_cam as closed_form
from konio.networks.classifier import ARCHITECTURES, ClassifierPlan, build_classifier
from konio.networks.multitask import build_network
from konio.networks.plan import NetworkPlan

SMALL = [name for name in ARCHITECTURES if "mini" in name]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def image(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 1, size, size, generator=seeded(5)) * 2 - 1


def multitask(task: str, count: int = 2) -> Any:
    pooling = {"stage": "global+zones"}
    plan = NetworkPlan(("stage", "zone_rm"), "densenet-mini", hidden=32, pooling=pooling)
    zones = torch.rand(count, 6, 2, 2, generator=seeded(6))
    return about_task(build_network(plan, seeded()), task, zones)


def network(name: str) -> Any:
    if name in ("stage", "zone_rm"):
        return multitask(name)
    return build_classifier(ClassifierPlan(4, name, dropout=0.5), seeded())


class Drawn(nn.Module):
    """A network whose map is the image itself in two channels, and whose answer is known by hand."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (classes, 2)

    def features(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat((image + 1, 1 - image), dim=1)

    def answer(self, features: torch.Tensor) -> torch.Tensor:
        return features.mean(dim=(2, 3)) @ self.weight.T


@pytest.mark.parametrize("name", [*SMALL, "stage", "zone_rm"])
@pytest.mark.parametrize("explainer", list(EXPLAINERS))
def test_every_explainer_keeps_the_contract_for_every_network(name: str, explainer: str) -> None:
    net, films = network(name), image()
    module = getattr(net, "module", net).train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    said = explain(net, films, explainer)
    assert said.heat.shape == (2, *said.heat.shape[1:])
    assert said.heat.dtype == torch.float32
    assert not said.heat.requires_grad
    assert torch.isfinite(said.heat).all()
    assert float(said.heat.min()) >= 0
    assert torch.equal(said.chosen, said.logits.argmax(dim=1))
    again = explain(net, films, explainer)
    assert torch.equal(said.heat, again.heat)
    assert all(part.training for part in module.modules())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert not any(part._forward_hooks or part._backward_hooks for part in module.modules())


@pytest.mark.parametrize("explainer", list(EXPLAINERS))
def test_an_image_is_explained_alike_alone_and_in_a_batch(explainer: str) -> None:
    net, films = network("stage"), image()
    both = explain(net, films, explainer).heat
    for number in range(2):
        alone = explain(net.alone(number), films[number : number + 1], explainer).heat[0]
        assert torch.allclose(both[number], alone, rtol=1e-3, atol=1e-4 * float(alone.max() + 1e-6))


@pytest.mark.parametrize("task", ["stage", "zone_rm"])
def test_grad_cam_equals_its_closed_form(task: str) -> None:
    net, films = network(task), image()
    net.module.eval()
    maps = net.features(films).detach()
    said = explain(net, films, "grad-cam", features=maps)
    truth = closed_form(net.module, maps, net.zones, {task: said.chosen})[task]
    assert torch.allclose(said.heat, truth, atol=1e-6)


@pytest.mark.parametrize("explainer", [name for name in EXPLAINERS if name != "eigen-cam"])
def test_what_speaks_for_a_class_is_where_the_map_is_warm(explainer: str) -> None:
    """Class 1 is said of bright corners: its heat must lie there, and not in the dark."""
    net = Drawn(torch.tensor([[0.0, 0.0], [5.0, 0.0]]))
    film = -torch.ones(1, 1, 8, 8)
    film[..., :3, :3] = 1
    heat = explain(net, film, explainer).heat[0]
    assert float(heat[:3, :3].min()) > 0
    assert float(heat[4:, 4:].max()) < 0.4 * float(heat[:3, :3].min())


@pytest.mark.parametrize("name", ["densenet-mini", "stage"])
def test_two_scales_agree_or_nothing_is_shown(name: str) -> None:
    """By autograd through the whole network: the root of the product of both maps, on the finer cells."""
    net, films = network(name), image()
    module = getattr(net, "module", net).eval()
    said = explain(net, films, "two-scale-cam")
    inner, rest = module.backbone.halves(films)
    maps = rest(inner)
    score = net.answer(maps).gather(1, said.chosen[:, None]).sum()
    slopes = torch.autograd.grad(score, (inner, maps))
    fine, coarse = (
        (slope * values).sum(dim=1, keepdim=True).relu().detach()
        for slope, values in zip(slopes, (inner, maps), strict=True)
    )
    grown = nn.functional.interpolate(coarse, size=(8, 8), mode="bilinear")
    assert said.heat.shape == (2, 8, 8)
    assert float(said.heat.max()) > 0
    assert torch.allclose(said.heat, (fine * grown)[:, 0].sqrt(), atol=1e-5)


def test_eigen_cam_shows_what_is_strongest_whatever_the_class() -> None:
    film = -torch.ones(1, 1, 8, 8)
    film[..., :6, :6] = 1
    maps = torch.zeros(1, 3, 4, 4)
    maps[0, 0, 1, 2], maps[0, 2, 1, 2], maps[0, 1, 3, 3] = 4.0, 3.0, 1.0
    for weight in (torch.zeros(2, 3), torch.ones(2, 3)):
        heat = explain(Drawn(weight), film, "eigen-cam", features=maps).heat[0]
        assert float(heat[1, 2]) == pytest.approx(5.0, rel=1e-5)  # sqrt(4^2 + 3^2)
        assert float(heat.sum()) == pytest.approx(5.0, rel=1e-4)


def test_grad_cam_plus_plus_by_hand() -> None:
    """One channel with slope g everywhere: w = Z g / (2 + g sum A), and only rising channels count."""
    net = Drawn(torch.tensor([[0.0, 0.0], [3.0, -1.0]]))
    film = torch.full((1, 1, 2, 2), 0.5)
    film[0, 0, 0, 0] = -0.5
    heat = explain(net, film, "grad-cam++").heat[0]
    a = film[0, 0] + 1  # sum 5
    g = 3.0 / 4
    assert torch.allclose(heat, 4 * g / (2 + g * 5.0) * a, atol=1e-6)


def test_ablation_cam_of_a_linear_answer_is_the_fall_of_the_score() -> None:
    net = Drawn(torch.tensor([[0.0, 0.0], [3.0, 0.5]]))
    film = torch.zeros(1, 1, 2, 2)
    film[0, 0, 1, 1] = 0.8
    maps = net.features(film)
    falls = maps.mean(dim=(2, 3))[0] * torch.tensor([3.0, 0.5])
    heat = explain(net, film, "ablation-cam").heat[0]
    assert torch.allclose(heat, torch.einsum("c,chw->hw", falls, maps[0]), atol=1e-5)


@pytest.mark.parametrize("explainer", list(EXPLAINERS))
def test_a_map_without_anything_explains_nothing(explainer: str) -> None:
    maps = torch.zeros(1, 2, 3, 3)
    heat = explain(Drawn(torch.ones(2, 2)), image(1, 8), explainer, features=maps).heat
    assert float(heat.abs().max()) == 0


@pytest.mark.parametrize("explainer", list(EXPLAINERS))
def test_a_constant_map_explains_evenly(explainer: str) -> None:
    maps = torch.full((1, 2, 3, 3), 0.7)
    heat = explain(Drawn(torch.ones(2, 2)), image(1, 8), explainer, features=maps).heat
    assert torch.allclose(heat, heat[0, 0, 0].expand_as(heat), atol=1e-5)


def test_weighted_maps_sum_to_grad_cam() -> None:
    net, films = network("resnet-mini"), image()
    said, maps = discriminative_maps(net, films)
    assert torch.allclose(maps.sum(dim=1).relu(), explain(net, films).heat, atol=1e-5)
    assert torch.equal(said.heat, maps.sum(dim=1).relu())
    assert float(maps.min()) < 0  # no ReLU before the sum (dossier B15)


def test_the_true_class_is_a_warned_option() -> None:
    net, films = network("densenet-mini"), image()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = explain(net, films)
    other = (plain.chosen + 1) % 4
    with pytest.warns(LeakageWarning, match="knows the label"):
        leaked = explain(net, films, class_source="true", truth=other)
    assert torch.equal(leaked.chosen, other)
    assert not torch.equal(leaked.heat, plain.heat)


def test_nonsense_is_refused() -> None:
    net, films = network("densenet-mini"), image()
    with pytest.raises(UsageError, match="grad-cam"):
        explain(net, films, "tea-leaves")
    for source, truth in (("true", None), ("predicted", torch.zeros(2)), ("label", None)):
        with pytest.raises(UsageError, match="predicted"):
            explain(net, films, class_source=source, truth=truth)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="0 to 3"):
        explain(net, films, class_source="true", truth=torch.tensor([0, 4]))
    with pytest.raises(UsageError, match="unknown"):
        about_task(multitask("stage").module, "mood")
    with pytest.raises(BundleError, match="no numbers"):
        explain(Drawn(torch.full((2, 2), torch.nan)), films)
