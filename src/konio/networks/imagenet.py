r"""ImageNet weights in torchvision's layout for every base classifier, checked tensor by tensor.

The file's classifier fills ours as far as it does not depend on the classes; the last layer begins anew. ImageNet
networks saw other intensities than our grey -1..1; the first layer takes the change over as in
`konio.networks.weights`, its constant going into a batch norm's mean or the convolution's bias behind it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from torch import Tensor

from konio.errors import BundleError
from konio.networks.classifier import Classifier
from konio.networks.weights import LoadedWeights, first_layer, plain_name, read_state_dict

_COUNTER: Final = "num_batches_tracked"
_SHOWN: Final = 5


def load_imagenet(network: Classifier, path: str | os.PathLike[str]) -> LoadedWeights:
    """Fill a base classifier from a file of published ImageNet weights.

    Args:
        network: changed only if every tensor fits.
        path: ``.safetensors``, or a torch file with a state dict, which is opened without running anything of it.

    Returns:
        What was loaded; the last layer is among ``dropped``.

    Raises:
        BundleError: if the file cannot be read safely, or a tensor is missing or of another shape (each is named
            with its shapes).
    """
    return fill(network, read_state_dict(path), Path(path).name)


def fill(network: Classifier, state: Mapping[str, Tensor], file: str) -> LoadedWeights:
    """`load_imagenet` of a state dict that is already read; ``file`` names it in the error."""
    layout, own = network.layout, network.state_dict()
    named = {layout.own_name(plain_name(name)): value for name, value in state.items()}
    wanted = {name: value for name, value in own.items() if not layout.is_last(name)}
    first, constant = f"backbone.{layout.first}", f"backbone.{layout.constant}"
    _check(wanted, named, first, file, network.plan.architecture)
    given = {name: named[name] for name in wanted if name in named}
    channels = given[first].shape[1]
    given[first], shift = first_layer(given[first], "imagenet", network.plan.in_channels)
    # A mean is subtracted and a bias is added.
    given[constant] = given[constant] + (-shift if constant.endswith("mean") else shift)
    network.load_state_dict({**own, **given}, assign=own[first].is_meta)
    return LoadedWeights(
        "imagenet",
        loaded=tuple(given),
        dropped=tuple(name for name in named if name not in given),
        channels=(channels, network.plan.in_channels),
    )


def _check(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], first: str, file: str, network: str
) -> None:
    wrong = []
    for name, value in own.items():
        if name not in given:
            # Files from before torch 0.4.1 do not have the counters, and nothing depends on them.
            if not name.endswith(_COUNTER):
                wrong.append(f"{name} {tuple(value.shape)} is missing")
        elif not _fits(value, given[name], free_channels=name == first):
            wrong.append(f"{name} is {tuple(given[name].shape)}, not {tuple(value.shape)}")
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise BundleError(
            f"{file} is no weight file of {network}: {'; '.join(wrong[:_SHOWN])}{more}; "
            "give torchvision's ImageNet weights of this network"
        )


def _fits(own: Tensor, given: Tensor, *, free_channels: bool) -> bool:
    if not free_channels:
        return own.shape == given.shape
    same = given.ndim == 4 and (own.shape[0], *own.shape[2:]) == (given.shape[0], *given.shape[2:])
    return same and given.shape[1] in (1, 3)
