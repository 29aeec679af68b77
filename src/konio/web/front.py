"""The page itself: files that the package build made from ``frontend/``; needs no account, shows nothing without one."""

from __future__ import annotations

import mimetypes
from importlib import resources
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, request, send_file

from konio.web.problems import ProblemError

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm",
                 ".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json"}  # fmt: skip


def static_folder() -> Path:
    """Where the built page lies."""
    return Path(str(resources.files("konio.web"))) / "static"


def add_front(app: Flask, folder: Path | None = None) -> None:
    """Registers the page.

    Args:
        app: the application.
        folder: of the built files; those of the package by default.
    """
    root = folder or static_folder()
    files = (
        {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
        if root.is_dir()
        else {}
    )
    blueprint = Blueprint("front", __name__)

    @blueprint.get("/", defaults={"path": ""}, endpoint="page", provide_automatic_options=False)
    @blueprint.get("/<path:path>", endpoint="page", provide_automatic_options=False)
    def page(path: str) -> Response:
        """A file of the page; any other address is the page itself, which knows its own ways."""
        if path in files:
            return _file(files[path], for_ever=path.startswith("assets/"))
        if path == "api" or path.startswith("api/") or "." in path.rpartition("/")[2]:
            raise ProblemError("not-found")
        if "index.html" in files:
            return _file(files["index.html"], for_ever=False)
        return Response(_unbuilt(), mimetype="text/html")

    app.register_blueprint(blueprint)


def _file(path: Path, *, for_ever: bool) -> Response:
    squeezed = path.with_name(path.name + ".gz")
    smaller = squeezed.exists() and "gzip" in request.headers.get("Accept-Encoding", "")
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    answer = send_file(
        squeezed if smaller else path, mimetype=kind or "application/octet-stream", conditional=True
    )
    if smaller:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = _FOR_EVER if for_ever else "no-cache"
    return answer


def _unbuilt() -> str:
    return resources.files("konio.web").joinpath("templates", "unbuilt.html").read_text("utf-8")
