"""Pages, pictures and DICOM objects from an examined film.

`render_page` makes one self-contained HTML file, `ResultFolder` writes a whole run, `json_line` is the contract's JSON,
`read_assessment` reads it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.report.folder import FORMATS, FilmFiles, ResultFolder, json_line, parse_formats
    from konio.report.index import Row, render_index
    from konio.report.page import LANGUAGES, render_page
    from konio.report.written import read_assessment

_HOMES: Final = {
    "FORMATS": "konio.report.folder",
    "FilmFiles": "konio.report.folder",
    "LANGUAGES": "konio.report.page",
    "ResultFolder": "konio.report.folder",
    "Row": "konio.report.index",
    "json_line": "konio.report.folder",
    "parse_formats": "konio.report.folder",
    "read_assessment": "konio.report.written",
    "render_index": "konio.report.index",
    "render_page": "konio.report.page",
}

__all__ = [
    "FORMATS",
    "LANGUAGES",
    "FilmFiles",
    "ResultFolder",
    "Row",
    "json_line",
    "parse_formats",
    "read_assessment",
    "render_index",
    "render_page",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.report' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
