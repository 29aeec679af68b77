"""Every way of weighing answers to one contract; each is its formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from konio.errors import RecordError, UsageError
from konio.networks.balancing import BALANCES, Balance, BalancePlan, build_balance

NINE = tuple(f"question-{number}" for number in range(9))
TWO = ("a", "b")


def dwa(tasks: tuple[str, ...] = TWO, temperature: float = 2.0) -> Balance:
    return build_balance(tasks, BalancePlan("dwa", temperature))


def epoch(balance: Balance, **losses: float) -> None:
    if losses:
        balance.total(
            {name: torch.tensor(value) for name, value in losses.items()},
            dict.fromkeys(losses, 4),
        )
    balance.end_epoch()


@pytest.mark.parametrize("kind", BALANCES)
@pytest.mark.parametrize("tasks", [NINE, TWO, ("alone",)])
def test_contract(kind: str, tasks: tuple[str, ...]) -> None:
    balance = build_balance(tasks, BalancePlan(kind))
    layer = nn.Linear(3, len(tasks))
    for _ in range(4):
        out = layer(torch.ones(2, 3))
        losses = {name: (out[:, i] ** 2).mean() + i for i, name in enumerate(tasks)}
        total = balance.total(losses, dict.fromkeys(tasks, 2), (layer.weight,))
        assert total.ndim == 0
        total.backward()
        balance.end_epoch()
        weights = balance.weights().detach()
        assert weights.shape == (len(tasks),)
        assert (weights > 0).all()
        assert float(weights.sum()) == pytest.approx(len(tasks), rel=1e-5)
    again = build_balance(tasks, BalancePlan(kind))
    again.load_state_dict(balance.state_dict())
    assert torch.equal(again.weights(), balance.weights())


@pytest.mark.parametrize("kind", BALANCES)
def test_questions_without_labels_cost_nothing(kind: str) -> None:
    balance = build_balance(TWO, BalancePlan(kind))
    parameter = nn.Parameter(torch.tensor(2.0))
    total = balance.total({"b": parameter * 3}, {"b": 1}, (parameter,))
    total.backward()
    assert parameter.grad is not None and float(parameter.grad) == pytest.approx(3.0)
    assert balance.total({}, {}).item() == 0
    with pytest.raises(UsageError, match="no question"):
        balance.total({"c": torch.tensor(1.0)}, {"c": 1})


def test_dwa_is_one_for_two_epochs_then_follows_equations_4_and_5() -> None:
    balance = dwa()
    assert balance.weights().tolist() == [1, 1]
    epoch(balance, a=4.0, b=4.0)
    assert balance.weights().tolist() == [1, 1]
    epoch(balance, a=1.0, b=3.0)
    pace = [1 / 4, 3 / 4]
    powers = [math.exp(value / 2) for value in pace]
    wanted = [2 * value / sum(powers) for value in powers]
    assert balance.weights().tolist() == pytest.approx(wanted)


def test_dwa_sums_to_nine_for_papers_nine_and_equalises_with_a_large_temperature() -> None:
    for temperature, equal in ((2.0, False), (1e6, True)):
        balance = dwa(NINE, temperature)
        for factor in (1.0, 0.5):
            epoch(balance, **{name: 1 + factor * i for i, name in enumerate(NINE)})
        weights = balance.weights().detach()
        assert float(weights.sum()) == pytest.approx(9, rel=1e-6)
        assert torch.allclose(weights, torch.ones(9), atol=1e-4) is equal


def test_dwa_weighs_batches_by_their_labels() -> None:
    whole, parts = dwa(), dwa()
    epoch(whole, a=2.0, b=1.0)
    parts.total({"a": torch.tensor(1.0), "b": torch.tensor(1.0)}, {"a": 1, "b": 4})
    parts.total({"a": torch.tensor(2.5)}, {"a": 2})
    parts.end_epoch()
    assert torch.allclose(whole.get_buffer("history"), parts.get_buffer("history"), equal_nan=True)


def test_dwa_survives_empty_epochs_and_losses_of_zero() -> None:
    balance = dwa()
    epoch(balance, a=1.0)
    epoch(balance, a=0.5)  # b was never seen: its pace is 1
    powers = [math.exp(0.5 / 2), math.exp(1 / 2)]
    assert balance.weights().tolist() == pytest.approx([2 * p / sum(powers) for p in powers])
    epoch(balance)  # nothing seen: the losses of the epoch before stay
    assert balance.weights().tolist() == pytest.approx([1, 1])
    epoch(balance, a=0.0, b=1.0)
    epoch(balance, a=0.0, b=1.0)
    assert balance.weights().tolist() == pytest.approx([1, 1])
    assert torch.isfinite(balance.weights()).all()


def _lagging() -> tuple[Balance, nn.Parameter, dict[str, Tensor]]:
    balance = build_balance(TWO, BalancePlan("gradnorm", restoring=0.0))
    shared = nn.Parameter(torch.tensor([1.0]))
    return balance, shared, {"a": (shared * 10).sum(), "b": shared.sum()}


def test_gradnorm_moves_factors_towards_equal_gradients() -> None:
    balance, shared, losses = _lagging()
    total = balance.total(losses, {"a": 1, "b": 1}, (shared,))
    total.backward()
    # The factors alone see the second loss: the shared weight is moved by the weighted losses.
    assert shared.grad is not None and float(shared.grad) == pytest.approx(11.0)
    slope = balance.get_parameter("free").grad
    assert slope is not None and slope[0] > 0 > slope[1]


def test_uncertainty_is_its_formula() -> None:
    balance = build_balance(TWO, BalancePlan("uncertainty"))
    with torch.no_grad():
        balance.get_parameter("log_variance").copy_(torch.tensor([0.5, -1.0]))
    total = balance.total({"a": torch.tensor(2.0), "b": torch.tensor(3.0)}, {"a": 1, "b": 1})
    assert total.item() == pytest.approx(2 * math.exp(-0.5) + 0.25 + 3 * math.exp(1) - 0.5)


def test_wrong_plans_are_refused() -> None:
    for wrong in ({"kind": "best"}, {"temperature": 0.0}, {"restoring": -1.0}):
        with pytest.raises(RecordError, match="balance"):
            BalancePlan(**wrong)  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="at least one"):
        build_balance((), BalancePlan())
