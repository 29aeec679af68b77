"""Fine-grained features of films: what a network looked at, by its own answer, as a table for `konio.features.fit`.

The class whose maps are selected is the predicted one; with the true class the label would stand in the features
(dossier 4.2, B18), which ``class_source="true"`` shows and warns of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from konio.errors import UsageError
from konio.explain import Network, discriminative_maps
from konio.explain.contract import ClassSource
from konio.features.scda import FORMS, selection

#: What is aggregated and selected: the weighted maps of the text, or the raw ones of algorithm 3.3's line 7.
Values = Literal["weighted", "raw"]


def film_features(
    network: Network,
    image: Tensor,
    *,
    form: str = "pooled",
    values: Values = "weighted",
    class_source: ClassSource = "predicted",
    truth: Tensor | None = None,
    features: Tensor | None = None,
) -> NDArray[np.float32]:
    """SCDA features of some films.

    Args:
        network: whose map and answer they come from.
        image: ``(B, 1, H, W)`` in -1..1.
        form: ``pooled`` (2 C numbers) or ``flattened`` (C h w numbers, the thesis').
        values: ``weighted`` maps F (default) or the ``raw`` map A (dossier B14).
        class_source: see `konio.explain.explain`.
        truth: see `konio.explain.explain`.
        features: ``(B, C, h, w)`` of the images where they are known already.

    Returns:
        ``(B, d)`` float32.

    Raises:
        UsageError: on an unknown form or kind of values.
    """
    if form not in FORMS or values not in get_args(Values):
        raise UsageError(
            f"features are {' or '.join(FORMS)} of {' or '.join(get_args(Values))} maps, got {form!r} of {values!r}; "
            "choose among them"
        )
    with torch.no_grad():
        maps = network.features(image).float() if features is None else features.float()
    if values == "weighted":
        _, chosen = discriminative_maps(
            network, image, class_source=class_source, truth=truth, features=maps
        )
    else:
        chosen = maps
    table: NDArray[np.float32] = FORMS[form](chosen, selection(chosen)).numpy(force=True)
    return table


def deciding_level_features(
    levels: Sequence[Network], decided: NDArray[np.int64], image: Tensor, *, form: str = "pooled"
) -> NDArray[np.float32]:
    """Features of a two-level model, from the level that decided each film.

    Every level only sees the films that it decided.

    Args:
        levels: the networks, first level first; their maps have the same shape.
        decided: ``(B,)`` number of the level that decided, 1 upwards (`konio.hierarchy.Verdicts`).
        image: ``(B, 1, H, W)`` in -1..1.
        form: as for `film_features`.

    Raises:
        UsageError: if a level does not exist or the levels' features differ in width.

    References:
        Paper B, section 3.4 (dossier 4.2 T16).
    """
    numbers = np.asarray(decided, np.int64)
    known = set(range(1, len(levels) + 1))
    if numbers.shape != image.shape[:1] or not set(numbers.tolist()) <= known:
        raise UsageError(
            f"each of {len(image)} films is decided by one of the levels {sorted(known)}, got {numbers.tolist()}"
        )
    rows: dict[int, NDArray[np.float32]] = {}
    for number, level in enumerate(levels, start=1):
        films = np.flatnonzero(numbers == number)
        if len(films):
            table = film_features(level, image[torch.from_numpy(films)], form=form)
            rows.update(zip(films.tolist(), table, strict=True))
    if len({len(row) for row in rows.values()}) > 1:
        raise UsageError(
            "the levels' features differ in width, so that they make no table; use one architecture for both levels"
        )
    return np.stack([rows[film] for film in range(len(numbers))])
