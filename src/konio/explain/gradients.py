r"""Grad-CAM, HiResCAM and Grad-CAM++ of any network, from the gradient of one score with respect to its feature map.

Only what lies behind the map is differentiated, so that it costs little beside the way to the map, and no parameter
ever gets a gradient.

References:
    Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2. Draelos and Carin, HiResCAM, arXiv 2011.08891. Chattopadhyay et al., Grad-CAM++, WACV 2018, equations
    5, 10 and 19. Paper B, equations 3.3 and 3.4; algorithm 3.2 (dossier 4.2 T12, B12, B13).
"""

from __future__ import annotations

import torch
from torch import Tensor

from konio.explain.contract import Asked


def score_gradient(asked: Asked) -> Tensor:
    """Derivative of every image's score by its own map, ``(B, C, h, w)``."""
    with torch.enable_grad():
        leaf = asked.maps.detach().requires_grad_()
        score = asked.score(asked.network.answer(leaf.clone()))
        (gradient,) = torch.autograd.grad(score.sum(), leaf)
    return gradient


def channel_weights(asked: Asked) -> Tensor:
    r"""Grad-CAM's weights :math:`W_n = \frac1Z \sum_{ij} \partial y / \partial A_{nij}` (eq. 3.3), ``(B, C)``."""
    return score_gradient(asked).mean(dim=(2, 3))


def weighted_maps(asked: Asked) -> Tensor:
    """The discriminative maps :math:`S_n = W_n A_n`, ``(B, C, h, w)``; they may be negative (dossier B15)."""
    return channel_weights(asked)[:, :, None, None] * asked.maps


def grad_cam(asked: Asked) -> Tensor:
    """Grad-CAM: what is left above zero of the sum of all weighted maps (eq. 3.4), ``(B, h, w)``."""
    return torch.einsum("bc,bchw->bhw", channel_weights(asked), asked.maps).relu()


def hires_cam(asked: Asked) -> Tensor:
    """HiResCAM: what each cell gave to the score, and nothing where the head does not look, ``(B, h, w)``."""
    return (score_gradient(asked) * asked.maps).sum(dim=1).relu()


def grad_cam_plus_plus(asked: Asked) -> Tensor:
    r"""Grad-CAM++: only what raises the score weighs, each cell by its own share, ``(B, h, w)``.

    With the exponential of the score as in the paper the second and third derivatives are powers of the first, g, so
    that :math:`\alpha_{ij} = 1 / (2 + g_{ij} \sum_{ab} A_{ab})` where :math:`g_{ij} > 0`; elsewhere the ReLU of the
    weights :math:`w = \sum_{ij} \alpha_{ij} \mathrm{relu}(g_{ij})` leaves nothing.
    """
    rising = score_gradient(asked).relu()
    alpha = 1 / (2 + rising * asked.maps.sum(dim=(2, 3), keepdim=True))
    weights = (alpha * rising).sum(dim=(2, 3))
    return torch.einsum("bc,bchw->bhw", weights, asked.maps).relu()
