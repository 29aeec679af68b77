"""One radiograph out of a DICOM object: the header first, pixels only when the header is sound.

Uncompressed pixels are not copied: they are looked at where they lie in the file.
"""

from __future__ import annotations

import io
import mmap
import struct
from typing import Any, Final, cast

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from konio.errors import RefusedError
from konio.io import encoded, header
from konio.io.canonical import Depth
from konio.io.codecs import CODECS, UNCOMPRESSED, Frame, decode
from konio.io.colour import Space, grey_of
from konio.io.deflated import inflate, is_deflated
from konio.io.presentation import grayscale
from konio.io.sizes import check_size
from konio.io.stored import Stored

_RLE: Final = "1.2.840.10008.1.2.5"
_DICOMDIR: Final = "1.2.840.10008.1.3.10"
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR: Final = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})


def read_dicom(data: mmap.mmap | bytes) -> Stored:
    """The film a DICOM object holds.

    Args:
        data: the whole file.

    Returns:
        The film with the steps its header asks for.

    Raises:
        RefusedError: with the code that applies.
    """
    dataset, content, end = open_header(data)
    syntax = _syntax(dataset)
    pixels = _pixel_element(content, dataset, end)
    frame = _frame(dataset)
    notes = header.admit(dataset)
    depth = _depth(dataset, syntax)
    steps = grayscale(dataset, depth)
    words = _words(pixels, frame, dataset, syntax)
    spacing = header.spacing_mm(dataset)
    return Stored(
        words=words,
        depth=depth,
        grayscale=steps,
        format="dicom",
        spacing_mm=spacing,
        sop_instance_uid=header.text(dataset, "SOPInstanceUID") or None,
        patient_id=patient_of(dataset),
        notes=(*notes, *header.remarks(dataset), *(() if spacing else ("spacing unknown",))),
    )


def read_words(
    content: memoryview, dataset: pydicom.FileDataset, end: int
) -> tuple[NDArray[Any], Depth]:
    """The stored words of an object whose header is known, and how they hold values.

    Args:
        content: from `open_header`.
        dataset: likewise.
        end: likewise.

    Returns:
        ``(H, W)`` unsigned words and their depth.

    Raises:
        RefusedError: with the code that applies.
    """
    syntax = _syntax(dataset)
    pixels = _pixel_element(content, dataset, end)
    frame = _frame(dataset)
    return _words(pixels, frame, dataset, syntax), _depth(dataset, syntax)


def open_header(data: mmap.mmap | bytes) -> tuple[pydicom.FileDataset, memoryview, int]:
    """All elements before the pixel data, and where the pixel data element starts.

    Args:
        data: the whole file.

    Returns:
        The elements, the bytes to look at (the file, or what was deflated in it), and an offset in those.

    Raises:
        RefusedError: ``truncated``, ``bad-header`` or ``decode-failed``.
    """
    try:
        if is_deflated(data):
            dataset, content, end = inflate(data)
        else:
            stream = io.BytesIO(data) if isinstance(data, bytes) else data
            stream.seek(0)
            dataset = pydicom.dcmread(cast(Any, stream), stop_before_pixels=True, force=True)
            content, end = memoryview(data), stream.tell()
    except (MemoryError, RefusedError):
        raise
    except (EOFError, struct.error) as error:
        raise RefusedError("truncated", "inside the header") from error
    except Exception as error:
        raise RefusedError("bad-header", f"{type(error).__name__} while reading it") from error
    if not len(dataset):
        raise RefusedError("truncated", "no element after the preamble")
    return dataset, content, end


def _syntax(dataset: pydicom.FileDataset) -> str:
    meta = getattr(dataset, "file_meta", Dataset())
    if header.text(meta, "MediaStorageSOPClassUID") == _DICOMDIR:
        raise RefusedError("no-pixels", "it is a DICOMDIR")
    syntax = header.text(meta, "TransferSyntaxUID")
    if not syntax:
        return str(ImplicitVRLittleEndian)
    if syntax not in CODECS and syntax not in UNCOMPRESSED:
        raise RefusedError("unsupported-syntax", encoded.syntax_name(syntax))
    return syntax


def _pixel_element(content: memoryview, dataset: pydicom.FileDataset, end: int) -> encoded.Element:
    implicit, little = dataset.original_encoding
    element = encoded.element_at(content, end, bool(implicit), little is not False)
    if element is None:
        if _is_cut(dataset, content, end, explicit=not implicit):
            raise RefusedError("truncated", "inside the header")
        raise RefusedError("no-pixels", header.kind_of(dataset))
    return element


def _is_cut(dataset: Dataset, content: memoryview, end: int, *, explicit: bool) -> bool:
    """Whether a file without pixel data ends inside its last element instead of after it."""
    if end < len(content):
        return False  # something else stands where the pixel data would
    last: Any = dataset.get_item(max(dataset.keys()))
    if not isinstance(last, RawDataElement) or last.length == encoded.UNDEFINED:
        return False
    if explicit and last.VR is None:
        return False  # its length was misread
    return last.value_tell + last.length != len(content)


def _frame(dataset: Dataset) -> Frame:
    rows, columns = header.whole(dataset, "Rows"), header.whole(dataset, "Columns")
    check_size(rows, columns)
    samples = header.whole(dataset, "SamplesPerPixel", 1)
    photometric = header.text(dataset, "PhotometricInterpretation")
    if photometric not in _GREY | _COLOUR:
        if photometric:
            raise RefusedError("not-radiograph", f"its pixels are {header.word(photometric)}")
        raise RefusedError("bad-header", "PhotometricInterpretation is missing")
    if samples != (1 if photometric in _GREY else 3):
        raise RefusedError("bad-header", f"{photometric} with {samples} samples per pixel")
    return Frame(rows, columns, samples, header.whole(dataset, "BitsAllocated"))


def _depth(dataset: Dataset, syntax: str) -> Depth:
    allocated = header.whole(dataset, "BitsAllocated")
    stored = header.whole(dataset, "BitsStored", allocated)
    return Depth(
        allocated=allocated,
        stored=stored,
        high=header.whole(dataset, "HighBit", stored - 1),
        signed=header.whole(dataset, "PixelRepresentation", 0) == 1,
        masked=syntax in UNCOMPRESSED or syntax == _RLE,
    )


def _words(element: encoded.Element, frame: Frame, dataset: Dataset, syntax: str) -> NDArray[Any]:
    if syntax in CODECS:
        words = decode(syntax, encoded.first_frame(element), frame)
    else:
        planar = header.whole(dataset, "PlanarConfiguration", 0) == 1
        words = _uncompressed(element, frame, UNCOMPRESSED[syntax], planar)
    if frame.samples == 1:
        return words
    native = syntax in UNCOMPRESSED or syntax == _RLE
    luminance = native and header.text(dataset, "PhotometricInterpretation") == "YBR_FULL"
    space: Space = "YBR" if luminance else "RGB"
    return grey_of(words, space)


def _uncompressed(element: encoded.Element, frame: Frame, order: str, planar: bool) -> NDArray[Any]:
    if len(element.content) < frame.bytes:
        detail = f"{len(element.content)} of {frame.bytes} bytes"
        raise RefusedError("truncated" if element.cut else "bad-header", detail)
    flat = np.frombuffer(
        element.content, f"{order}u{frame.allocated // 8}", frame.bytes * 8 // frame.allocated
    )
    if order == ">" and frame.allocated == 8 and element.vr == "OW":  # bytes come in swapped pairs
        flat = np.frombuffer(element.content, ">u2").astype("<u2").view(np.uint8)[: flat.size]
    if planar and frame.samples > 1:
        return np.moveaxis(flat.reshape(frame.samples, frame.rows, frame.columns), 0, -1)
    return flat.reshape(frame.shape)


def patient_of(dataset: Dataset) -> str | None:
    """Patient ID of the object, or ``None``; never printed or logged."""
    found = header.value(dataset, "PatientID")
    return str(found).strip() or None if found is not None else None
