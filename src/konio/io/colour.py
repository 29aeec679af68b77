"""Three samples per pixel: grey pictures stored as colour are read, coloured ones are no radiographs."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError

#: A pixel is coloured if its samples differ by more than this part of the scale ...
COLOURED_PIXEL: Final = 0.12
#: ... and a picture if more than this part of its pixels are.
COLOURED_PICTURE: Final = 0.02

Space = Literal["RGB", "YBR"]
# ITU-R BT.601 in 1/65536; they sum to 65536, so grey stays what it is
_LUMA: Final = (19595, 38470, 7471)


def grey_of(pixels: NDArray[Any], space: Space) -> NDArray[Any]:
    """Brightness of a picture with three samples.

    Args:
        pixels: ``(H, W, 3)`` unsigned 8 or 16 bit.
        space: red, green, blue or luminance and two colour differences.

    Returns:
        ``(H, W)`` in the same type.

    Raises:
        RefusedError: ``not-radiograph`` if the picture is coloured.

    References:
        ITU-R BT.601 (luma); DICOM PS3.3 C.7.6.3.1.2 (YBR_FULL).
    """
    step = max(1, min(pixels.shape[:2]) // 256)
    scale = np.iinfo(pixels.dtype).max
    sample = pixels[::step, ::step].astype(np.float32) / scale
    if space == "YBR":
        difference = 2 * np.abs(sample[..., 1:] - 0.5).max(axis=-1)
    else:
        difference = sample.max(axis=-1) - sample.min(axis=-1)
    if float((difference > COLOURED_PIXEL).mean()) > COLOURED_PICTURE:
        raise RefusedError("not-radiograph", "a coloured picture")
    if space == "YBR":
        return np.ascontiguousarray(pixels[..., 0])
    red, green, blue = (pixels[..., i].astype(np.uint32) for i in range(3))
    luma = (red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2] + 32768) >> 16
    return luma.astype(pixels.dtype)
