"""Votes, scores and classes of the nine questions, and the losses that hold answers against them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import UsageError
from konio.networks.rated import (
    LOSS_KINDS,
    RatedLoss,
    class_groups,
    class_logits,
    diameter_mm,
    diameter_votes,
    middle,
    rated_losses,
    score,
    threshold,
)
from konio.tasks import MISSING, NODULE_TASKS

MALIGNANCY = NODULE_TASKS["malignancy"]


@given(st.floats(4.0, 30.0))
def test_mean_of_diameter_votes_is_the_diameter(mm: float) -> None:
    votes = diameter_votes(torch.tensor([mm], dtype=torch.float64))
    assert float(votes.sum()) == pytest.approx(1, abs=1e-6)
    expected = float((votes * torch.arange(6)).sum())
    assert diameter_mm(expected) == pytest.approx(mm, rel=1e-4)


def test_unknown_and_extreme_diameters() -> None:
    votes = diameter_votes(torch.tensor([math.nan, 1.0, 90.0]))
    assert votes.tolist() == [[0] * 6, [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]


def test_scores_follow_the_paper() -> None:
    readers = torch.zeros(1, 5)
    readers[0, 1] = readers[0, 3] = 0.5  # 2 and 4: the mean is 3
    assert float(score(MALIGNANCY, readers)) == 0.5
    assert threshold(MALIGNANCY) == 0.5
    low, high = middle(MALIGNANCY)
    assert (1 + 4 * low, 1 + 4 * high) == (2.75, 3.25)
    calcification = NODULE_TASKS["calcification"]
    assert float(score(calcification, torch.tensor([0, 0, 0.25, 0, 0, 0.75]))) == 0.25
    eight = score(NODULE_TASKS["diameter"], diameter_votes(torch.tensor([8.0])))
    assert float(eight) == pytest.approx(threshold(NODULE_TASKS["diameter"]), abs=1e-6)


@pytest.mark.parametrize("task", NODULE_TASKS, ids=NODULE_TASKS.names)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_share_out_the_grades(task: object, classes: int) -> None:
    task = NODULE_TASKS[task.name]  # type: ignore[attr-defined]
    groups = class_groups(task, classes)
    flat = [grade for group in groups for grade in group]
    assert len(set(flat)) == len(flat) and set(flat) <= set(range(len(task)))
    logits = torch.randn(4, len(task), generator=torch.Generator().manual_seed(1))
    shares = logits.softmax(dim=1)
    found = class_logits(task, logits, classes).softmax(dim=1)
    sums = torch.stack([shares[:, list(group)].sum(dim=1) for group in groups], dim=1)
    assert torch.allclose(found, sums / sums.sum(dim=1, keepdim=True), atol=1e-6)


def test_equation_3() -> None:
    logits = torch.full((2, 5), -40.0)
    logits[0, 4] = logits[1, 2] = 40.0  # answers 5 and 3
    votes = torch.zeros(2, 5)
    votes[0, 0] = votes[1, 2] = 1.0  # readings 1 and 3
    loss, count = RatedLoss("squared").of(MALIGNANCY, logits, votes, torch.tensor([0, MISSING]))
    assert count == 2
    assert float(loss) == pytest.approx((1**2 + 0**2) / (2 * 2))


def test_discarded_middles_teach_nothing() -> None:
    logits = torch.zeros(2, 5, requires_grad=True)
    votes = torch.eye(5)[[0, 2]]
    labels = torch.tensor([0, MISSING])
    for loss in (RatedLoss("squared", discard_middle=True), RatedLoss("classes")):
        value, count = loss.of(MALIGNANCY, logits, votes, labels)
        assert count == 1
        (slope,) = torch.autograd.grad(value, logits)
        assert slope[0].abs().sum() > 0 and not slope[1].any()


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_every_loss_is_least_at_the_readings(kind: str) -> None:
    votes = torch.tensor([[0.0, 0.0, 0.0, 0.25, 0.75]])
    right = torch.log(votes.clamp_min(1e-9))
    wrong = right.flip(1)
    loss = RatedLoss(kind)  # type: ignore[arg-type]
    label = torch.tensor([1])
    assert loss.of(MALIGNANCY, right, votes, label)[0] < loss.of(MALIGNANCY, wrong, votes, label)[0]


def test_questions_nobody_rated_are_absent() -> None:
    tasks = NODULE_TASKS.subset("margin", "malignancy")
    answers = {name: torch.zeros(3, 5) for name in tasks.names}
    votes = {"margin": torch.zeros(3, 5), "malignancy": torch.eye(5)[:3]}
    labels = {name: torch.full((3,), MISSING) for name in tasks.names}
    losses, counts = rated_losses(answers, votes, labels, tasks, RatedLoss())
    assert list(losses) == ["malignancy"] and counts == {"malignancy": 3}
    assert np.isfinite(float(losses["malignancy"]))


def test_unknown_losses_are_refused() -> None:
    with pytest.raises(UsageError, match="rated loss"):
        RatedLoss("cubed")  # type: ignore[arg-type]
