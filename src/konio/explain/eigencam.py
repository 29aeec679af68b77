"""Eigen-CAM: the map's first principal component, without a gradient and without a class.

Since a feature map is not negative, its leading singular vectors are not either (Perron and Frobenius), which settles
their sign.

References:
    Muhammad and Yeasin, Eigen-CAM: class activation map using principal components, IJCNN 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor

from konio.explain.contract import Asked


@torch.no_grad()
def eigen_cam(asked: Asked) -> Tensor:
    """Projection of every cell on the first right singular vector of (cells, channels), ``(B, h, w)``.

    It shows what is most strongly there, whatever the answer: a control for the maps that depend on the class.
    """
    cells = asked.maps.flatten(2)  # (B, C, h w)
    scale = cells.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    relative = cells / scale
    values, vectors = torch.linalg.eigh(relative.transpose(1, 2) @ relative)
    heat = vectors[:, :, -1].abs() * values[:, -1:].clamp_min(0).sqrt() * scale[:, 0]
    shaped: Tensor = heat.reshape(len(heat), *asked.maps.shape[2:])
    return shaped
