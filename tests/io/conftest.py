from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, generate_uid

Array = np.ndarray[Any, Any]

ENCODERS: dict[str, Callable[[Array, int], bytes]] = {
    "1.2.840.10008.1.2.4.50": lambda words, bits: imagecodecs.jpeg8_encode(words, level=98),
    "1.2.840.10008.1.2.4.51": lambda words, bits: imagecodecs.jpeg8_encode(words, level=98, bitspersample=12),
    "1.2.840.10008.1.2.4.57": lambda words, bits: imagecodecs.jpeg8_encode(words, lossless=True, predictor=4, bitspersample=bits),
    "1.2.840.10008.1.2.4.70": lambda words, bits: imagecodecs.jpeg8_encode(words, lossless=True, predictor=1, bitspersample=bits),
    "1.2.840.10008.1.2.4.80": lambda words, bits: imagecodecs.jpegls_encode(words),
    "1.2.840.10008.1.2.4.81": lambda words, bits: imagecodecs.jpegls_encode(words, level=1),
    "1.2.840.10008.1.2.4.90": lambda words, bits: imagecodecs.jpeg2k_encode(words, codecformat="J2K", reversible=True, bitspersample=bits),
    "1.2.840.10008.1.2.4.91": lambda words, bits: imagecodecs.jpeg2k_encode(words, level=80, codecformat="J2K", bitspersample=bits),
    "1.2.840.10008.1.2.4.201": lambda words, bits: imagecodecs.htj2k_encode(words),
    "1.2.840.10008.1.2.4.202": lambda words, bits: imagecodecs.htj2k_encode(words),
    "1.2.840.10008.1.2.4.203": lambda words, bits: imagecodecs.htj2k_encode(words, level=1e-4, reversible=False),
    "1.2.840.10008.1.2.5": lambda words, bits: _rle(words),
}  # fmt: skip
LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81",
         "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203"}  # fmt: skip
EXACT_BITS = {"1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
              "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}  # fmt: skip
UNCOMPRESSED = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)


def _rle(words: Array) -> bytes:
    rows, columns = words.shape
    return RLELosslessEncoder.encode(
        words, encoding_plugin="pydicom", rows=rows, columns=columns, samples_per_pixel=1, number_of_frames=1,
        bits_allocated=words.dtype.itemsize * 8, bits_stored=words.dtype.itemsize * 8, pixel_representation=0,
        photometric_interpretation="MONOCHROME2", pixel_keyword="PixelData",
    )  # fmt: skip


def make_chest(rows: int = 192, columns: int = 160, seed: int = 0) -> Array:
    """A drawing of a chest as bright as a film is, (rows, columns) float64 in 0.05..0.95."""
    v, u = np.meshgrid(
        (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij"
    )

    def blob(x: float, y: float, wide: float, high: float) -> Array:
        return np.exp(-(((u - x) / wide) ** 2 + ((v - y) / high) ** 2) / 2)

    lungs = np.clip(blob(0.29, 0.45, 0.09, 0.17) + blob(0.71, 0.45, 0.09, 0.17), 0, 1)
    bright = 0.3 * blob(0.5, 0.45, 0.06, 0.3) + 0.25 * blob(0.5, 0.95, 0.3, 0.1)
    noise = np.random.default_rng(seed).normal(0, 0.01, (rows, columns))
    return np.clip(0.6 - 0.45 * lungs + bright + noise, 0.05, 0.95)


def make_dicom(
    words: Array, syntax: str = "1.2.840.10008.1.2.1", bits: int | None = None, **elements: Any
) -> bytes:
    """A DICOM file around stored words (signed or unsigned); further elements by keyword, ``None`` removes one."""
    allocated = words.dtype.itemsize * 8
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = (
        DigitalXRayImageStorageForPresentation
    )
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(
        entropy_srcs=["film"]
    )
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.Rows, dataset.Columns = words.shape[:2]
    dataset.SamplesPerPixel = 1 if words.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored = allocated, bits or allocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(words.dtype.kind == "i")
    for keyword, content in elements.items():
        if content is None:
            if keyword in dataset:
                del dataset[keyword]
        elif keyword != "PixelData":
            setattr(dataset, keyword, content)
    if "PixelData" not in elements:
        raw = words.view(f"u{allocated // 8}")
        if syntax in ENCODERS:
            spare = raw.dtype.type(
                (1 << dataset.BitsStored) - 1
            )  # codecs of so many bits take no more
            coded = raw & spare if syntax in EXACT_BITS else raw
            dataset.PixelData = encapsulate(
                [ENCODERS[syntax](np.ascontiguousarray(coded), dataset.BitsStored)]
            )
        else:
            order = ">" if syntax.endswith("1.2.2") else "<"
            dataset.PixelData = raw.astype(raw.dtype.newbyteorder(order)).tobytes()
        dataset["PixelData"].VR = "OW" if allocated == 16 and syntax not in ENCODERS else "OB"
    elif elements["PixelData"] is not None:
        dataset.PixelData = elements["PixelData"]
        dataset["PixelData"].VR = "OW"
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


@pytest.fixture(scope="session")
def chest() -> Callable[..., Array]:
    return make_chest


@pytest.fixture(scope="session")
def dicom() -> Callable[..., bytes]:
    return make_dicom


@pytest.fixture(scope="session")
def encoders() -> dict[str, Callable[[Array, int], bytes]]:
    return ENCODERS


@pytest.fixture(scope="session")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound 12-bit film."""
    path = tmp_path_factory.mktemp("film") / "film.dcm"
    path.write_bytes(
        make_dicom((make_chest() * 4095).astype(np.uint16), bits=12, PixelSpacing=[0.2, 0.2])
    )
    return path
