"""The reading room: the web system in which people read films and the machine answers beside them.

`create_app` makes the Flask application, `konio.web.server` puts waitress in front of it, `konio.web.worker` does the
jobs. The interface lives under ``/api/``; `konio.web.routes` is the one table of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.web.app import create_app
    from konio.web.settings import Settings

_HOMES: Final = {
    "Settings": "konio.web.settings",
    "create_app": "konio.web.app",
}

__all__ = ["Settings", "create_app"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.web' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
