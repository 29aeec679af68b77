"""Tables of cases: reading and writing ``cohort.csv``, patient-wise splits, leakage, public layouts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from konio.cohort.chestxray14 import FINDINGS, ChestXray14, read_chestxray14
    from konio.cohort.cohort import Cohort, read_cohort, write_cohort
    from konio.cohort.identity import fingerprint
    from konio.cohort.leakage import check_leakage, sha256_of
    from konio.cohort.made_up import write_phantom_cohort
    from konio.cohort.splits import Split, folds, holdout, six_way

_HOME = {
    "FINDINGS": "chestxray14",
    "ChestXray14": "chestxray14",
    "read_chestxray14": "chestxray14",
    "Cohort": "cohort",
    "read_cohort": "cohort",
    "write_cohort": "cohort",
    "write_phantom_cohort": "made_up",
    "fingerprint": "identity",
    "check_leakage": "leakage",
    "sha256_of": "leakage",
    "Split": "splits",
    "folds": "splits",
    "holdout": "splits",
    "six_way": "splits",
}

__all__ = [
    "FINDINGS",
    "ChestXray14",
    "Cohort",
    "Split",
    "check_leakage",
    "fingerprint",
    "folds",
    "holdout",
    "read_chestxray14",
    "read_cohort",
    "sha256_of",
    "six_way",
    "write_cohort",
    "write_phantom_cohort",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"konio.cohort.{_HOME[name]}"), name)
    raise AttributeError(f"module 'konio.cohort' has no attribute {name!r}")
