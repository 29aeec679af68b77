"""Transfer syntaxes and what decodes them: one table, one shape each.

Every decoder takes the bytes of one compressed frame and the `Frame` that the header promises, and returns
``(H, W)`` or ``(H, W, 3)`` unsigned words. All of them come from imagecodecs (BSD), which also decodes 12-bit JPEG.

References:
    DICOM PS3.5 section 10 and annex A.4 (transfer syntaxes), annex G (RLE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError
from konio.io.encoded import syntax_name


@dataclass(frozen=True, slots=True)
class Frame:
    """What the header promises of one picture.

    Args:
        rows: height in pixels.
        columns: width in pixels.
        samples: values per pixel, 1 or 3.
        allocated: bits of a word, 8 or 16.
    """

    rows: int
    columns: int
    samples: int
    allocated: int

    @property
    def shape(self) -> tuple[int, ...]:
        """``(H, W)`` or ``(H, W, samples)``."""
        grid = (self.rows, self.columns)
        return grid if self.samples == 1 else (*grid, self.samples)

    @property
    def bytes(self) -> int:
        """Size of the uncompressed picture."""
        return self.rows * self.columns * self.samples * self.allocated // 8


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to decode one compressed frame.

    Args:
        name: what a refusal calls it.
        decode: from the frame's bytes and promise to pixels.
    """

    name: str
    decode: Callable[[bytes, Frame], NDArray[Any]]


def _rle(data: bytes, frame: Frame) -> NDArray[Any]:
    dtype = np.dtype(f"<u{frame.allocated // 8}")
    flat = np.frombuffer(imagecodecs.dicomrle_decode(data, dtype), dtype)
    if frame.samples == 1:
        return flat.reshape(frame.shape)
    return np.moveaxis(flat.reshape(frame.samples, frame.rows, frame.columns), 0, -1)


_JPEG = Codec("JPEG", lambda data, _: imagecodecs.jpeg8_decode(data))
_JPEG_LOSSLESS = Codec("lossless JPEG", lambda data, _: imagecodecs.jpeg8_decode(data))
_JPEG_LS = Codec("JPEG-LS", lambda data, _: imagecodecs.jpegls_decode(data))
_JPEG_2000 = Codec("JPEG 2000", lambda data, _: imagecodecs.jpeg2k_decode(data, numthreads=2))
_HTJ2K = Codec("HTJ2K", lambda data, _: imagecodecs.htj2k_decode(data))
_RLE = Codec("RLE", _rle)

#: Compressed transfer syntaxes that are read, by UID. Uncompressed ones need no decoder.
CODECS: Final = MappingProxyType(
    {
        "1.2.840.10008.1.2.4.50": _JPEG,  # baseline, 8 bit
        "1.2.840.10008.1.2.4.51": _JPEG,  # extended, 12 bit
        "1.2.840.10008.1.2.4.57": _JPEG_LOSSLESS,
        "1.2.840.10008.1.2.4.70": _JPEG_LOSSLESS,  # first-order prediction
        "1.2.840.10008.1.2.4.80": _JPEG_LS,
        "1.2.840.10008.1.2.4.81": _JPEG_LS,  # near-lossless
        "1.2.840.10008.1.2.4.90": _JPEG_2000,  # lossless only
        "1.2.840.10008.1.2.4.91": _JPEG_2000,
        "1.2.840.10008.1.2.4.201": _HTJ2K,  # lossless only
        "1.2.840.10008.1.2.4.202": _HTJ2K,  # lossless, RPCL
        "1.2.840.10008.1.2.4.203": _HTJ2K,
        "1.2.840.10008.1.2.5": _RLE,
    }
)

#: Uncompressed transfer syntaxes, by UID: byte order of 16-bit words.
UNCOMPRESSED: Final = MappingProxyType(
    {
        "1.2.840.10008.1.2": "<",  # implicit little endian
        "1.2.840.10008.1.2.1": "<",  # explicit little endian
        "1.2.840.10008.1.2.1.99": "<",  # deflated explicit little endian
        "1.2.840.10008.1.2.2": ">",  # explicit big endian
    }
)


def decode(syntax: str, data: bytes, frame: Frame) -> NDArray[Any]:
    """Pixels of one compressed frame.

    Args:
        syntax: transfer syntax UID, a key of `CODECS`.
        data: the frame's bytes.
        frame: what the header promises.

    Returns:
        ``frame.shape`` unsigned words, 8 or 16 bit (two's complement where the codec is signed).

    Raises:
        RefusedError: ``unsupported-syntax`` for a syntax without decoder, ``truncated`` for no bytes at all,
            ``decode-failed`` if the decoder gives up, ``bad-header`` if it finds another picture
            than the header promises.
    """
    if syntax not in CODECS:
        raise RefusedError("unsupported-syntax", syntax_name(syntax))
    if not data:
        raise RefusedError("truncated", "the compressed picture has no bytes")
    codec = CODECS[syntax]
    try:
        pixels = np.asarray(codec.decode(data, frame))
    except MemoryError:
        raise
    except Exception as error:
        raise RefusedError("decode-failed", f"{codec.name}: {type(error).__name__}") from error
    return _as_words(pixels, frame, codec.name)


def _as_words(pixels: NDArray[Any], frame: Frame, name: str) -> NDArray[Any]:
    if pixels.shape != frame.shape or pixels.dtype.kind not in "iu" or pixels.dtype.itemsize > 2:
        raise RefusedError(
            "bad-header",
            f"the {name} picture is {_size(pixels.shape)} {pixels.dtype.name}, the header says {_size(frame.shape)}",
        )
    if pixels.dtype.itemsize == 1 and frame.allocated == 16:
        return pixels.astype(np.uint16) if pixels.dtype.kind == "u" else pixels.astype(np.int16).view(np.uint16)  # fmt: skip
    return pixels.view(f"u{pixels.dtype.itemsize}")


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)
