"""The heads of the published base classifiers: from a feature map of any size to logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Spread of the first weights of a last layer: a new head answers "I do not know".
_UNDECIDED = 0.01


class LinearHead(nn.Module):
    """Mean over all cells, dropout, one linear layer: ResNet and DenseNet.

    Grad-CAM of such a head is CAM: its channel weights are the linear layer's over the number of cells.

    Args:
        channels: of the feature map.
        classes: number of answers.
        dropout: share of the pooled channels dropped in training.
        generator: source of the first weights; torch's own where ``None``.

    References:
        Dossier 4.2 B12: the thesis says that DenseNet121 pools nothing; it does.
    """

    def __init__(
        self, channels: int, classes: int, dropout: float, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Linear(channels, classes)
        begin_linear(self.layers, generator, last=True)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, classes)``."""
        logits: Tensor = self.layers(self.dropout(features.mean(dim=(2, 3))))
        return logits


class HiddenLayers(nn.Module):
    """Mean over a fixed number of cells, then three linear layers with dropout: AlexNet and VGG.

    The map is brought to ``cells x cells`` by adaptive means, so that any image size is taken. The layers stand
    at torchvision's places, so that published weights load by name.

    Args:
        sizes: channels of the map, width of the two hidden layers, number of answers.
        cells: height and width after pooling; 7 for VGG16, 6 for AlexNet.
        dropout: share of units dropped in training.
        dropout_first: whether units are dropped before each hidden layer (AlexNet) or behind it (VGG).
        generator: source of the first weights; torch's own where ``None``.
    """

    def __init__(
        self,
        sizes: tuple[int, int, int],
        cells: int,
        dropout: float,
        dropout_first: bool,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        channels, hidden, classes = sizes
        self.cells = cells
        parts: list[nn.Module] = []
        for width in (channels * cells * cells, hidden):
            layer: list[nn.Module] = [nn.Linear(width, hidden), nn.ReLU(inplace=True)]
            drop: list[nn.Module] = [nn.Dropout(dropout)]
            parts += drop + layer if dropout_first else layer + drop
        parts.append(nn.Linear(hidden, classes))
        self.layers = nn.Sequential(*parts)
        for part in parts:
            if isinstance(part, nn.Linear):
                begin_linear(part, generator, last=part is parts[-1])

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, classes)``."""
        cells = functional.adaptive_avg_pool2d(features, self.cells)
        logits: Tensor = self.layers(cells.flatten(1))
        return logits


def begin_linear(layer: nn.Linear, generator: torch.Generator | None, *, last: bool) -> None:
    """First weights of a linear layer; nothing on the meta device."""
    if layer.weight.is_meta:
        return
    if last:
        nn.init.normal_(layer.weight, std=_UNDECIDED, generator=generator)
    else:
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
