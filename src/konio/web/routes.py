"""The one table of the interface: every address with its method, who may call it, what goes in and what comes out.

The application registers its views from this table, the gate takes its rules from it, the OpenAPI description is made
from it, and a test holds the application's URL map against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from konio.web import shapes

Access = Literal["anyone", "account", "reader", "administrator"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One address with one method.

    Args:
        name: ``module.function`` below `konio.web.views`; also the name of the operation.
        method: of HTTP.
        path: in Flask's notation.
        access: who may call it. ``anyone`` needs no account, ``account`` any, the others that role.
        owned: the path names something that belongs to somebody; others get the 404 of what does not exist.
        body: model of the JSON body, ``bytes`` for raw bytes, ``None`` without a body.
        query: model of the query string.
        gives: media type of the answer; empty for 204.
        status: of success.
        keys: names the JSON answer must have.
        before_password: may be called while the one-time password has not been changed.
        unasked: the page calls it by itself, so that it is no sign of anybody at the desk.
    """

    name: str
    method: Method
    path: str
    access: Access
    owned: bool = False
    body: type[Any] | None = None
    query: type[shapes.Query] = shapes.NoQuery
    gives: str = JSON
    status: int = 200
    keys: tuple[str, ...] = ()
    before_password: bool = False
    unasked: bool = False

    @property
    def changes(self) -> bool:
        """Whether the call changes something, so that it needs the session's token."""
        return self.method != "GET"


def _r(method: Method, path: str, name: str, access: Access, **rest: Any) -> Route:
    return Route(name, method, path, access, **rest)


_CASE = "/api/cases/<case>"

#: Everything there is.
ROUTES: Final[tuple[Route, ...]] = (
    _r("GET", "/healthz", "system.health", "anyone", keys=("status",)),
    _r("GET", "/readyz", "system.ready", "anyone", keys=("status", "database", "disk")),
    _r("GET", "/api/openapi.json", "system.openapi", "account", keys=("openapi", "paths")),
    _r("GET", "/api/about", "system.about", "account", keys=("version", "limits", "blind_first")),
    _r("GET", "/api/vocabulary", "system.vocabulary", "account", keys=("tasks", "zones"),
       before_password=True),
    _r("POST", "/api/session", "session.begin", "anyone", body=shapes.SignIn,
       keys=("account", "csrf")),
    _r("GET", "/api/session", "session.show", "account", keys=("account", "csrf"),
       before_password=True),
    _r("DELETE", "/api/session", "session.end", "account", gives="", status=204,
       before_password=True),
    _r("GET", "/api/sessions", "session.mine", "account", keys=("sessions",)),
    _r("DELETE", "/api/sessions/<int:number>", "session.revoke", "account", owned=True, gives="",
       status=204),
    _r("PUT", "/api/password", "session.change_password", "account", body=shapes.ChangePassword,
       keys=("account",), before_password=True),
    _r("POST", "/api/totp", "session.totp_begin", "account", keys=("secret", "uri")),
    _r("PUT", "/api/totp", "session.totp_on", "account", body=shapes.OneTimeCode, gives="",
       status=204),
    _r("POST", "/api/totp/off", "session.totp_off", "account", body=shapes.OneTimeCode, gives="",
       status=204),
    _r("GET", "/api/accounts", "accounts.listed", "administrator", keys=("accounts",)),
    _r("POST", "/api/accounts", "accounts.add", "administrator", body=shapes.NewAccount,
       status=201, keys=("account", "password")),
    _r("PATCH", "/api/accounts/<int:number>", "accounts.change", "administrator",
       body=shapes.AccountChange, keys=("account",)),
    _r("DELETE", "/api/accounts/<int:number>", "accounts.remove", "administrator", gives="",
       status=204),
    _r("POST", "/api/accounts/<int:number>/password", "accounts.reset", "administrator",
       keys=("password",)),
    _r("DELETE", "/api/accounts/<int:number>/totp", "accounts.totp_off", "administrator", gives="",
       status=204),
    _r("POST", "/api/uploads", "cases.upload", "reader", body=bytes, query=shapes.UploadQuery,
       status=201, keys=("upload", "cases", "refused")),
    _r("GET", "/api/cases", "cases.listed", "account", query=shapes.CasesQuery,
       keys=("cases", "total", "page", "size")),
    _r("GET", _CASE, "cases.show", "account", owned=True, keys=("id", "status", "machine_open")),
    _r("PATCH", _CASE, "cases.change", "account", owned=True, body=shapes.CaseChange, keys=("id",)),
    _r("PUT", f"{_CASE}/readers", "cases.assign", "administrator", owned=True, body=shapes.Readers,
       keys=("id", "readers")),
    _r("GET", f"{_CASE}/film.png", "films.picture", "account", owned=True, query=shapes.FilmQuery,
       gives="image/png"),
    _r("GET", f"{_CASE}/film.u16", "films.words", "account", owned=True, query=shapes.WordsQuery,
       gives="application/octet-stream"),
    _r("GET", f"{_CASE}/original", "films.original", "account", owned=True,
       gives="application/octet-stream"),
    _r("GET", f"{_CASE}/outlines", "films.outlines", "account", owned=True,
       keys=("shape_px", "lungs", "zones")),
    _r("GET", f"{_CASE}/machine", "films.machine", "account", owned=True,
       keys=("assessment", "heats", "in_lungs", "outside_lungs")),
    _r("GET", f"{_CASE}/heat/<task>.png", "films.heat", "account", owned=True, gives="image/png"),
    _r("GET", f"{_CASE}/report", "films.report_page", "account", owned=True,
       query=shapes.LanguageQuery, gives="text/html"),
    _r("GET", f"{_CASE}/readings", "readings.listed", "account", owned=True,
       keys=("mine", "others", "consensus")),
    _r("POST", f"{_CASE}/readings", "readings.sign", "reader", owned=True, body=shapes.SignReading,
       status=201, keys=("id", "version", "sha256")),
    _r("GET", f"{_CASE}/draft", "readings.draft", "reader", owned=True, keys=("draft",)),
    _r("PUT", f"{_CASE}/draft", "readings.keep_draft", "reader", owned=True, body=shapes.DraftBody,
       gives="", status=204),
    _r("DELETE", f"{_CASE}/draft", "readings.drop_draft", "reader", owned=True, gives="",
       status=204),
    _r("POST", f"{_CASE}/job", "jobs.begin", "account", owned=True, body=shapes.JobWish, status=201,
       keys=("job",)),
    _r("POST", "/api/stage", "readings.stage", "account", body=shapes.Findings,
       keys=("stage", "clause", "sentence")),
    _r("GET", "/api/jobs", "jobs.listed", "account", query=shapes.JobsQuery,
       keys=("jobs", "total")),
    _r("PATCH", "/api/jobs/<int:number>", "jobs.urgency", "account", owned=True,
       body=shapes.JobPriority, keys=("job",)),
    _r("POST", "/api/jobs/<int:number>/retry", "jobs.retry", "account", owned=True, keys=("job",)),
    _r("POST", "/api/jobs/<int:number>/cancel", "jobs.cancel", "account", owned=True,
       keys=("job",)),
    _r("GET", "/api/events", "jobs.events", "account", gives="text/event-stream", unasked=True),
    _r("GET", "/api/agreement", "agreement.show", "account", query=shapes.AgreementQuery,
       keys=("readers", "pairs", "machine", "adjudication")),
    _r("GET", "/api/audit", "audit.listed", "administrator", query=shapes.AuditQuery,
       keys=("events", "more")),
    _r("GET", "/api/audit/verify", "audit.verify", "administrator", keys=("intact", "events")),
    _r("GET", "/api/audit/export", "audit.export", "administrator", gives="application/x-ndjson"),
)  # fmt: skip

#: By name.
BY_NAME: Final = {route.name: route for route in ROUTES}
