"""The network of nine questions: geometry, positions, attention, published weights, one contract."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from konio.errors import BundleError, RecordError, UsageError
from konio.networks.mosaic import Mosaic
from konio.networks.nodule import ENCODERS, NodulePlan, build_nodule_network
from konio.networks.vit import (
    TRANSFORMERS,
    VitShape,
    attention_rollout,
    build_vit,
    depth_waves,
    load_published,
)
from konio.tasks import NODULE_TASKS

SMALL = [name for name in ENCODERS if name != "vit-base"]
TINY = VitShape(16, 2, 2, 32)


def plan(encoder: str = "vit-mini", **changes: object) -> NodulePlan:
    return NodulePlan(**{"encoder": encoder, "grid": 2, "patch": 8, "hidden": 8} | changes)  # type: ignore[arg-type]


def seeded(number: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_default_is_vit_b32_with_49_slices() -> None:
    with torch.device("meta"):
        network = build_nodule_network(NodulePlan())
        cube = torch.zeros(1, 49, 32, 32)
        answers = network(cube)
    assert {name: logits.shape[1] for name, logits in answers.items()} == {
        task.name: len(task) for task in NODULE_TASKS
    }
    backbone = sum(p.numel() for p in network.backbone.parameters())
    assert backbone == pytest.approx(
        86.2e6, rel=0.02
    )  # ViT-B/32 has 88 million with three channels


@pytest.mark.parametrize("encoder", SMALL)
@pytest.mark.parametrize("single", [False, True])
def test_every_encoder_answers_learns_and_repeats(encoder: str, single: bool) -> None:
    wanted = plan(encoder, single=single)
    assert NodulePlan.from_json(wanted.to_json()) == wanted
    network, twin = (build_nodule_network(wanted, seeded()).eval() for _ in range(2))
    cube = torch.randn(2, *wanted.shape, generator=seeded(2))
    answers = network(cube)
    assert list(answers) == list(NODULE_TASKS.names)
    for name, logits in twin(cube).items():
        assert torch.equal(logits, answers[name])
    sum(logits.logsumexp(dim=1).sum() for logits in answers.values()).backward()
    assert all(p.grad is not None for p in network.shared())
    still = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not still


def test_three_channels_see_the_grey_image_three_times() -> None:
    network = build_nodule_network(plan(in_channels=3), seeded())
    picture = network.picture(torch.rand(1, 4, 8, 8))
    assert picture.shape == (1, 3, 16, 16) and torch.equal(picture[:, 0], picture[:, 2])


def test_without_positions_slices_may_be_shuffled_and_with_depth_not() -> None:
    cube = torch.randn(1, 4, 8, 8, generator=seeded(3))
    for position, same in (("none", True), ("depth", False), ("grid", False)):
        network = build_nodule_network(plan(position=position), seeded()).eval()
        whole, turned = network.features(cube), network.features(cube.flip(1))
        assert torch.allclose(whole, turned, atol=1e-5) is same, position


def test_depth_waves_know_neighbours() -> None:
    waves = depth_waves(49, 32)
    near = (waves[24] - waves[25]).norm()
    assert near < (waves[24] - waves[31]).norm()
    assert len({tuple(row.tolist()) for row in waves}) == 49


def test_attention_is_shares_of_slices_and_needs_a_transformer() -> None:
    network = build_nodule_network(plan(), seeded()).eval()
    cube = torch.randn(2, 4, 8, 8)
    vector, attentions = network.attentive(cube)
    assert torch.allclose(vector, network.features(cube))
    assert [tuple(layer.shape) for layer in attentions] == [(2, 4, 5, 5)] * 3
    shares = attention_rollout(attentions)
    assert shares.shape == (2, 4)
    assert torch.allclose(shares.sum(dim=1), torch.ones(2))
    with pytest.raises(UsageError, match="no attention"):
        build_nodule_network(plan("cnn-mini")).attentive(cube)


def test_rollout_of_known_attention() -> None:
    # One layer, the answer looks at slice 2 only: half from the residual, half from there.
    layer = torch.zeros(1, 1, 4, 4)
    layer[0, 0, :, 2] = 1
    assert attention_rollout([layer]).tolist() == [[0, 1, 0]]
    uniform = torch.full((1, 2, 4, 4), 0.25)
    assert torch.allclose(attention_rollout([uniform, uniform]), torch.full((1, 3), 1 / 3))


def test_stem_keeps_to_its_slice() -> None:
    network = build_nodule_network(plan("vit-mini-stem"), seeded()).eval()
    cube = torch.randn(1, 4, 8, 8, generator=seeded(4))
    stem = network.backbone.embeddings.patch_embeddings.projection
    before = stem(network.picture(cube))
    changed = cube.clone()
    changed[:, 3] = 0
    after = stem(network.picture(changed))
    assert torch.equal(before[..., 0, :], after[..., 0, :])
    assert not torch.equal(before[..., 1, 1], after[..., 1, 1])


def test_published_weights_from_a_directory(tmp_path: Path) -> None:
    published = build_vit(TINY, Mosaic(2, 8), 3, "grid", seeded(7))
    published.save_pretrained(tmp_path / "vit")
    same = build_vit(TINY, Mosaic(2, 8), 3, "grid", seeded(8))
    assert len(load_published(same, tmp_path / "vit", "grid")) == 64
    for name, value in published.state_dict().items():
        assert torch.equal(same.state_dict()[name], value), name
    larger = build_vit(TINY, Mosaic(3, 8), 3, "depth", seeded(8))
    own = larger.embeddings.position_embeddings.clone()
    load_published(larger, tmp_path / "vit", "depth")
    assert torch.equal(larger.embeddings.position_embeddings, own)
    load_published(build_vit(TINY, Mosaic(3, 8), 3, "grid"), tmp_path / "vit", "grid")
    with pytest.raises(BundleError, match="another network"):
        load_published(build_vit(TINY, Mosaic(2, 4), 3, "grid"), tmp_path / "vit", "grid")
    with pytest.raises(UsageError, match="cannot be read"):
        load_published(same, tmp_path / "nothing", "grid")


def test_wrong_plans_and_cubes_are_refused() -> None:
    for wrong in (
        {"encoder": "resnet"},
        {"position": "both"},
        {"dropout": 1.0},
        {"single": True, "position": "depth"},
        {"tasks": ()},
    ):
        with pytest.raises(RecordError, match="nodule network"):
            plan(**wrong)
    with pytest.raises(RecordError, match="takes cubes"):
        build_nodule_network(plan())(torch.zeros(1, 5, 8, 8))
    assert set(TRANSFORMERS) < set(ENCODERS)
