"""Every promised name of the room exists, and nothing heavy is imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import konio.cohort


@pytest.mark.parametrize("name", konio.cohort.__all__)
def test_name_is_there(name):
    assert getattr(konio.cohort, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        konio.cohort.nothing  # noqa: B018


def test_reading_a_table_imports_nothing_heavy():
    code = (
        "import sys; from konio.cohort import read_cohort, holdout, check_leakage; import konio.metrics, "
        "konio.significance, konio.standards; print(*{'torch', 'scipy', 'sklearn', 'pydicom'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
