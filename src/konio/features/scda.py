r"""SCDA: the cells of a map where the evidence lies, as one vector per film.

From weighted maps :math:`S_n` (`konio.explain.discriminative_maps`):

.. math:: B = \sum_n S_n, \qquad M_{ij} = [B_{ij} > \bar b], \qquad \tilde M = \text{largest 8-connected part of } M

:math:`\tilde Z = \tilde M \odot S` is the thesis' feature, flattened with its zeros; the mean and the maximum over the
cells of :math:`\tilde M` are those of the original method, far shorter and indifferent to where on the film they lie.
The maps are not cut at zero before the threshold: that belongs to pictures. Where no cell is above the mean (a constant
map) the strongest one is kept, so that every film has a feature.

References:
    Wei et al., Selective convolutional descriptor aggregation, IEEE TIP 2017;26(6):2868. Paper B, equations 3.5 to 3.7,
    algorithm 3.3 (dossier 4.2 T13, B14 to B17).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import UsageError

_EIGHT: Final = np.ones((3, 3), np.int8)


def selection(maps: Tensor) -> Tensor:
    """Which cells are kept.

    Args:
        maps: ``(B, C, h, w)`` weighted maps.

    Returns:
        ``(B, h, w)`` bool on the maps' device; one 8-connected part each, the first in reading order of equal ones.

    Raises:
        UsageError: if these are no finite maps.
    """
    if maps.ndim != 4 or not maps.numel() or not torch.isfinite(maps).all():
        raise UsageError(
            f"maps must be finite and (B, C, h, w), got shape {tuple(maps.shape)}; take them from discriminative_maps"
        )
    aggregated = maps.sum(dim=1, dtype=torch.float64).numpy(force=True)  # B, eq. 3.5
    kept = np.stack([_largest_part(one) for one in aggregated])
    return torch.from_numpy(kept).to(maps.device)


def _largest_part(aggregated: NDArray[np.float64]) -> NDArray[np.bool_]:
    from scipy import ndimage

    above: NDArray[np.bool_] = aggregated > aggregated.mean()
    if not above.any():
        above = np.zeros_like(above)
        above.flat[aggregated.argmax()] = True
        return above
    labels, _ = ndimage.label(above, structure=_EIGHT)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def flattened(maps: Tensor, kept: Tensor) -> Tensor:
    """The maps with zeros outside the selection, in one row (eq. 3.7): ``(B, C h w)``.

    Args:
        maps: ``(B, C, h, w)``, weighted or raw.
        kept: ``(B, h, w)`` from `selection`.
    """
    return (maps * kept[:, None]).flatten(1)


def pooled(maps: Tensor, kept: Tensor) -> Tensor:
    """Mean and maximum over the selected cells, as in the original method: ``(B, 2 C)``.

    Args:
        maps: ``(B, C, h, w)``, weighted or raw.
        kept: ``(B, h, w)`` from `selection`; at least one cell each.
    """
    inside = kept[:, None]
    mean = (maps * inside).sum(dim=(2, 3)) / inside.sum(dim=(2, 3))
    most = torch.where(inside, maps, -torch.inf).amax(dim=(2, 3))
    return torch.cat((mean, most), dim=1)


#: How selected cells become a vector.
FORMS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = MappingProxyType(
    {"pooled": pooled, "flattened": flattened}
)
