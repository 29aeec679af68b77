"""Answers to many films at once: the held-out part in training, a whole cohort in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch
from torch import Tensor

from konio.learning.batches import Examples, Shard, in_order
from konio.learning.objective import Objective
from konio.networks.multitask import MultiTaskNetwork

#: Films per batch.
LOOK_BATCH: Final = 16

Arithmetic = Callable[[], AbstractContextManager[Any]]


def look(
    network: Callable[..., Any],
    films: Examples,
    side: int,
    objective: Objective,
    *,
    device: torch.device | str = "cpu",
    shard: Shard = Shard(),  # noqa: B008
    arithmetic: Arithmetic = nullcontext,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Logits of films that are neither moved nor toned.

    Args:
        network: in evaluation mode, or anything called like it.
        films: to look at.
        side: at which of the store's sizes.
        objective: what is asked.
        device: where the network is.
        shard: this device's part of the films; rows of the others stay zero.
        arithmetic: makes the context to compute in, for reduced precision.
        progress: told films done and films in all.

    Returns:
        ``(n, outputs)`` float32 on ``device``.
    """
    answers = torch.zeros(len(films), objective.outputs, device=device)
    done = 0
    with torch.no_grad():
        for batch in in_order(films, side, LOOK_BATCH, shard):
            seen = films.view({name: v.to(device) for name, v in batch.items()}, side)
            with arithmetic():
                answers[batch["place"].to(device)] = objective.answer(network, seen)
            done += len(batch["place"])
            if progress is not None:
                progress(done, len(films))
    return answers


def folded(network: MultiTaskNetwork, side: int) -> Callable[..., dict[str, Tensor]]:
    """The same network with its backbone in the fastest form, for answering only."""
    backbone = network.folded(size=side)

    def answer(image: Tensor, zones: Tensor | None = None) -> dict[str, Tensor]:
        return network.answer(backbone(image), zones)

    return answer
