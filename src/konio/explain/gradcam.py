r"""Grad-CAM without a backward pass.

Grad-CAM weighs channel c of the feature map A with :math:`\alpha_c = \frac1Z \sum_{ij} \partial y /
\partial A_{cij}` and shows :math:`\mathrm{ReLU}(\sum_c \alpha_c A_c)`. Behind our feature map stand only a
pooling and a head of two layers, and every pooling is a mean with weights that sum to one. The inner sum is
therefore the derivative of the score with respect to the pooled vector, which the head knows:

.. math:: \alpha = \frac1Z W_1^T (w_{2,k} \odot [W_1 p + b_1 > 0])

For the pooling ``global+zones`` the half behind the maximum adds to the half behind the mean; for a zone
without cells nothing arrives. No hook, no graph, no gradient: the network is left as it was found.

References:
    Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2; paper B, equations 3.3 and 3.4 (dossier 4.2 T12,
    B12, B13: y is the score before the softmax).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from konio.errors import UsageError
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import Pooled
from konio.tasks import ZONES, Task


@torch.no_grad()
def grad_cam(
    network: MultiTaskNetwork,
    features: Tensor,
    zones: Tensor | None,
    classes: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Grad-CAM of one class per image for each of several tasks.

    Args:
        network: whose heads answer; its mode does not matter, dropout is left out.
        features: ``(B, C, h, w)`` from `MultiTaskNetwork.features` or its folded form.
        zones: ``(B, 6, h, w)`` zone weights, if a task needs them.
        classes: task name to ``(B,)`` class positions to explain; the predicted ones, as a rule.

    Returns:
        task name to ``(B, h, w)`` in float32, not negative, not scaled.

    Raises:
        UsageError: on an unknown task or a class it does not have.
    """
    maps = features.float()
    flat = maps.flatten(2)  # (B, C, h w)
    pooled = Pooled(maps, zones)
    present = None if zones is None else zones.flatten(2).sum(dim=2) > 0  # (B, 6)
    weights = torch.stack(
        [
            _channel_weights(network, network.tasks[name], pooled, present, chosen)
            for name, chosen in classes.items()
        ],
        dim=1,
    )  # (B, T, C)
    heat = (weights @ flat).relu_() / flat.shape[2]
    shaped = heat.unflatten(2, maps.shape[2:])  # type: ignore[no-untyped-call]
    return {name: shaped[:, number] for number, name in enumerate(classes)}


def _channel_weights(
    network: MultiTaskNetwork, task: Task, pooled: Pooled, present: Tensor | None, chosen: Tensor
) -> Tensor:
    """Sum over all cells of the score's derivative, ``(B, C)``."""
    if int(chosen.min()) < 0 or int(chosen.max()) >= len(task):
        raise UsageError(
            f"task {task.name!r} has the classes 0 to {len(task) - 1}, got {chosen.tolist()}; choose among them"
        )
    vector = network.pool(pooled, task)
    slope = network.head(task).slope(vector, chosen)
    pooling = network.plan.pooling[task.name]
    if pooling == "global":
        return slope
    if present is None:
        raise UsageError("this network looks at the lung zones and got none; give the zone weights")
    if pooling == "zone":
        zone = ZONES.index(task.zone or "")
        return torch.where(present[:, zone, None], slope, 0.0)
    mean, most = slope.chunk(2, dim=1)
    # The maximum is reached in the first zone that has it; an absent zone is a constant zero.
    reached = torch.gather(present, 1, pooled.fullest_zone())
    return mean + torch.where(reached, most, 0.0)
