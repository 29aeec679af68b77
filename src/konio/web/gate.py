"""What every request passes before its view: host, session, role, token of the page, shape of what was sent."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from flask import g, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from konio.web.asker import Asker, Call, Room
from konio.web.problems import ProblemError
from konio.web.routes import Route
from konio.web.sessions import COOKIE

#: Largest JSON body.
JSON_BYTES: Final = 256 * 1024
CSRF_HEADER: Final = "X-CSRF-Token"
#: Sent by the page with what it asks while nobody touches it.
UNATTENDED_HEADER: Final = "X-Konio-Unattended"
_FIELDS_SHOWN: Final = 20
_LARGEST: Final = 2**53
_UNKEPT: Final = re.compile("[\\x00\\ud800-\\udfff]")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def enter(room: Room, route: Route) -> Call:
    """Lets a request in, or says why not.

    The order matters: who is asked first, so that strangers learn nothing about what else is wrong.

    Args:
        room: the installation.
        route: what is asked for.

    Raises:
        ProblemError: as the table of problems says.
    """
    who = None if route.access == "anyone" else _asker(room, route)
    if who is not None and route.changes:
        _check_token(who)
    _check_origin(route)
    return Call(room, _query(route), _body(route), who)


def check_host(room: Room) -> None:
    """Refuses a Host header that is not ours, so that no foreign name can be pointed at this server.

    Raises:
        ProblemError: ``bad-host``.
    """
    host = request.host.lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
    if name not in room.settings.allowed_hosts:
        raise ProblemError("bad-host")


def check_path(path: Mapping[str, Any]) -> None:
    """Numbers that no row has and names that none is given lead nowhere; no database need be asked.

    Raises:
        ProblemError: ``not-found``.
    """
    for value in path.values():
        fits = value <= _LARGEST if isinstance(value, int) else _NAME.fullmatch(value)
        if not fits:
            raise ProblemError("not-found")


def _asker(room: Room, route: Route) -> Asker:
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        raise ProblemError("sign-in-needed")
    with room.database.read() as session:
        found = room.sessions.find(session, cookie)
    if found is None:
        raise ProblemError("sign-in-needed")
    row, account = found
    g.account = account.id
    # A page that is left open asks on its own; only somebody at the desk keeps the session from idling.
    nobody = route.unasked or UNATTENDED_HEADER in request.headers
    if not nobody and room.sessions.needs_touch(row):
        with room.database.write() as session:
            room.sessions.touch(session, row)
    if account.must_change and not route.before_password:
        raise ProblemError("password-change-needed")
    if route.access in ("reader", "administrator") and account.role != route.access:
        raise ProblemError("forbidden")
    return Asker(account, row)


def _check_token(who: Asker) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), who.session.csrf.encode()):
        raise ProblemError("csrf")


def _check_origin(route: Route) -> None:
    """Browsers say where a request comes from; one that changes something must come from our own page."""
    if route.changes and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise ProblemError("csrf")


def _query(route: Route) -> Any:
    given = {name: request.args[name] for name in request.args}
    return _checked(route.query, given)


def _body(route: Route) -> Any:
    if route.body is None or route.body is bytes:
        return None
    if request.mimetype != "application/json":
        raise ProblemError("wrong-type", "application/json")
    if (request.content_length or 0) > JSON_BYTES:
        raise ProblemError("too-large", f"{JSON_BYTES // 1024} kB")
    try:
        request.max_content_length = JSON_BYTES
        given = request.get_json()
    except RequestEntityTooLarge as error:
        raise ProblemError("too-large", f"{JSON_BYTES // 1024} kB") from error
    except (BadRequest, RecursionError) as error:
        raise ProblemError("bad-request") from error
    return _checked(route.body, given)


def _checked(model: type[Any], given: Any) -> BaseModel:
    try:
        checked: BaseModel = model.model_validate(given)
    except ValidationError as error:
        fields = [
            {"at": ".".join(map(str, problem["loc"])), "message": problem["msg"]}
            for problem in error.errors(include_input=False, include_url=False)[:_FIELDS_SHOWN]
        ]
        names = ", ".join(field["at"] or "the body" for field in fields[:3])
        raise ProblemError("invalid", names, fields=fields) from error
    if _has_surrogates(checked):
        raise ProblemError("invalid", "text that is not Unicode", detail_zh="包含无效字符")
    return checked


def _has_surrogates(checked: BaseModel) -> bool:
    """Text that no database can keep: lone surrogates and NUL."""
    left: list[Any] = [checked.model_dump(mode="python")]
    while left:
        value = left.pop()
        if isinstance(value, str) and _UNKEPT.search(value):
            return True
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list | tuple):
            left += value
    return False
