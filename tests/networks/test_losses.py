"""Who is moved how strongly: gradients against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from konio.errors import RecordError, UsageError
from konio.networks.losses import (
    LossPlan,
    lesion_map_loss,
    masked_cross_entropy,
    multi_task_loss,
    scale_gradient,
    soft_labels,
    task_weights,
)
from konio.networks.multitask import MultiTaskNetwork, build_network
from konio.networks.plan import NetworkPlan
from konio.tasks import MISSING, RADIOGRAPH_TASKS

TWO = RADIOGRAPH_TASKS.subset("differential", "stage")


def paper_batch() -> dict[str, torch.Tensor]:
    """The paper's batch of 16 with five exposed workers: N1 = 16, N2 = 5, so omega = 5/21."""
    stage = torch.full((16,), MISSING)
    stage[:5] = torch.tensor([0, 1, 2, 3, 3])
    differential = torch.tensor([2] * 5 + [0] * 6 + [1] * 5)
    return {"differential": differential, "stage": stage}


def network() -> MultiTaskNetwork:
    plan = NetworkPlan(TWO.names, backbone="densenet-mini", hidden=8, dropout=0.0)
    return build_network(plan, torch.Generator().manual_seed(0)).double().eval()


def gradients(net: MultiTaskNetwork, part: str) -> list[torch.Tensor | None]:
    return [parameter.grad for parameter in getattr(net, part).parameters()]


def run(labels: dict[str, torch.Tensor], plan: LossPlan) -> MultiTaskNetwork:
    net = network()
    image = torch.randn(
        16, 1, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    answers = net(image, weights=task_weights(labels, plan))
    multi_task_loss(answers, labels, net.tasks, plan).total.backward()
    return net


def autograd_truth(
    labels: dict[str, torch.Tensor], coefficients: dict[str, float]
) -> MultiTaskNetwork:
    """Gradients of a plain weighted sum of the two cross-entropies, without any of our layers."""
    net = network()
    image = torch.randn(
        16, 1, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    answers = net(image)
    total = sum(
        coefficient * functional.cross_entropy(answers[name], labels[name], ignore_index=MISSING)
        for name, coefficient in coefficients.items()
    )
    total.backward()
    return net


def close(one: list[torch.Tensor | None], two: list[torch.Tensor | None]) -> bool:
    return all(
        a is not None and b is not None and torch.allclose(a, b, rtol=1e-9, atol=1e-15)
        for a, b in zip(one, two, strict=True)
    )


def test_omega_is_five_of_twentyone() -> None:
    weights = task_weights(paper_batch())
    assert weights["stage"] == pytest.approx(5 / 21, abs=1e-15)
    assert weights["differential"] == pytest.approx(16 / 21, abs=1e-15)


def test_backbone_moves_by_the_weighted_sum_and_heads_by_their_own_loss() -> None:
    labels = paper_batch()
    ours = run(labels, LossPlan())
    omega = 5 / 21
    weighted = autograd_truth(labels, {"differential": 1 - omega, "stage": omega})
    assert close(gradients(ours, "backbone"), gradients(weighted, "backbone"))
    plain = autograd_truth(labels, {"differential": 1.0, "stage": 1.0})
    assert close(gradients(ours, "heads"), gradients(plain, "heads"))
    assert not close(gradients(ours, "backbone"), gradients(plain, "backbone"))
    assert not close(gradients(ours, "heads"), gradients(weighted, "heads"))


def test_plain_sum_is_the_plain_sum() -> None:
    labels = paper_batch()
    ours = run(labels, LossPlan(weighting="plain_sum"))
    plain = autograd_truth(labels, {"differential": 1.0, "stage": 1.0})
    assert close(gradients(ours, "backbone"), gradients(plain, "backbone"))
    assert close(gradients(ours, "heads"), gradients(plain, "heads"))


def test_gradients_by_hand_on_a_network_of_one_number() -> None:
    """Logits (w_k f, 0) from f = b: dL/dw = b (p - t), dL/db = sum_k weight_k w_k (p_k - t_k)."""
    b = torch.tensor(0.7, requires_grad=True)
    w = [torch.tensor(1.3, requires_grad=True), torch.tensor(-0.4, requires_grad=True)]
    weights = {"one": 16 / 21, "two": 5 / 21}
    total = torch.zeros(())
    for head, weight in zip(w, weights.values(), strict=True):
        score = head * scale_gradient(b, weight)
        total = total + functional.cross_entropy(
            torch.stack((score, score * 0))[None], torch.tensor([0])
        )
    total.backward()
    p = [1 / (1 + math.exp(-1.3 * 0.7)), 1 / (1 + math.exp(0.4 * 0.7))]
    assert w[0].grad is not None and w[1].grad is not None and b.grad is not None
    assert float(w[0].grad) == pytest.approx(0.7 * (p[0] - 1), rel=1e-6)
    assert float(w[1].grad) == pytest.approx(0.7 * (p[1] - 1), rel=1e-6)
    by_hand = 16 / 21 * 1.3 * (p[0] - 1) + 5 / 21 * -0.4 * (p[1] - 1)
    assert float(b.grad) == pytest.approx(by_hand, rel=1e-6)


def test_without_exposed_workers_the_second_head_does_not_move() -> None:
    labels = paper_batch()
    labels["stage"] = torch.full((16,), MISSING)
    assert task_weights(labels)["stage"] == 0
    net = run(labels, LossPlan())
    assert [p.grad for p in net.heads["stage"].parameters()] == [None] * 4
    alone = autograd_truth(labels, {"differential": 1.0})
    assert close(gradients(net, "backbone"), gradients(alone, "backbone"))
    assert all(torch.isfinite(g).all() for g in gradients(net, "backbone") if g is not None)


def test_a_batch_without_any_label_moves_nothing() -> None:
    labels = {name: torch.full((16,), MISSING) for name in TWO.names}
    assert task_weights(labels) == {"differential": 0.0, "stage": 0.0, "lesions": 1.0}
    net = run(labels, LossPlan())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_missing_labels_do_not_count() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([1, MISSING, 2, MISSING])
    loss = masked_cross_entropy(logits, labels)
    assert loss is not None
    assert float(loss) == pytest.approx(
        float(functional.cross_entropy(logits[[0, 2]], labels[[0, 2]]))
    )
    assert masked_cross_entropy(logits, torch.full((4,), MISSING)) is None


def test_importance_shifts_the_weights() -> None:
    weights = task_weights(paper_batch(), LossPlan(importance={"stage": 2.0}))
    assert weights["stage"] == pytest.approx(10 / 26)


def test_soft_labels_are_symmetric_and_sharpen_to_one_hot() -> None:
    soft = soft_labels(torch.tensor([2, 0]), 5, 1.0)
    assert torch.allclose(soft.sum(dim=1), torch.ones(2))
    assert torch.allclose(soft[0], soft[0].flip(0))
    assert soft[1].argmax() == 0
    hard = soft_labels(torch.tensor([2, 0]), 5, 0.0)
    assert torch.allclose(soft_labels(torch.tensor([2, 0]), 5, 0.05), hard)


def test_ordered_tasks_only_take_soft_labels() -> None:
    labels = paper_batch()
    answers = {
        t.name: torch.randn(16, len(t), generator=torch.Generator().manual_seed(3)) for t in TWO
    }
    hard = multi_task_loss(answers, labels, TWO).parts
    soft = multi_task_loss(answers, labels, TWO, LossPlan(ordinal_spread=1.0)).parts
    assert hard["differential"] == soft["differential"]
    assert hard["stage"] != soft["stage"]


@pytest.mark.parametrize("kind", ["bce", "smooth_l1"])
def test_lesion_map_counts_known_cases_only(kind: str) -> None:
    maps = torch.zeros(3, 3, 2, 2, requires_grad=True)
    shares = torch.full((3, 3, 2, 2), 0.5)
    known = torch.tensor([True, False, True])
    loss = lesion_map_loss(maps, torch.where(known[:, None, None, None], 0.0, shares), known, kind)
    assert loss is not None
    loss.backward()
    assert maps.grad is not None
    assert float(maps.grad[1].abs().sum()) == 0
    assert float(maps.grad[0].abs().sum()) > 0
    assert lesion_map_loss(maps, shares, torch.zeros(3, dtype=torch.bool), kind) is None


def test_lesion_loss_joins_the_sum() -> None:
    labels = paper_batch()
    answers = {t.name: torch.zeros(16, len(t)) for t in TWO} | {"lesions": torch.zeros(16, 3, 2, 2)}
    target = (torch.zeros(16, 3, 2, 2), torch.ones(16, dtype=torch.bool))
    losses = multi_task_loss(answers, labels, TWO, lesions=target)
    assert float(losses.parts["lesions"]) == pytest.approx(math.log(2))
    assert float(losses.total) == pytest.approx(math.log(3) + math.log(4) + math.log(2), rel=1e-6)


def test_nonsense_is_refused() -> None:
    with pytest.raises(RecordError, match="weighting"):
        LossPlan(weighting="best")
    with pytest.raises(RecordError, match="negative"):
        LossPlan(ordinal_spread=-1.0)
    with pytest.raises(UsageError, match="stage"):
        multi_task_loss({"differential": torch.zeros(1, 3)}, {}, TWO)
