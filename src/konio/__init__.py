"""konio reads lung images of people who work in dust, answers several questions at once and explains each answer.

Three nouns: an `Image` is read (a radiograph or a CT scan), an assessor makes an `Assessment` of it, a `Cohort` is what
one trains on. `discover` finds the images below some folders; `open_ct` opens a scan without reading all of it.

Examples:
    >>> import konio
    >>> konio.__version__
    '0.1.0'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

__version__: Final = "0.1.0"

if TYPE_CHECKING:
    from konio.assess import Assessor, load
    from konio.cohort import Cohort, read_cohort
    from konio.io import discover, open_ct
    from konio.io.images import read
    from konio.records import Assessment, Image

# Where each public name lives; imported on first use so that start-up stays quick.
_HOMES: Final = {
    "Assessment": "konio.records",
    "Assessor": "konio.assess",
    "Cohort": "konio.cohort",
    "Image": "konio.records",
    "discover": "konio.io",
    "load": "konio.assess",
    "open_ct": "konio.io",
    "read": "konio.io.images",
    "read_cohort": "konio.cohort",
}

__all__ = [
    "Assessment",
    "Assessor",
    "Cohort",
    "Image",
    "__version__",
    "discover",
    "load",
    "open_ct",
    "read",
    "read_cohort",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
