r"""Grad-CAM and HiResCAM without a backward pass.

Behind our feature map A stand only a pooling and a head of two layers, and every pooling is made of means:
:math:`p_r = \sum_{ij} w_{rij} A_{ij}`, row 0 over the whole map, rows 1 to 6 over the lung zones. So the derivative of a score y by
the map is known from its derivative by the rows, which the head gives in closed form:

.. math:: \partial y / \partial A_{cij} = \sum_r \beta_{rc} w_{rij}, \qquad
    \beta = W_1^T (w_{2,k} \odot [W_1 p + b_1 > 0])

*HiResCAM* shows :math:`\mathrm{ReLU}(\sum_c A_{cij}\, \partial y / \partial A_{cij})`: what each cell gave to the score, and nothing where
the head does not look. *Grad-CAM* replaces the derivative by its mean over all cells, and so paints cells that the head never
sees when it looks at the lungs alone (docs/decisions/0039). Where a head sees the mean of the whole map both are the same.
For ``global+zones`` the half behind the maximum arrives in the zone that has it. No hook, no graph, no gradient: the network
is left as it was found.

References:
    Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2; Draelos and Carin, HiResCAM, arXiv 2011.08891, equation 4;
    paper B, equations 3.3 and 3.4 (dossier 4.2 T12, B12, B13: y is the score before the softmax).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from konio.errors import UsageError
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import Pooled, cell_weights
from konio.tasks import Task


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
    maps, rows, weights = _rows(network, features, zones, classes)
    present = weights.sum(dim=2)[:, None, :, None]  # a zone without cells has no gradient
    channels = (rows * present).sum(dim=2)
    heat = (channels @ maps.flatten(2)).relu_() / maps[0, 0].numel()
    return _named(heat, maps, classes)


@torch.no_grad()
def hires_cam(
    network: MultiTaskNetwork,
    features: Tensor,
    zones: Tensor | None,
    classes: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """HiResCAM of one class per image for each of several tasks; arguments and result as for `grad_cam`."""
    maps, rows, weights = _rows(network, features, zones, classes)
    given = (rows.flatten(1, 2) @ maps.flatten(2)).unflatten(1, rows.shape[1:3])  # type: ignore[no-untyped-call]
    return _named((given * weights[:, None]).sum(dim=2).relu_(), maps, classes)


def _rows(
    network: MultiTaskNetwork,
    features: Tensor,
    zones: Tensor | None,
    classes: Mapping[str, Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """The map ``(B, C, h, w)``, derivatives by the rows ``(B, T, R, C)`` and the rows' cells ``(B, R, h w)``."""
    maps = features.float()
    pooled = Pooled(maps, zones)
    rows = [
        _derivatives(network, network.tasks[name], pooled, chosen)
        for name, chosen in classes.items()
    ]
    return maps, torch.stack(rows, dim=1), cell_weights(maps, zones)


def _named(heat: Tensor, maps: Tensor, classes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    shaped = heat.unflatten(2, maps.shape[2:])  # type: ignore[no-untyped-call]
    return {name: shaped[:, number] for number, name in enumerate(classes)}


def _derivatives(network: MultiTaskNetwork, task: Task, pooled: Pooled, chosen: Tensor) -> Tensor:
    """Derivative of the score by every row of `Pooled.kept`, ``(B, R, C)``."""
    if int(chosen.min()) < 0 or int(chosen.max()) >= len(task):
        raise UsageError(
            f"task {task.name!r} has the classes 0 to {len(task) - 1}, got {chosen.tolist()}; choose among them"
        )
    slope = network.head(task).slope(network.pool(pooled, task), chosen)
    return pooled.spread(slope, network.plan.pooling[task.name], network.zone_of(task))
