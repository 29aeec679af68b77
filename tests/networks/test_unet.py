import pytest
import torch

from konio.errors import UsageError
from konio.networks.unet import LungUNet, UNetPlan, channels_last

PLANS = [UNetPlan((2, 3)), UNetPlan((4, 6, 8))]


def seasoned(plan: UNetPlan) -> LungUNet:
    """A network whose normalisation has seen films, so that folding it has something to get wrong."""
    torch.manual_seed(1)
    network = LungUNet(plan).train()
    for _ in range(3):
        network(torch.randn(2, 1, 32, 32) * 2 + 1)
    return network.eval()


@pytest.mark.parametrize("plan", PLANS)
def test_two_lungs_at_the_films_own_size(plan):
    side = 3 * plan.stride
    assert LungUNet(plan)(torch.zeros(2, 1, side, side)).shape == (2, 2, side, side)


@pytest.mark.parametrize("plan", PLANS)
def test_folding_changes_nothing_but_the_cost(plan):
    network = seasoned(plan)
    film = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        wanted, got = network(film), network.folded()(film)
    assert wanted.std() > 0.01
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)
    assert not any("norm" in name for name, _ in network.folded().named_parameters())
    assert any("norm" in name for name, _ in network.named_parameters())


def test_channels_last_gives_the_same_answer():
    network = seasoned(PLANS[1]).folded()
    film = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        wanted = network(film)
        got = channels_last(network)(film.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_every_weight_learns():
    network = LungUNet(PLANS[1]).train()
    network(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_one_pixel_sees_more_than_half_of_the_film():
    network = seasoned(UNetPlan((4, 6, 8)))
    film = torch.randn(1, 1, 32, 32, requires_grad=True)
    network.eval()(film)[0, :, 16, 16].sum().backward()
    assert film.grad.abs()[0, 0].amax(dim=0).count_nonzero() > 16


@pytest.mark.parametrize("widths", [(), (4,), (4, 0)])
def test_a_plan_without_levels_or_channels_is_refused(widths):
    with pytest.raises(UsageError, match="two levels"):
        UNetPlan(widths)
