"""Fewer dimensions: principal components learned from a training part, and t-SNE for pictures.

t-SNE has no way to place a new case: it shows the cases it was given and is no feature for a classifier.

References:
    Paper B, algorithm 3.1, figures 3.7 and 3.8 (dossier 4.2 T14, B19, B22). van der Maaten and Hinton, Visualizing data
    using t-SNE, JMLR 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import UsageError
from konio.records import frozen

Floats = NDArray[np.float64]

#: Numbers of components that the thesis compares.
THESIS_COMPONENTS: Final = (4, 8, 16)
#: Components that stand in the scree plot (figure 3.8), and that t-SNE starts from where there are more features.
SCREE: Final = 20
_BEFORE_TSNE: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of one training part; made by `fit_components`.

    Args:
        mean: ``(d,)`` of the training part.
        axes: ``(k, d)`` orthonormal, the strongest first.
        shares: ``(k,)`` of the whole variance, 0..1.
    """

    mean: Floats
    axes: Floats
    shares: Floats

    def __post_init__(self) -> None:
        for array in (self.mean, self.axes, self.shares):
            frozen(array)

    def project(self, x: ArrayLike) -> Floats:
        """Coordinates of cases, ``(n, d)`` to ``(n, k)``.

        Raises:
            UsageError: if the features are of another width.
        """
        table = _table(x)
        if table.shape[1] != len(self.mean):
            raise UsageError(
                f"these components are of {len(self.mean)} features, got {table.shape[1]}; give the same features"
            )
        return np.asarray((table - self.mean) @ self.axes.T, np.float64)


def fit_components(x: ArrayLike, count: int, seed: int) -> Components:
    """Principal components of a training part.

    Args:
        x: ``(n, d)`` features of the training part, finite.
        count: how many, 1 to min(n, d).
        seed: of the randomised decomposition that wide tables take.

    Raises:
        UsageError: if there are not that many.
    """
    from sklearn.decomposition import PCA

    table = _table(x)
    if not 1 <= count <= min(table.shape):
        raise UsageError(
            f"{table.shape[0]} cases with {table.shape[1]} features have 1 to {min(table.shape)} components, "
            f"got {count}; ask for fewer"
        )
    pca = PCA(count, random_state=seed).fit(table)
    shares = np.nan_to_num(np.asarray(pca.explained_variance_ratio_, np.float64))
    return Components(
        np.asarray(pca.mean_, np.float64), np.asarray(pca.components_, np.float64), shares
    )


def embed(
    x: ArrayLike, dimensions: int, seed: int, *, perplexity: float = 30.0, workers: int = 1
) -> Floats:
    """t-SNE of some cases for a picture, from their first 50 principal components.

    Args:
        x: ``(n, d)`` features, finite.
        dimensions: 2 or 3.
        seed: of the components and the optimisation.
        perplexity: about how many neighbours a case has; at most a third of the cases is used.
        workers: processor cores.

    Returns:
        ``(n, dimensions)``.

    Raises:
        UsageError: on other dimensions, or fewer than four cases.
    """
    from sklearn.manifold import TSNE

    table = _table(x)
    if dimensions not in (2, 3) or len(table) < 4 or not perplexity > 0:
        raise UsageError(
            f"t-SNE shows four or more cases in 2 or 3 dimensions at a positive perplexity, got {len(table)} cases, "
            f"{dimensions} dimensions and {perplexity}; correct them"
        )
    if table.shape[1] > _BEFORE_TSNE:
        table = fit_components(table, min(_BEFORE_TSNE, len(table)), seed).project(table)
    near = min(perplexity, (len(table) - 1) / 3)
    flat = TSNE(dimensions, perplexity=near, init="pca", random_state=seed, n_jobs=workers)
    return np.asarray(flat.fit_transform(table.astype(np.float32)), np.float64)


def _table(x: ArrayLike) -> NDArray[np.float32] | Floats:
    table = np.asarray(x)
    if table.dtype != np.float32:
        table = np.asarray(table, np.float64)
    if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
        raise UsageError(
            f"features must be a finite table of one row for each case, got shape {table.shape}; correct them"
        )
    return table
