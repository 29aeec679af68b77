"""``konio doctor``: what is here, what is used, what is missing and how to get it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Final, NamedTuple

from konio import __version__
from konio.cli.models import verified
from konio.cli.terminal import say
from konio.errors import BundleError

_NEEDED: Final = ("torch", "numpy", "scipy", "pydicom", "imagecodecs", "safetensors", "pillow")
#: Optional packages: import name, what it is for, how to get it.
_EXTRAS: Final = (
    ("lightning", "training (konio train)", "pip install 'konio[train]'"),
    ("monai", "comparing with MONAI (benchmarks)", "pip install 'konio[train]'"),
    ("tensorboard", "training logs", "pip install 'konio[train]'"),
    ("highdicom", "DICOM results (--format dicom)", "pip install 'konio[dicom]'"),
    ("flask", "the reading room (konio serve)", "pip install 'konio[web]'"),
    ("pymysql", "the reading room on MariaDB or MySQL", "pip install 'konio[databases]'"),
    ("pg8000", "the reading room on PostgreSQL", "pip install 'konio[databases]'"),
)


class Finding(NamedTuple):
    """One line of the report.

    Attributes:
        subject: what was looked at.
        state: how it is.
        remedy: what to do; empty where nothing is missing.
        needed: whether konio cannot assess films without it.
    """

    subject: str
    state: str
    remedy: str = ""
    needed: bool = False


def doctor() -> int:
    """Report versions, devices, the precision in use, models with verified hashes, and what is missing."""
    sick = False
    for finding in (*_versions(), *_devices(), *_models()):
        mark = "missing" if finding.remedy else "ok"
        line = f"{mark:8}{finding.subject:22}{finding.state}"
        say(f"{line}; {finding.remedy}" if finding.remedy else line)
        sick = sick or (finding.needed and bool(finding.remedy))
    return int(sick)


def _versions() -> Iterator[Finding]:
    yield Finding("konio", __version__)
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    for name in _NEEDED:
        yield _package(name, "pip install konio", "needed", needed=True)
    for name, purpose, remedy in _EXTRAS:
        found = importlib.util.find_spec(name) is not None
        yield (
            _package(name, remedy, purpose) if not found else Finding(name, metadata.version(name))
        )


def _package(name: str, remedy: str, purpose: str, *, needed: bool = False) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, f"not installed, {purpose}", remedy, needed)


def _devices() -> Iterator[Finding]:
    import torch

    from konio.networks import fastest_dtype

    names = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
    precision = names[fastest_dtype("cpu")]
    native = "native" if precision == "bfloat16" else "no bfloat16 instructions"
    yield Finding(
        "processor", f"{torch.get_num_threads()} threads, answers in {precision} ({native})"
    )
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            name = torch.cuda.get_device_name(number)
            yield Finding(f"GPU {number}", f"{name}, answers in {names[fastest_dtype('cuda')]}")
    else:
        yield Finding("GPU", "none found, not needed")


def _models() -> Iterator[Finding]:
    from konio.networks import shipped_bundles

    shipped = shipped_bundles()
    for wanted in ("konio-radiograph", "konio-lungs"):
        if wanted not in shipped:
            yield Finding(
                wanted, "not installed", "install konio again or train it with its recipe", True
            )
    for name, path in shipped.items():
        try:
            sha256 = verified(path)
        except BundleError as error:
            yield Finding(name, str(error), "install konio again", True)
        else:
            yield Finding(name, f"unaltered, SHA-256 {sha256[:16]}…")
