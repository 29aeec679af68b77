"""Packages that only some commands need: what each is for, and the extra that brings it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple


class Optional(NamedTuple):
    """A package that the core does without.

    Attributes:
        purpose: what needs it.
        extra: of konio, that installs it.
    """

    purpose: str
    extra: str

    @property
    def remedy(self) -> str:
        """The command that brings it."""
        return f"pip install 'konio[{self.extra}]'"


#: By the name under which the package is imported.
OPTIONAL: Final = MappingProxyType(
    {
        "lightning": Optional("training and measuring (konio train, evaluate, study)", "train"),
        "monai": Optional("comparing with MONAI (benchmarks)", "train"),
        "tensorboard": Optional("training logs", "train"),
        "skops": Optional("keeping classical classifiers", "train"),
        "highdicom": Optional("DICOM results (--format dicom)", "dicom"),
        "transformers": Optional("nodules on CT (konio-nodule)", "nodules"),
        "defusedxml": Optional("readings in LIDC's XML", "lidc"),
        "ray": Optional("several machines (--engine ray)", "cluster"),
        "flask": Optional("the reading room (konio serve)", "web"),
        "sqlalchemy": Optional("the reading room's database", "web"),
        "alembic": Optional("the reading room's database", "web"),
        "waitress": Optional("the reading room (konio serve)", "web"),
        "argon2": Optional("accounts of the reading room", "web"),
        "pymysql": Optional("the reading room on MariaDB or MySQL", "databases"),
        "pg8000": Optional("the reading room on PostgreSQL", "databases"),
    }
)


def what_is_missing(error: ModuleNotFoundError) -> str | None:
    """One sentence for a package that was not found, ``None`` if no extra brings it."""
    name = (error.name or "").partition(".")[0]
    if name not in OPTIONAL:
        return None
    return f"this needs {name}, which is not installed; {OPTIONAL[name].remedy}"
