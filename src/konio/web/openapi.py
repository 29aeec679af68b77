"""The OpenAPI description, made from the table of routes."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any, Final

from konio import __version__
from konio.records import NOTICE
from konio.web import shapes
from konio.web.problems import PROBLEMS
from konio.web.routes import JSON, ROUTES, Route

_REF: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"<(?:(int):)?(\w+)>")


@cache
def document() -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        path = _PARAMETER.sub(r"{\2}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    _schema(shapes.ErrorAnswer, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "konio reading room",
            "version": __version__,
            "summary": NOTICE,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "konio_session"},
                "token": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": _summary(route),
        "tags": [route.name.split(".")[0]],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route),
        "x-konio-access": route.access,
        "security": _security(route),
    }
    if route.body is bytes:
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": binary},
        }
    elif route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _schema(route.body, schemas)}},
        }
    return operation


def _summary(route: Route) -> str:
    module, function = route.name.split(".")
    view = getattr(import_module(f"konio.web.views.{module}"), function)
    return str(view.__doc__).strip().splitlines()[0]


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.access == "anyone":
        return []
    return [{"session": [], "token": []}] if route.changes else [{"session": []}]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0} if kind else {"type": "string"},
        }
        for kind, name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    described = route.query.model_json_schema(by_alias=True)
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in described.get("properties", {}).items()
    ]


def _responses(route: Route) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "done"}
    if route.gives == JSON:
        schema = {
            "type": "object",
            "required": [*route.keys, "notice"],
            "properties": {"notice": {"type": "string"}},
        }
        good["content"] = {JSON: {"schema": schema}}
    elif route.gives:
        good["content"] = {route.gives: {"schema": {"type": "string", "format": "binary"}}}
    refused = {
        "description": "refused",
        "content": {JSON: {"schema": {"$ref": _REF.format(model="ErrorAnswer")}}},
    }
    codes = sorted({text.status for text in PROBLEMS.values()})
    return {str(route.status): good, **{str(code): refused for code in codes}}


def _schema(model: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    described = model.model_json_schema(ref_template=_REF)
    schemas.update(described.pop("$defs", {}))
    schemas[model.__name__] = described
    return {"$ref": _REF.format(model=model.__name__)}
