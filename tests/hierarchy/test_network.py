"""Two levels as one network, over every architecture."""

from __future__ import annotations

import json

import pytest
import torch

from konio.errors import RecordError
from konio.hierarchy import StagingPlan, build_staging
from konio.networks.classifier import ARCHITECTURES, ClassifierPlan
from konio.prepare.crops import CropPlan

MINIS = [name for name in ARCHITECTURES if name.endswith("-mini")]


def plan(name: str, *classes: int, **options) -> StagingPlan:
    return StagingPlan(tuple(ClassifierPlan(n, name) for n in classes), **options)


@pytest.mark.parametrize("name", MINIS)
@pytest.mark.parametrize("classes", [(4,), (2, 3)])
def test_every_architecture_makes_one_level_or_two(name: str, classes: tuple[int, ...]) -> None:
    network = build_staging(plan(name, *classes), torch.Generator().manual_seed(0)).eval()
    films = torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for number, count in enumerate(classes, start=1):
        said, maps = network.probabilities(number, films)
        assert said.shape == (2, count)
        torch.testing.assert_close(said.sum(dim=1), torch.ones(2))
        assert maps.shape[:2] == (20, network.level(number).channels)
        alone = network.probabilities(number, films[1:])[0]
        torch.testing.assert_close(alone, said[1:], rtol=1e-4, atol=1e-5)
        fast, _ = network.probabilities(number, films, network.level(number).fastest(76))
        torch.testing.assert_close(fast, said, rtol=0, atol=2e-3)


def test_a_mirrored_film_gets_the_same_answer() -> None:
    network = build_staging(plan("resnet-mini", 4), torch.Generator().manual_seed(0)).eval()
    film = torch.rand(1, 1, 80, 80, generator=torch.Generator().manual_seed(1)) * 2 - 1
    torch.testing.assert_close(
        network.probabilities(1, film)[0], network.probabilities(1, film.flip(-1))[0]
    )


def test_a_plan_travels_as_json() -> None:
    own = plan("vgg-mini", 2, 3, crops=CropPlan(0.5, ten=False, size=64), zero="healthy")
    assert StagingPlan.from_json(json.loads(json.dumps(own.to_json()))) == own
    with pytest.raises(RecordError, match="another version"):
        StagingPlan.from_json({"levels": []})


@pytest.mark.parametrize("classes", [(), (2,), (3, 2), (2, 3, 4)])
def test_levels_of_other_classes_are_refused(classes: tuple[int, ...]) -> None:
    with pytest.raises(RecordError, match=r"levels answer \(4\) or \(2, 3\)"):
        plan("vgg-mini", *classes)


def test_another_zero_is_refused() -> None:
    with pytest.raises(RecordError, match="class 0 are"):
        plan("vgg-mini", 4, zero="nobody")
