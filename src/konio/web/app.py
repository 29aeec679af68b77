"""The Flask application: one factory, views from the table of routes, one shape for every error."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from flask import Blueprint, Flask, Response, g, jsonify, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from konio.records import NOTICE
from konio.web import gate
from konio.web.asker import Room, room
from konio.web.audit import Audit
from konio.web.database import GONE, Database, is_full, migrate, refresh_statistics
from konio.web.front import add_front
from konio.web.jobs import Queue
from konio.web.logs import log, where
from konio.web.problems import ProblemError
from konio.web.routes import ROUTES, Route
from konio.web.sessions import Sessions
from konio.web.settings import Settings, check, key, prepare_data
from konio.web.storage import DiskFullError, Storage
from konio.web.throttle import Throttle
from konio.web.views.jobs import Streams

View = Callable[..., Any]

#: What a page from here may load and do.
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Server": "konio",
    "X-Konio-Notice": NOTICE,
}
_HTTP_CODES: Final = {
    400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large",
    415: "wrong-type",
}  # fmt: skip


def open_room(settings: Settings) -> Room:
    """Opens an installation: keys, folders, database, tables.

    Raises:
        SettingsError: where the settings would put data at risk, or the tables come from a newer konio.
    """
    check(settings)
    prepare_data(settings)
    secret = key(settings, "secret")
    storage = Storage(settings.data)
    storage.prepare()
    database = Database(settings.url, settings.threads + settings.upload_threads + 8)
    migrate(database)
    refresh_statistics(database)
    check(settings)
    audit = Audit(key(settings, "audit-key"))
    _begin_log(database, audit)
    return Room(
        settings=settings,
        database=database,
        storage=storage,
        audit=audit,
        throttle=Throttle(database, secret),
        sessions=Sessions(settings, secret),
        queue=Queue(database, settings.lease_seconds),
        key=secret,
    )


def _begin_log(database: Database, audit: Audit) -> None:
    try:
        with database.write() as session:
            audit.begin(session)
    except IntegrityError:
        return  # another process began it at the same moment


def create_app(settings: Settings, opened: Room | None = None) -> Flask:
    """The application.

    Args:
        settings: as `konio.web.settings.load_settings` gives them.
        opened: the installation, if it is open already.
    """
    app = Flask("konio.web", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["konio"] = opened or open_room(settings)
    app.extensions["konio-streams"] = Streams(settings.streams)
    app.config["MAX_CONTENT_LENGTH"] = settings.upload_bytes
    app.config["TRAP_HTTP_EXCEPTIONS"] = False
    for blueprint in _blueprints():
        app.register_blueprint(blueprint)
    add_front(app)
    app.before_request(_begin)
    app.after_request(_end)
    app.register_error_handler(Exception, _explain)
    return app


def _blueprints() -> list[Blueprint]:
    """One blueprint for each subject, filled from the table."""
    found: dict[str, Blueprint] = {}
    for route in ROUTES:
        subject, function = route.name.split(".")
        module = import_module(f"konio.web.views.{subject}")
        blueprint = found.setdefault(subject, Blueprint(subject, module.__name__))
        blueprint.add_url_rule(
            route.path,
            endpoint=function,
            view_func=_view(route, getattr(module, function)),
            methods=[route.method],
            provide_automatic_options=False,
        )
    return list(found.values())


def _view(route: Route, view: View) -> View:
    def answer(**path: Any) -> Any:
        call = gate.enter(room(), route)
        gate.check_path(path)
        said = view(call, **path)
        return _with_notice(said)

    return answer


def _with_notice(said: Any) -> Any:
    """Every JSON answer carries the notice."""
    if isinstance(said, dict):
        return jsonify({**said, "notice": NOTICE})
    if isinstance(said, tuple) and isinstance(said[0], dict):
        return jsonify({**said[0], "notice": NOTICE}), said[1]
    if isinstance(said, tuple) and isinstance(said[0], Response) and said[0].is_json:
        body = said[0].get_json()
        return jsonify({**body, "notice": NOTICE}), said[1]
    return said


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.began = time.monotonic()
    g.account = None
    gate.check_host(room())


def _end(answer: Response) -> Response:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    if request.endpoint != "front.page":  # the page itself holds nothing of anybody
        answer.headers["Cache-Control"] = _HEADERS["Cache-Control"]
    answer.headers["X-Request-Id"] = g.request_id
    if room().settings.secure:
        answer.headers["Strict-Transport-Security"] = "max-age=31536000"
    log(
        "request",
        request=g.request_id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=answer.status_code,
        ms=round(1000 * (time.monotonic() - g.began)),
        account=g.account,
    )
    return answer


def _explain(error: Exception) -> tuple[Response, int, dict[str, str]]:
    """Any error in the one shape; what is not ours is logged with its place and not shown."""
    problem = _problem(error)
    body = jsonify({**problem.to_json(), "notice": NOTICE})
    return body, problem.status, problem.headers


def _problem(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        code = _HTTP_CODES.get(error.code or 500)
        if code is not None:
            allowed = getattr(error, "valid_methods", None)
            headers = {"Allow": ", ".join(sorted(allowed))} if allowed else None
            return ProblemError(code, "the limit" if code == "too-large" else "", headers=headers)
        return ProblemError("bad-request" if (error.code or 500) < 500 else "failed")
    if isinstance(error, DiskFullError) or is_full(error):
        log("disk.full", level="error", request=g.get("request_id"))
        return ProblemError("disk-full")
    if isinstance(error, GONE):
        log("database.gone", level="error", request=g.get("request_id"), detail=where(error))
        return ProblemError("database-gone", headers={"Retry-After": "5"})
    log("request.failed", level="error", request=g.get("request_id"), detail=where(error))
    return ProblemError("failed")
