"""Radiographs stored as PNG (8 or 16 bit, grey, palette, RGB) or JPEG."""

from __future__ import annotations

import io
import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from konio.errors import RefusedError
from konio.io.canonical import Depth, Grayscale
from konio.io.colour import grey_of
from konio.io.sizes import check_size
from konio.io.stored import Stored

_ORIENTATION: Final = 0x0112  # EXIF tag
_SIXTEEN: Final = frozenset({"I;16", "I;16L", "I;16B", "I"})
_COLOUR: Final = frozenset({"RGB", "RGBA", "P", "PA", "YCbCr"})


def read_png(data: mmap.mmap | bytes) -> Stored:
    """The film a PNG file holds; alpha is left out, colour that is grey becomes luma.

    Raises:
        RefusedError: with the code that applies.
    """
    return _read(data, "png")


def read_jpeg(data: mmap.mmap | bytes) -> Stored:
    """The film a JPEG file holds, turned as its EXIF orientation says.

    Raises:
        RefusedError: with the code that applies.
    """
    return _read(data, "jpeg")


def _read(data: mmap.mmap | bytes, kind: str) -> Stored:
    Pillow.MAX_IMAGE_PIXELS = None  # `check_size` is the limit, and refuses instead of warning
    try:
        with Pillow.open(io.BytesIO(data), formats=[kind.upper()]) as picture:
            check_size(picture.height, picture.width)
            frames = int(getattr(picture, "n_frames", 1))
            if frames != 1:
                raise RefusedError("several-frames", f"{frames} pictures")
            turned = picture.getexif().get(_ORIENTATION, 1) != 1
            picture.load()
            words = _words(ImageOps.exif_transpose(picture) if turned else picture)
    except (RefusedError, MemoryError):
        raise
    except Exception as error:
        raise _refusal(error, kind) from error
    bits = words.dtype.itemsize * 8
    notes = ("spacing unknown", *(("turned as its EXIF says",) if turned else ()))
    return Stored(words, Depth(bits, bits, bits - 1), Grayscale(), kind, notes=notes)


def _words(picture: Pillow.Image) -> NDArray[Any]:
    if picture.mode in ("L", "LA"):
        return np.asarray(picture.getchannel(0))
    if picture.mode in _SIXTEEN:
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in _COLOUR:
        return grey_of(np.asarray(picture.convert("RGB")), "RGB")
    raise RefusedError("not-radiograph", f"a {picture.mode} picture")


def _refusal(error: Exception, kind: str) -> RefusedError:
    if isinstance(error, UnidentifiedImageError):
        return RefusedError("decode-failed", f"{kind.upper()}: its header")
    if "truncated" in str(error) or isinstance(error, EOFError):
        return RefusedError("truncated", kind.upper())
    return RefusedError("decode-failed", f"{kind.upper()}: {type(error).__name__}")
