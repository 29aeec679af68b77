"""From a feature map to one vector per question.

All poolings are means, the last with a maximum over six means on top; ``lungs`` is the mean of the six zones' means,
so that nothing outside the lungs can say anything. Therefore the derivative of
the pooled vector with respect to the map is known in closed form, which `konio.explain` uses.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

from konio.errors import UsageError

Pooling = Literal["global", "zone", "lungs", "global+zones"]

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
    return zone_shares(zones.to(features.dtype)) @ features.flatten(2).transpose(1, 2)


def zone_shares(zones: Tensor) -> Tensor:
    """How much each cell weighs in the mean of each zone: ``(B, Z, h, w)`` to ``(B, Z, h w)``, sums 1, or 0 without weight."""
    weights = zones.flatten(2)
    total = weights.sum(dim=2, keepdim=True)
    return torch.where(total > _LEAST_WEIGHT, weights / total.clamp_min(_LEAST_WEIGHT), 0.0)


def cell_weights(features: Tensor, zones: Tensor | None) -> Tensor:
    """How much each cell weighs in each row of `Pooled.kept`, ``(B, 1 + Z, h w)``."""
    cells = features[0, 0].numel()
    whole = features.new_full((len(features), 1, cells), 1 / cells)
    return whole if zones is None else torch.cat((whole, zone_shares(zones.to(whole))), dim=1)


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
        if pooling == "lungs":
            return self._zones.mean(dim=1)
        return torch.cat((self._mean, self._zones.max(dim=1).values), dim=1)

    def spread(self, slope: Tensor, pooling: Pooling, zone: int | None = None) -> Tensor:
        """From the derivative of a score by a pooled vector to its derivative by every row of `kept`.

        Args:
            slope: ``(B, W)`` by the vector that `vector` gives for the same pooling and zone.
            pooling: which pooling.
            zone: position of the zone for the pooling ``zone``.

        Returns:
            ``(B, 1 + Z, C)``.
        """
        rows = torch.zeros_like(self.kept, dtype=slope.dtype)
        if pooling == "global":
            rows[:, 0] = slope
        elif pooling == "zone":
            rows[:, 1 + (zone or 0)] = slope
        elif pooling == "lungs":
            rows[:, 1:] = slope[:, None] / (rows.shape[1] - 1)
        else:
            mean, most = slope.chunk(2, dim=1)
            rows[:, 0] = mean
            # The maximum is reached in the first zone that has it; an absent zone is a constant zero.
            rows[:, 1:].scatter_(1, self.fullest_zone()[:, None], most[:, None])
        return rows

    def fullest_zone(self) -> Tensor:
        """For every channel the zone with the largest mean, ``(B, C)`` positions; the first of equals."""
        if self._zones is None:
            raise UsageError("no zones were given; give the zone weights with the image")
        return self._zones.max(dim=1).indices


def pooled_width(pooling: Pooling, channels: int) -> int:
    """Length of the pooled vector."""
    return 2 * channels if pooling == "global+zones" else channels
