"""Deletion and insertion of a network whose reason is known; weights that are dealt out anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from konio.errors import UsageError
from konio.explain import explain
from konio.explain.curves import deletion_insertion
from konio.explain.sanity import cascade, deal_out, layers_from_the_top, rank_correlation
from konio.networks.classifier import ARCHITECTURES, ClassifierPlan, build_classifier
from konio.networks.multitask import build_network
from konio.networks.plan import NetworkPlan


class Corner(nn.Module):
    """Class 1 is a bright upper left quarter and nothing else."""

    def features(self, image: torch.Tensor) -> torch.Tensor:
        return image + 1

    def answer(self, features: torch.Tensor) -> torch.Tensor:
        half = features.shape[-1] // 2
        bright = features[:, 0, :half, :half].mean(dim=(1, 2))
        return torch.stack((torch.ones_like(bright), 4 * bright), dim=1)


FILM = -torch.ones(1, 32, 32)
FILM[:, :16, :16] = 1
RIGHT, WRONG = torch.zeros(4, 4), torch.zeros(4, 4)
RIGHT[:2, :2], WRONG[2:, 2:] = 1.0, 1.0


def test_a_right_map_deletes_early_and_inserts_early() -> None:
    right = deletion_insertion(Corner(), FILM, RIGHT, 1)
    wrong = deletion_insertion(Corner(), FILM, WRONG, 1)
    assert right.deletion_area < wrong.deletion_area
    assert right.insertion_area > wrong.insertion_area
    assert right.parts.tolist() == np.linspace(0, 1, 17).tolist()


def test_both_curves_lie_between_the_film_and_its_blur() -> None:
    curves = deletion_insertion(Corner(), FILM, RIGHT, 1, steps=4)
    film = float(torch.softmax(Corner().answer(FILM[None] + 1), dim=1)[0, 1])
    assert curves.deletion[0] == pytest.approx(film)
    assert curves.insertion[-1] == pytest.approx(film)
    assert curves.deletion[-1] == pytest.approx(curves.insertion[0])
    assert curves.insertion[0] < film


def test_a_constant_map_goes_in_reading_order() -> None:
    curves = deletion_insertion(Corner(), FILM, torch.ones(4, 4), 1, steps=2)
    assert curves.deletion[1] == pytest.approx(curves.deletion[2], abs=0.02)


def test_curves_leave_the_network_as_it_was() -> None:
    net = build_classifier(ClassifierPlan(3, "densenet-mini"), torch.Generator().manual_seed(0))
    deletion_insertion(net.train(), FILM, RIGHT, 0, steps=2)
    assert all(part.training for part in net.modules())


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="one image"):
        deletion_insertion(Corner(), FILM[None], RIGHT, 1)
    with pytest.raises(UsageError, match="steps"):
        deletion_insertion(Corner(), FILM, RIGHT, 1, steps=0)
    with pytest.raises(UsageError, match="alike"):
        rank_correlation(torch.zeros(1, 2, 2), torch.zeros(1, 3, 3))


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if "mini" in name])
def test_every_weight_belongs_to_one_layer_and_the_answer_comes_first(name: str) -> None:
    net = build_classifier(ClassifierPlan(3, name), torch.Generator().manual_seed(0))
    layers = layers_from_the_top(net)
    parameters = [id(p) for _, part in layers for p in part.parameters()]
    assert sorted(parameters) == sorted(id(p) for p in net.parameters())
    assert layers[0][0].startswith("head")
    assert next(iter(net.parameters())) is next(layers[-1][1].parameters())


def test_the_cascade_spoils_from_the_top_and_leaves_the_original() -> None:
    net = build_network(NetworkPlan(("stage",), "densenet-mini", hidden=8), torch.Generator().manual_seed(1)).eval()  # fmt: skip
    before = {key: value.clone() for key, value in net.state_dict().items()}
    first = net.backbone.features.get_submodule("conv0").get_parameter("weight")
    names = []
    for name, spoiled in cascade(net, torch.Generator().manual_seed(2)):
        names.append(name)
        last = spoiled.backbone.features.get_submodule("conv0").get_parameter("weight")
        assert torch.equal(last, first) == (name != "backbone.features.conv0")
    assert names[0] == "heads"
    assert names[-1] == "backbone.features.conv0"
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_dealing_out_keeps_the_values_and_moves_them() -> None:
    layer = nn.Linear(8, 8)
    before = layer.weight.detach().clone()
    deal_out(layer, torch.Generator().manual_seed(0))
    assert not torch.equal(layer.weight, before)
    assert torch.equal(layer.weight.flatten().sort().values, before.flatten().sort().values)


def test_a_map_forgets_with_its_network() -> None:
    net = build_classifier(
        ClassifierPlan(3, "densenet-mini"), torch.Generator().manual_seed(0)
    ).eval()
    films = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(4)) * 2 - 1
    kept = explain(net, films).heat
    assert np.allclose(rank_correlation(kept, 3 * kept), 1)
    *_, (_, spoiled) = cascade(net, torch.Generator().manual_seed(3))
    assert not torch.allclose(explain(spoiled, films).heat, kept)
    assert np.isnan(rank_correlation(kept, torch.zeros_like(kept))).all()
