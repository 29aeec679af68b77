"""Does a map depend on what the network learned? Weights are dealt out anew, layer after layer from the answer down.

A map that stays the same while the network forgets shows the film and not the reason for the answer. Within every
tensor the values are permuted, so that each layer keeps the size of its weights and nothing of what they say.

References:
    Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, section 4.1 (cascading randomisation).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from konio.errors import UsageError

Module = TypeVar("Module", bound=nn.Module)


def layers_from_the_top(network: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """The parts of a network with weights, from its answer to its first layer.

    A part is what stands under ``backbone`` (or ``backbone.features``), and each head.
    """
    backbone = getattr(network, "backbone", None)
    heads = [
        (name, part)
        for name, part in network.named_children()
        if name != "backbone" and _learned(part)
    ]
    if not isinstance(backbone, nn.Module):
        return tuple(reversed(heads))
    trunk, prefix = backbone, "backbone"
    while len(children := list(trunk.named_children())) == 1:
        prefix, trunk = f"{prefix}.{children[0][0]}", children[0][1]
    parts = [(f"{prefix}.{name}", part) for name, part in children if _learned(part)]
    return (*heads, *reversed(parts))


def _learned(part: nn.Module) -> bool:
    return any(True for _ in part.parameters())


def cascade(network: Module, generator: torch.Generator) -> Iterator[tuple[str, Module]]:
    """The network with its top layer randomised, then its top two, ... down to all of them.

    Args:
        network: trained; it is copied, not changed.
        generator: deals out the values.

    Yields:
        name of the layer that was randomised last, and the network so far. One and the same copy is changed from step
        to step: use it before the next.
    """
    spoiled = copy.deepcopy(network)
    for name, part in layers_from_the_top(spoiled):
        deal_out(part, generator)
        yield name, spoiled


@torch.no_grad()
def deal_out(part: nn.Module, generator: torch.Generator) -> None:
    """Permutes the values within every floating tensor of a part, statistics of batch norms included."""
    for tensor in part.state_dict().values():
        if tensor.is_floating_point() and tensor.numel() > 1:
            order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
            tensor.copy_(tensor.flatten()[order].reshape(tensor.shape))


def rank_correlation(first: Tensor, second: Tensor) -> NDArray[np.float64]:
    """Spearman's correlation of two maps of each film, ``(B,)`` in -1..1; ``nan`` where one of them is constant.

    Args:
        first: ``(B, h, w)``.
        second: ``(B, h, w)``.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise UsageError(
            f"maps to be compared must be alike (B, h, w), got {tuple(first.shape)} and {tuple(second.shape)}"
        )
    from scipy.stats import rankdata

    ranks = [rankdata(maps.flatten(1).numpy(force=True), axis=1) for maps in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    out = np.full(len(a), np.nan)
    np.divide((a * b).sum(axis=1), size, out=out, where=size > 0)
    return out
