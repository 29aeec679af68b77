"""No network of the study may begin from a model that has learned from the patients it is measured on.

References:
    docs/decisions/0047.
"""

from __future__ import annotations

import numpy as np

from konio.errors import CohortError
from konio.learning.nodule_remembered import learned_rows
from konio.learning.nodule_sources import Source
from konio.learning.remembered import learned_before
from konio.studies.nodules.trial import measured_only, studied


def refuse_learned(pretrained: str, source: Source) -> None:
    """Compare what first weights have learned from with the nodules that are measured.

    Args:
        pretrained: bundle, run or published weights; only the first two can tell what they learned from, and those of
            before do not.
        source: the study's nodules.

    Raises:
        CohortError: if the weights have learned from some of them, from their scans or from their patients.
    """
    table = studied(source, min_readers=1)
    table = table.subset(np.flatnonzero(measured_only(table, source)).tolist())
    rows = learned_rows(learned_before(pretrained), source, table)
    if rows:
        patients = len({table.patients[row] for row in rows})
        raise CohortError(
            f"{pretrained} has learned from {patients} of the {len(set(table.patients))} patients that are to be measured, "
            f"who have {len(rows)} of the {len(table)} nodules; leave them out of its training (real outlines: konio phantom "
            "nodule --without), or name a model that has not seen them"
        )
