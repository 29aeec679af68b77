"""How long a 3000 x 3000 12-bit film takes from file to canonical float32 in the caller's memory, warm.

Run: ``python benchmarks/reading.py [--films 15]``. Prints the machine, the versions, median and 5th to 95th percentile
for each transfer syntax with the processor time of both sides, what the child costs, and how much decoding hides behind other work.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, generate_uid

from _machine import machine
from konio.io import Decoder, read_many

SIDE = 3000
SYNTAXES = {
    "uncompressed": ("1.2.840.10008.1.2.1", None),
    "deflated": ("1.2.840.10008.1.2.1.99", None),
    "RLE": ("1.2.840.10008.1.2.5", None),
    "JPEG 12-bit": ("1.2.840.10008.1.2.4.51", lambda w: imagecodecs.jpeg8_encode(w, level=95, bitspersample=12)),
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", lambda w: imagecodecs.jpeg8_encode(w, lossless=True, bitspersample=12)),
    "JPEG-LS": ("1.2.840.10008.1.2.4.80", imagecodecs.jpegls_encode),
    "JPEG 2000": ("1.2.840.10008.1.2.4.90", lambda w: imagecodecs.jpeg2k_encode(w, codecformat="J2K", reversible=True, bitspersample=12)),
    "HTJ2K": ("1.2.840.10008.1.2.4.201", imagecodecs.htj2k_encode),
}  # fmt: skip


def film() -> np.ndarray:
    """Words of a chest-like film with detector noise."""
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    v, u = axis[:, None], axis[None]

    def blob(x: float, y: float, wide: float, high: float) -> np.ndarray:
        return np.exp(-(((u - x) / wide) ** 2 + ((v - y) / high) ** 2) / 2)

    lungs = blob(0.29, 0.45, 0.09, 0.17) + blob(0.71, 0.45, 0.09, 0.17)
    noise = np.random.default_rng(0).normal(0, 12, (SIDE, SIDE))
    return np.clip(2500 - 1700 * lungs + 900 * blob(0.5, 0.5, 0.07, 0.3) + noise, 0, 4095).astype(
        np.uint16
    )


def write(path: Path, words: np.ndarray, syntax: str, encode: object) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = (
        16,
        12,
        11,
        0,
    )
    dataset.WindowCenter, dataset.WindowWidth, dataset.ImagerPixelSpacing = (
        2048,
        4096,
        [0.143, 0.143],
    )
    if syntax.endswith(".1.2.5"):
        dataset.PixelData = words.tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.compress(pydicom.uid.RLELossless, words, encoding_plugin="pydicom")
    else:
        dataset.PixelData = encapsulate([encode(words)]) if callable(encode) else words.tobytes()
        dataset["PixelData"].VR = "OB" if callable(encode) else "OW"
    dataset.save_as(path, enforce_file_format=True)


def spread(seconds: list[float]) -> str:
    low, high = np.percentile(seconds, [5, 95])
    return f"{1000 * statistics.median(seconds):7.1f} ms  ({1000 * low:.1f}-{1000 * high:.1f})"


def timed(call: object, count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - begun)
    return times


def busy(seconds: float) -> None:
    """Work of the caller on one core, so long."""
    end = time.perf_counter() + seconds
    values = np.ones((512, 512), np.float32)
    while time.perf_counter() < end:
        values @ values


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--films", type=int, default=15)
    count = options.parse_args().films
    print(machine("pydicom", "imagecodecs"))
    print(f"{SIDE} x {SIDE}, 12 bit, {count} films each: median (5th-95th percentile)")
    words = film()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        decoder = Decoder()
        decoder.start()
        started = time.perf_counter() - begun
        paths = {}
        for name, (syntax, encode) in SYNTAXES.items():
            paths[name] = Path(folder) / f"{name}.dcm"
            write(paths[name], words, syntax, encode)
        for name, path in paths.items():
            decoder.read(path)
            child = psutil.Process(decoder._process.pid)  # type: ignore[union-attr]
            before, own = sum(child.cpu_times()[:2]), time.process_time()
            whole = timed(lambda path=path: decoder.read(path), count)
            theirs = 1000 * (sum(child.cpu_times()[:2]) - before) / count
            ours = 1000 * (time.process_time() - own) / count
            size = path.stat().st_size / 1e6
            print(
                f"  {name:14s} {size:5.1f} MB {spread(whole)}   processor: child {theirs:.0f} ms, caller {ours:.0f} ms"
            )
        child = psutil.Process(decoder._process.pid).memory_info()  # type: ignore[union-attr]
        print(
            f"start returns after {1000 * started:.0f} ms; child {(child.rss - child.shared) / 2**20:.0f} MiB private memory"
        )
        fresh = timed(lambda: cold(paths["uncompressed"]), 3)
        print(f"a new child and its first film: {spread(fresh)}")
        for work in (0.1, 0.2):
            begun = time.perf_counter()
            for _ in read_many([paths["JPEG-LS"]] * count, decoder=decoder):
                busy(work)
            each = (time.perf_counter() - begun) / count
            print(
                f"JPEG-LS films one after another with {1000 * work:.0f} ms of work on each: {1000 * each:.0f} ms a film"
            )
        decoder.close()


def cold(path: Path) -> None:
    with Decoder() as decoder:
        decoder.read(path)


if __name__ == "__main__":
    main()
