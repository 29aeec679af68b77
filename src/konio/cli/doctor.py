"""``konio doctor``: what is here, what is used, what is missing and how to get it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from konio import __version__
from konio.cli.extras import OPTIONAL
from konio.cli.models import verified
from konio.cli.terminal import say
from konio.errors import BundleError, KonioError

_NEEDED: Final = ("torch", "numpy", "scipy", "pydicom", "imagecodecs", "safetensors", "pillow")


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


def doctor(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Data folder of the reading room; konio-data by default."
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Its settings as TOML."),
    ] = None,
) -> int:
    """Report versions, devices, the precision in use, models with verified hashes, the database, and what is missing."""
    sick = False
    for finding in (*_versions(), *_devices(), *_models(), *_database(data, settings_file)):
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
    for name, optional in OPTIONAL.items():
        if importlib.util.find_spec(name) is None:
            yield Finding(name, f"not installed, {optional.purpose}", optional.remedy)
        else:
            yield Finding(name, _version(name))


def _version(module: str) -> str:
    distribution = {"argon2": "argon2-cffi"}.get(module, module)
    return metadata.version(distribution)


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
        except ModuleNotFoundError as error:
            yield Finding(name, f"not looked into, {error.name} is not installed", "see above")
        else:
            yield Finding(name, f"unaltered, SHA-256 {sha256[:16]}…")


def _database(data: Path | None, settings_file: Path | None) -> Iterator[Finding]:
    """Where the reading room keeps what it knows, and whether that answers."""
    if importlib.util.find_spec("sqlalchemy") is None:
        return
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from konio.web.database import Database, revision, sqlite_file
    from konio.web.settings import load_settings

    try:
        url = load_settings(settings_file, data=data).url
        shown = make_url(url).render_as_string(hide_password=True)
        file = sqlite_file(url)
        if file is not None and not file.exists():
            yield Finding("database", f"{shown}, made at the first start of konio serve")
            return
        database = Database(url)
    except (KonioError, SQLAlchemyError) as error:
        yield Finding("database", str(error), "correct its address or the settings file")
        return
    try:
        if database.answers():
            yield Finding(
                "database", f"{shown}, answers, tables {revision(database) or 'not made yet'}"
            )
        else:
            yield Finding(
                "database",
                f"{shown} does not answer",
                "start it, or correct its address (database in the settings, KONIO_WEB_DATABASE)",
            )
    finally:
        database.close()
