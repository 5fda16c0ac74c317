"""The OpenAPI 3.1 document of the HTTP door, made from the frame's model and the table of problems."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from edge.gateway.http.answers import PROBLEM_TYPE, TITLES
from edge.gateway.http.exchange import ASSERTION, FORM, GRANT, TOKEN_PATH
from edge.gateway.http.intakes import IDEMPOTENCY_KEY, KEY_CHARACTERS_MAX, NDJSON_TYPES
from edge.gateway.http.server import READINGS_PATH
from edge.gateway.items import ITEMS_MAX
from streams.contracts.frame import ID_PATTERN, Bound, Frame

VERSION: Final = "1.0.0"
OPTIONAL: Final = ("patient", "boot", "seq")
"""Fields of a frame that HTTP lets be left out."""

RETRIED: Final = frozenset({429, 503})


def openapi(more: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Return the document; `more` are the paths of other protocols on this port."""
    reading = {"$ref": "#/components/schemas/Reading"}
    bodies = {
        "application/json": {
            "schema": {
                "oneOf": [reading, {"type": "array", "items": reading, "minItems": 1, "maxItems": ITEMS_MAX}]
            }
        },
        **{
            kind: {"schema": {"type": "string", "description": "a frame a line"}}
            for kind in sorted(NDJSON_TYPES)
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vigil gateway",
            "version": VERSION,
            "description": "Readings of bedside devices. 202 says that Kafka has them, on all copies.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            READINGS_PATH: {
                "post": {
                    "operationId": "postReadings",
                    "summary": "Store one frame, or many in their order",
                    "parameters": [_key_parameter()],
                    "security": [{"bearer": []}],
                    "requestBody": {"required": True, "content": bodies},
                    "responses": _responses(),
                }
            },
            TOKEN_PATH: {"post": _token()},
            "/healthz": _page("the process lives", {"up": {"type": "boolean"}}),
            "/readyz": _page("it takes readings", {"kafka": {"type": "boolean"}}, unready=True),
            **more,
        },
        "components": {
            "schemas": {
                "Reading": _reading(),
                "Bound": Bound.model_json_schema(),
                "Taken": _taken(),
                "Problem": _problem(),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a signed token"}
            },
        },
    }


def _reading() -> dict[str, Any]:
    schema = Frame.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]
    schema["required"] = [name for name in schema["required"] if name not in OPTIONAL]
    schema["title"] = "Reading"
    del schema["properties"]["refiled"]  # only whoever files anew may say so of a copy
    schema["properties"]["patient"]["pattern"] = ID_PATTERN  # nor is a device's own stream anybody's to name
    # Without them the request needs an Idempotency-Key, which a schema of the body cannot say.
    schema["dependentRequired"] = {"boot": ["seq"], "seq": ["boot"]}
    return schema


def _key_parameter() -> dict[str, Any]:
    return {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "description": "Stands for boot and seq of frames without them: the same key, the same frames.",
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS_MAX, "pattern": "^[!-~]+$"},
    }


def _responses() -> dict[str, Any]:
    found: dict[str, Any] = {
        "202": {
            "description": "Kafka has them; `results` says which not, if some are not",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}},
        }
    }
    for status, title in TITLES.values():
        if status in (404,):
            continue
        said = found.setdefault(
            str(status),
            {
                "description": title,
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        if title not in said["description"]:
            said["description"] += f"; {title}"
        if status in RETRIED:
            said["headers"] = {
                "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "s"}
            }
    return found


def _result() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"enum": ["accepted", "refused"]},
            "reason": {"type": "string"},
            "detail": {"type": "string"},
        },
    }


def _taken() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["accepted"],
        "properties": {
            "accepted": count,
            "refused": count,
            "results": {"type": "array", "items": _result()},
        },
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "results": {"type": "array", "items": _result()},
        },
    }


def _token() -> dict[str, Any]:
    text = {"type": "string"}
    fields = {
        "grant_type": {"const": GRANT},
        "client_assertion_type": {"const": ASSERTION},
        "client_assertion": text,
        "scope": text,
    }
    given = {"type": "object", "required": list(fields)[:3], "properties": fields}
    token = {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in"],
        "properties": {
            "access_token": text,
            "token_type": {"const": "bearer"},
            "expires_in": {"type": "integer", "minimum": 1},
            "scope": text,
        },
    }
    error = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": text, "error_description": text},
    }
    said = {
        status: {"description": "no token (RFC 6749)", "content": _json(error)} for status in ("400", "401")
    }
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    said |= {
        status: {"description": "no form was read", "content": problem}
        for status in ("405", "408", "413", "503")
    }
    return {
        "operationId": "postToken",
        "summary": "Exchange a token that the client signed for one to send as Bearer",
        "requestBody": {"required": True, "content": {FORM: {"schema": given}}},
        "responses": {"200": {"description": "a token", "content": _json(token)}, **said},
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _page(about: str, properties: dict[str, Any], unready: bool = False) -> dict[str, Any]:
    content = _json({"type": "object", "properties": properties})
    responses: dict[str, Any] = {"200": {"description": about, "content": content}}
    if unready:
        responses["503"] = {"description": "not now", "content": content}
    return {"get": {"summary": about, "responses": responses}}
