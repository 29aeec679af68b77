"""Toy films whose lungs are two dark ellipses, and a network that calls dark lung."""

import numpy as np
import torch

from konio.lungs.segmenter import LungSegmenter
from konio.records import Image, Source


def ellipse(shape, row, column, height, width):
    """Mask of an ellipse; all lengths as parts of the shape."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    down, across = (rows + 0.5) / shape[0] - row, (columns + 0.5) / shape[1] - column
    return (down / height) ** 2 + (across / width) ** 2 <= 1


def lungs_of(shape):
    """Right and left lung of the toy film."""
    return ellipse(shape, 0.45, 0.3, 0.3, 0.13), ellipse(shape, 0.45, 0.7, 0.3, 0.13)


def image(pixels):
    """An Image of ``(H, W)`` values in 0..1."""
    rows, columns = pixels.shape
    return Image(
        pixels.astype(np.float32),
        None,
        "radiograph",
        Source("toy", "0" * 64, "memory", rows, columns),
    )


def toy(shape=(300, 300)):
    """A toy film with two lungs."""
    right, left = lungs_of(shape)
    return np.where(right | left, 0.1, 0.8).astype(np.float32)


class Dark(torch.nn.Module):
    """Calls everything dark on the film's left the right lung and on its right the left lung."""

    def forward(self, film):
        logits = -8 * film
        half = film.shape[-1] // 2
        right, left = logits.clone(), logits.clone()
        right[..., half:] = -8
        left[..., :half] = -8
        return torch.cat((right, left), dim=1)


SEGMENTER = LungSegmenter(Dark(), torch.device("cpu"), torch.float32)
