"""From a feature map to one vector per question.

All three poolings are means, the third with a maximum over six means on top. Therefore the derivative of
the pooled vector with respect to the map is known in closed form, which `konio.explain` uses.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

from konio.errors import UsageError

Pooling = Literal["global", "zone", "global+zones"]

# A zone with less weight than this (in cells) is taken as absent; float32 means of it would be noise.
_LEAST_WEIGHT: Final = 1e-3


def global_mean(features: Tensor) -> Tensor:
    """Mean over all cells: ``(B, C, h, w)`` to ``(B, C)``."""
    return features.mean(dim=(2, 3))


def zone_means(features: Tensor, zones: Tensor) -> Tensor:
    """Weighted mean over each zone.

    Args:
        features: ``(B, C, h, w)``.
        zones: ``(B, Z, h, w)`` weights, not negative; share of the cell that lies in the zone.

    Returns:
        ``(B, Z, C)``; zero for a zone without weight.

    Raises:
        UsageError: if the two grids differ.
    """
    if zones.shape[0] != features.shape[0] or zones.shape[2:] != features.shape[2:]:
        raise UsageError(
            f"zones {tuple(zones.shape)} must lie on the grid of the features {tuple(features.shape)}; "
            "make them with prepare.zone_weights"
        )
    weights = zones.to(features.dtype).flatten(2)  # (B, Z, h w)
    total = weights.sum(dim=2, keepdim=True)
    shares = torch.where(total > _LEAST_WEIGHT, weights / total.clamp_min(_LEAST_WEIGHT), 0.0)
    return shares @ features.flatten(2).transpose(1, 2)


class Pooled:
    """The pooled vectors of one batch, each computed once however many tasks ask for it.

    Args:
        features: ``(B, C, h, w)``.
        zones: ``(B, 6, h, w)`` weights, or ``None`` where no task needs them.
    """

    def __init__(self, features: Tensor, zones: Tensor | None) -> None:
        self._mean = global_mean(features)
        self._zones = None if zones is None else zone_means(features, zones)

    @property
    def kept(self) -> Tensor:
        """``(B, 1 + Z, C)`` all that the poolings are made of: the mean of the film, then of each zone; Z is 0 without zones."""
        means = self._mean[:, None]
        return means if self._zones is None else torch.cat((means, self._zones), dim=1)

    @classmethod
    def of(cls, kept: Tensor) -> Pooled:
        """From what `kept` gave: the same vectors without the map."""
        pooled = cls.__new__(cls)
        pooled._mean = kept[:, 0]
        pooled._zones = kept[:, 1:] if kept.shape[1] > 1 else None
        return pooled

    def vector(self, pooling: Pooling, zone: int | None = None) -> Tensor:
        """``(B, C)``, or ``(B, 2 C)`` for ``global+zones``.

        Args:
            pooling: which pooling.
            zone: position of the zone for the pooling ``zone``.

        Raises:
            UsageError: if zones are needed and were not given.
        """
        if pooling == "global":
            return self._mean
        if self._zones is None:
            raise UsageError(
                "this network looks at the lung zones and got none; give the zone weights with the image"
            )
        if pooling == "zone":
            return self._zones[:, zone]
        return torch.cat((self._mean, self._zones.max(dim=1).values), dim=1)

    def fullest_zone(self) -> Tensor:
        """For every channel the zone with the largest mean, ``(B, C)`` positions; the first of equals."""
        if self._zones is None:
            raise UsageError("no zones were given; give the zone weights with the image")
        return self._zones.max(dim=1).indices


def pooled_width(pooling: Pooling, channels: int) -> int:
    """Length of the pooled vector."""
    return 2 * channels if pooling == "global+zones" else channels
