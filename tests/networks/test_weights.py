"""Made state dicts of the real names and shapes, in every spelling in which they are published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from konio.errors import BundleError, UsageError
from konio.networks.densenet import DENSENET121, DENSENET_MINI, DenseNet
from konio.networks.weights import load_backbone_weights, plain_name, read_state_dict

State = dict[str, Tensor]
SHAPES = {1: DenseNet(DENSENET121, 1).state_dict(), 3: DenseNet(DENSENET121, 3).state_dict()}


def made(channels: int, classes: int) -> State:
    """A DenseNet121 with classifier as a trained one might be."""
    generator = torch.Generator().manual_seed(channels)
    state = {}
    for name, value in SHAPES[channels].items():
        noise = torch.randn(value.shape, generator=generator) if value.ndim else value
        if name.endswith("running_var"):
            noise = noise.abs() + 0.5
        state[name] = noise * (0.05 if value.ndim == 4 else 1)
    state["classifier.weight"] = torch.randn(classes, 1024, generator=generator)
    state["classifier.bias"] = torch.zeros(classes)
    return state


def old_spelling(state: State) -> State:
    """As in torchvision's densenet121-a639ec97.pth: ``norm.1``, ``conv.2``, no counters."""
    out = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        for part in ("norm", "conv"):
            for number in "12":
                if ".denselayer" in name:
                    name = name.replace(f".{part}{number}.", f".{part}.{number}.")
        out[name] = value
    return out


def chexnet(state: State) -> State:
    """As in CheXNet's model.pth.tar: DataParallel around a module that holds a densenet121."""
    inner = old_spelling({k: v for k, v in state.items() if not k.startswith("classifier")})
    out = {f"module.densenet121.{name}": value for name, value in inner.items()}
    out["module.densenet121.classifier.0.weight"] = torch.zeros(14, 1024)
    out["module.densenet121.classifier.0.bias"] = torch.zeros(14)
    return out


LAYOUTS: dict[str, tuple[int, str, Callable[[State], object]]] = {
    "torchvision": (3, "imagenet", lambda s: s),
    "torchvision file": (3, "imagenet", old_spelling),
    "chexnet checkpoint": (3, "chexnet", lambda s: {"epoch": 3, "state_dict": chexnet(s), "best_loss": 0.1}),
    "torchxrayvision": (1, "torchxrayvision", lambda s: s),
    "konio": (1, "konio", lambda s: {f"backbone.{k}": v for k, v in s.items() if k[0] == "f"}),
}  # fmt: skip


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_layout_loads_tensor_by_tensor(layout: str, channels: int, tmp_path: Path) -> None:
    given, origin, publish = LAYOUTS[layout]
    state = made(given, 14)
    file = tmp_path / "weights.pth"
    torch.save(publish(state), file)
    network = DenseNet(DENSENET121, channels)
    report = load_backbone_weights(network, file)
    assert report.origin == origin
    assert report.channels == (given, channels)
    own = network.state_dict()
    adapted = ("features.conv0.weight", "features.norm0.running_mean")
    for name, value in own.items():
        if name not in adapted and not name.endswith("num_batches_tracked"):
            assert torch.equal(value, state[name]), name
            assert name in report.loaded
    assert all("classifier" in name for name in report.dropped)


def stem(state: State, image: Tensor) -> Tensor:
    """conv0 and norm0 of a state dict, without the border that zero padding changes."""
    maps = nn.functional.conv2d(image, state["features.conv0.weight"], stride=2, padding=3)
    norm = [state[f"features.norm0.{k}"] for k in ("running_mean", "running_var", "weight", "bias")]
    return nn.functional.batch_norm(maps, *norm)[:, :, 4:-4, 4:-4]


@pytest.mark.parametrize("channels", [1, 3])
def test_imagenet_intensities_move_into_the_first_layer(channels: int, tmp_path: Path) -> None:
    state = made(3, 1000)
    save_file(state, tmp_path / "imagenet.safetensors")
    network = DenseNet(DENSENET121, channels)
    load_backbone_weights(network, tmp_path / "imagenet.safetensors")
    grey = torch.rand(1, 1, 64, 64) * 2 - 1
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    truth = stem(state, ((grey + 1) / 2 - mean) / deviation)
    found = stem(network.state_dict(), grey.expand(-1, channels, -1, -1))
    assert torch.allclose(found, truth, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_torchxrayvision_intensities_move_into_the_first_layer(
    channels: int, tmp_path: Path
) -> None:
    state = made(1, 18)
    save_file(state, tmp_path / "xrv.safetensors")
    network = DenseNet(DENSENET121, channels)
    load_backbone_weights(network, tmp_path / "xrv.safetensors")
    grey = torch.rand(1, 1, 64, 64) * 2 - 1
    found = stem(network.state_dict(), grey.expand(-1, channels, -1, -1))
    truth = stem(state, grey * 1024)
    assert torch.allclose(found, truth, rtol=1e-4, atol=1e-3)


def test_missing_and_misshapen_tensors_are_named_and_nothing_is_changed(tmp_path: Path) -> None:
    state = made(3, 1000)
    del state["features.denseblock2.denselayer3.conv2.weight"]
    state["features.norm5.bias"] = torch.zeros(7)
    save_file(state, tmp_path / "w.safetensors")
    network = DenseNet(DENSENET121, 1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(BundleError) as refusal:
        load_backbone_weights(network, tmp_path / "w.safetensors")
    assert "features.denseblock2.denselayer3.conv2.weight (32, 128, 3, 3) is missing" in str(
        refusal.value
    )
    assert "features.norm5.bias is (7,), not (1024,)" in str(refusal.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(made(1, 14), tmp_path / "w.safetensors")
    with pytest.raises(BundleError, match="more; give DenseNet121"):
        load_backbone_weights(DenseNet(DENSENET_MINI, 1), tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="origin"):
        load_backbone_weights(DenseNet(DENSENET121, 1), tmp_path / "w.safetensors", "mars")


class Bomb:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('the pickle ran')",))


@pytest.mark.parametrize(
    "content", [nn.Linear(2, 2), {"state_dict": Bomb()}], ids=["module", "bomb"]
)
def test_whole_pickled_models_are_refused_unopened(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(BundleError, match="might run code"):
        read_state_dict(tmp_path / "model.pt")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "absent.pth"])
def test_damaged_and_absent_files_are_refused(name: str, tmp_path: Path) -> None:
    if name[0] == "w":
        (tmp_path / name).write_bytes(b"not a weight file")
    with pytest.raises(BundleError, match=name):
        read_state_dict(tmp_path / name)


def test_a_file_without_a_state_dict_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(BundleError, match="no state dict"):
        read_state_dict(tmp_path / "w.pth")


def test_plain_names() -> None:
    assert (
        plain_name("module.features.transition1.norm.weight") == "features.transition1.norm.weight"
    )
    assert plain_name("features.denseblock4.denselayer16.norm.2.bias").endswith(
        "denselayer16.norm2.bias"
    )
