"""The contract of losses, over the whole registry."""

from __future__ import annotations

import math

import pytest
import torch

from konio.errors import RecordError
from konio.networks.class_losses import CLASS_LOSSES, ClassLossPlan

COSTS = ((0.0, 1.0, 2.0), (3.0, 0.0, 1.0), (8.0, 4.0, 0.0))
NUMBERS = {"": {}, "penalties": {"penalties": (5.0, 8.0, 9.0)}, "costs": {"costs": COSTS}}
LABELS = torch.tensor([0, 1, 2, 2])


def plan(kind: str) -> ClassLossPlan:
    return ClassLossPlan(kind, **NUMBERS[CLASS_LOSSES[kind].needs])


@pytest.mark.parametrize("kind", CLASS_LOSSES)
def test_every_loss_keeps_the_contract(kind: str) -> None:
    loss = plan(kind)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    truth = torch.nn.functional.one_hot(LABELS, 3).double()
    unsure, better, sure = (float(loss(logits + k * truth, LABELS)) for k in (0, 2, 60))
    assert unsure > better > sure >= 0
    assert sure == pytest.approx(0, abs=1e-9)
    logits.requires_grad_(requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, LABELS), (logits,))
    assert loss(logits.half(), LABELS).dtype == torch.float32


@pytest.mark.parametrize("kind", CLASS_LOSSES)
def test_the_mean_over_a_batch_is_the_mean_of_its_films(kind: str) -> None:
    loss = plan(kind)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    each = [float(loss(logits[i : i + 1], LABELS[i : i + 1])) for i in range(4)]
    assert float(loss(logits, LABELS)) == pytest.approx(sum(each) / 4, rel=1e-5)


def test_each_loss_is_what_its_formula_says() -> None:
    logits = torch.tensor([[0.0, math.log(2), math.log(3)]])  # probabilities 1/6, 2/6, 3/6
    at = {kind: [float(plan(kind)(logits, torch.tensor([y]))) for y in range(3)] for kind in CLASS_LOSSES}  # fmt: skip
    plain = [math.log(6), math.log(3), math.log(2)]
    assert at["cross-entropy"] == pytest.approx(plain)
    assert at["class-penalty"] == pytest.approx([p * w * 3 / 22 for p, w in zip(plain, (5, 8, 9), strict=True)])  # fmt: skip
    mean = 19 / 6
    costs = [(2 + 6) / 6 / mean, (3 + 3) / 6 / mean, (8 + 8) / 6 / mean]
    assert at["expected-cost"] == pytest.approx(costs)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "hinge"}, "use one of cross-entropy"),
        ({"kind": "class-penalty"}, "penalties is missing"),
        ({"kind": "expected-cost"}, "costs is missing"),
        ({"kind": "cross-entropy", "penalties": (1.0, 2.0)}, "penalties is given too"),
        ({"kind": "class-penalty", "penalties": (1.0, 0.0)}, "above zero"),
        ({"kind": "expected-cost", "costs": ((0.0, 1.0),)}, "as many columns"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(change: dict, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        ClassLossPlan(**change)


def test_numbers_for_other_classes_are_refused() -> None:
    with pytest.raises(RecordError, match="numbers for 3 classes and the network answers 2"):
        plan("class-penalty")(torch.zeros(1, 2), torch.tensor([0]))
