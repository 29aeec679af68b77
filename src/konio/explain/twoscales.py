r"""Two-scale CAM: where the last map and a finer one inside the network agree on what speaks for the answer.

HiResCAM of the last map says what each cell gave to the score, but a cell is 32 pixels wide. The same product of map and
gradient can be taken further inside, on cells of 8 pixels, where the place is finer and much of what is found there is
later thrown away. Both have to hold:

.. math:: \sqrt{\mathrm{ReLU}\Big(\sum_c A_c \frac{\partial y}{\partial A_c}\Big)\!\uparrow \;\cdot\;
    \mathrm{ReLU}\Big(\sum_c B_c \frac{\partial y}{\partial B_c}\Big)}

with A the last map, enlarged to the cells of B, the map behind the ReLU of DenseNet's second transition. The root
gives back a map that grows with the score and not with its square. It costs a pass forth and back through half of the
network for every question, which is why pages show HiResCAM alone (docs/decisions/0043).

References:
    Draelos and Carin, HiResCAM, arXiv 2011.08891. Jiang et al., LayerCAM, IEEE TIP 2021: maps of inner layers. Selvaraju et
    al., Grad-CAM, ICCV 2017 (Guided Grad-CAM): the product of a coarse and a fine map. The root is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from konio.explain.contract import Asked, Halves
from konio.explain.gradients import hires_cam


def two_scale_cam(asked: Asked) -> Tensor:
    """Geometric mean of HiResCAM at the last map and at a finer one, ``(B, H / 8, W / 8)``.

    A network without a finer map is explained by its last one alone, ``(B, h, w)``.
    """
    coarse = hires_cam(asked)
    with torch.no_grad():
        halves = asked.halves()
    if halves is None:
        return coarse
    fine = _inner_cam(asked, halves)
    grown = functional.interpolate(
        coarse[:, None], size=fine.shape[-2:], mode="bilinear", align_corners=False
    )
    return (grown[:, 0] * fine).sqrt()


def _inner_cam(asked: Asked, halves: Halves) -> Tensor:
    """HiResCAM of the inner map, ``(B, h', w')``; only what lies behind it is differentiated."""
    inner, rest = halves
    with torch.enable_grad():
        leaf = inner.detach().requires_grad_()
        score = asked.score(asked.network.answer(rest(leaf)))
        (gradient,) = torch.autograd.grad(score.sum(), leaf)
    return (gradient * leaf.detach()).sum(dim=1).relu()
