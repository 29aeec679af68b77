"""One short text that says whether two cohorts are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from konio.cohort.leakage import sha256_of

if TYPE_CHECKING:
    from konio.cohort.cohort import Cohort


def fingerprint(cohort: Cohort, *, contents: bool = False) -> str:
    """SHA-256 over the cases: where, who, labels and size of each file.

    Order of the cases and of the labels plays no part, nor does the folder the cohort lies in; covariates
    play none either.

    Args:
        cohort: the cases.
        contents: read and hash every file instead of taking its size; slow on large cohorts.

    Returns:
        64 lower-case hexadecimal digits.
    """
    lines = []
    for case in cohort.cases:
        file = Path(case.path)
        place = file.relative_to(cohort.root) if file.is_relative_to(cohort.root) else file
        if contents:
            content: str | int = sha256_of(case.path)
        else:
            content = file.stat().st_size if file.is_file() else -1
        labels = {name: label for name, label in sorted(case.labels.items()) if label is not None}
        lines.append(json.dumps([place.as_posix(), case.patient_id, labels, content]))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
