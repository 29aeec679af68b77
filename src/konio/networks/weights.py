r"""Published DenseNet121 weights from a file of the user's, checked tensor by tensor.

Understood are the state dicts of

- torchvision's ImageNet DenseNet121, in today's spelling (``features.denseblock1.denselayer1.norm1.weight``)
  and in that of its files (``...denselayer1.norm.1.weight``);
- CheXNet (``module.densenet121.features....``, usually under a key ``state_dict``);
- torchxrayvision's DenseNet121 (one channel, input -1024..1024);
- konio's own pre-training (``backbone.features....``).

Classifiers are dropped. ``.safetensors`` files are read as such; torch's own files only through its
restricted unpickler (``torch.load(weights_only=True)``, torch 2.6 or later, where the old tar format that
escaped it is closed), which builds tensors, numbers and containers and calls nothing else. A file that holds a
whole pickled model, as torchxrayvision publishes, cannot be read that way and is refused with the line that
converts it. Bundles know no such exception (`konio.networks.bundle`).

Other networks saw other intensities. Where theirs are :math:`v_c = p_c x + q_c` of our :math:`x` in -1..1, the
first layer takes the change over: :math:`\sum_c w_c * v_c = (\sum_c p_c w_c) * x + \sum_c q_c \sum w_c`. The
constant goes into the running mean of the batch norm behind it. Exact except within three pixels of the
border, where zero padding means another grey.
"""

from __future__ import annotations

import os
import pickle  # only for the name of the error; nothing is unpickled here
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from konio.errors import BundleError, UsageError
from konio.networks.densenet import DenseNet

Origin = Literal["imagenet", "chexnet", "torchxrayvision", "konio"]

#: Intensities that ImageNet networks expect: (value in 0..1 - mean) / deviation, per channel.
_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)

_WRAPPERS: Final = ("module.", "model.", "densenet121.", "backbone.")
_OLD_SPELLING: Final = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
_COUNTER: Final = "num_batches_tracked"
_FIRST: Final = "features.conv0.weight"
_FIRST_MEAN: Final = "features.norm0.running_mean"
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What became of a file.

    Args:
        origin: whose weights they are.
        loaded: tensors taken over, in the network's names.
        dropped: tensors of the file that the network has no place for (its classifier).
        channels: input channels of the file and of the network.
    """

    origin: Origin
    loaded: tuple[str, ...]
    dropped: tuple[str, ...]
    channels: tuple[int, int]


def load_backbone_weights(
    network: DenseNet, path: str | os.PathLike[str], origin: Origin | None = None
) -> LoadedWeights:
    """Fill a backbone from a file of published weights.

    Args:
        network: changed only if every tensor fits.
        path: ``.safetensors``, or a torch file with a state dict.
        origin: whose weights they are; found out from the names and shapes where ``None``.

    Returns:
        What was loaded.

    Raises:
        BundleError: if the file cannot be read safely, or a tensor is missing or of another shape (each is
            named with its shapes).
        UsageError: if the origin is unknown.
    """
    raw = read_state_dict(path)
    origin = _origin(raw) if origin is None else origin
    state = {plain_name(name): value for name, value in raw.items()}
    own = network.state_dict()
    backbone = {name: value for name, value in state.items() if name in own}
    _check(own, backbone, Path(path).name)
    first = backbone[_FIRST]
    backbone[_FIRST], shift = first_layer(first, origin, network.in_channels)
    backbone[_FIRST_MEAN] = backbone[_FIRST_MEAN] - shift
    complete = {name: backbone.get(name, value) for name, value in own.items()}
    network.load_state_dict(complete)
    return LoadedWeights(
        origin,
        loaded=tuple(name for name in own if name in backbone),
        dropped=tuple(name for name in raw if plain_name(name) not in own),
        channels=(first.shape[1], network.in_channels),
    )


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Name to tensor from a file, in the file's own names, without running anything of it.

    Raises:
        BundleError: if it cannot be read or holds anything but tensors.
    """
    file = Path(path)
    try:
        if file.suffix.lower() == ".safetensors":
            return dict(load_file(file))
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        raise BundleError(f"{file} cannot be read ({error}); check the file") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BundleError(
            f"{file} holds more than tensors or is damaged, and opening it might run code; where you trust it, "
            "load it elsewhere and save its state dict with safetensors.torch.save_file"
        ) from error
    return _tensors(content, file)


def plain_name(name: str) -> str:
    """A tensor's name in today's torchvision spelling, without wrappers.

    Examples:
        >>> plain_name("module.densenet121.features.denseblock1.denselayer2.norm.1.weight")
        'features.denseblock1.denselayer2.norm1.weight'
    """
    while any(name.startswith(wrapper) for wrapper in _WRAPPERS):
        name = name.split(".", 1)[1]
    return _OLD_SPELLING.sub(r"\1\2.", name)


def _tensors(content: Any, file: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise BundleError(
            f"{file} holds no state dict; save the model's state_dict() and give that"
        )
    return dict(content)


def _origin(raw: Mapping[str, Tensor]) -> Origin:
    if any(name.startswith("backbone.") for name in raw):
        return "konio"
    if any("densenet121." in name for name in raw):
        return "chexnet"
    first = next((value for name, value in raw.items() if plain_name(name) == _FIRST), None)
    one_channel = first is not None and first.ndim == 4 and first.shape[1] == 1
    return "torchxrayvision" if one_channel else "imagenet"


def _check(own: Mapping[str, Tensor], given: Mapping[str, Tensor], file: str) -> None:
    wrong = []
    for name, value in own.items():
        if name.endswith(_COUNTER):
            continue  # files from before torch 0.4.1 do not have it, and nothing depends on it
        if name not in given:
            wrong.append(f"{name} {tuple(value.shape)} is missing")
        elif not _fits(name, value, given[name]):
            wrong.append(f"{name} is {tuple(given[name].shape)}, not {tuple(value.shape)}")
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise BundleError(
            f"{file} is no weight file of this backbone: {'; '.join(wrong[:_SHOWN])}{more}; give DenseNet121 weights"
        )


def _fits(name: str, own: Tensor, given: Tensor) -> bool:
    if name != _FIRST:
        return own.shape == given.shape
    same = given.ndim == 4 and (own.shape[0], *own.shape[2:]) == (given.shape[0], *given.shape[2:])
    return same and given.shape[1] in (1, 3)


def first_layer(weight: Tensor, origin: Origin, channels: int) -> tuple[Tensor, Tensor]:
    """First convolution for our intensities, and what it no longer adds to the mean behind it."""
    scale, offset = _intensities(origin, weight.shape[1])
    shift = (weight * offset[None, :, None, None]).sum(dim=(1, 2, 3))
    weight = weight * scale[None, :, None, None]
    if channels == weight.shape[1]:
        return weight, shift
    if channels == 1:
        return weight.sum(dim=1, keepdim=True), shift
    return weight.expand(-1, channels, -1, -1) / channels, shift


def _intensities(origin: Origin, channels: int) -> tuple[Tensor, Tensor]:
    """Slope and offset per channel from our -1..1 to what the network saw in its training."""
    if origin == "torchxrayvision":
        return torch.full((channels,), 1024.0), torch.zeros(channels)
    if origin == "konio":
        return torch.ones(channels), torch.zeros(channels)
    if origin not in ("imagenet", "chexnet"):
        raise UsageError(
            f"origin {origin!r} is unknown; use imagenet, chexnet, torchxrayvision or konio"
        )
    mean, deviation = torch.tensor(_IMAGENET_MEAN), torch.tensor(_IMAGENET_DEVIATION)
    if channels == 1:
        mean, deviation = mean.mean()[None], deviation.mean()[None]
    return 0.5 / deviation, (0.5 - mean) / deviation
