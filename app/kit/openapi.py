"""The OpenAPI document: what FastAPI writes, put right where it is not what we answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.kit.problems import MEDIA_TYPE
from app.kit.schemas import Problem, ValidationProblem

EVERYWHERE = {
    "401": "`not-signed-in`, `token-expired`",
    "403": "`not-allowed`",
    "503": "`unavailable`; try again after `Retry-After` seconds",
}


def describe(app: FastAPI) -> None:
    """Give the application its document; it is made once, at the first question."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        description=(
            "Backend for field service. Errors are problem documents (RFC 9457) with a stable `code`. "
            "Times are RFC 3339 with a zone; ids are UUIDs, made by the device where a device makes the thing."
        ),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "this server"}],
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for shape in (Problem, ValidationProblem):
        schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[shape.__name__] = schema
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."}
    }
    public: frozenset[str] = app.state.public_operations
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _complete(operation, public=operation["operationId"] in public, page=not path.startswith(("/v1", "/oauth")))
            if method == "get" and "200" in operation["responses"]:
                operation["responses"]["200"].setdefault("description", "OK")
    return made


def _complete(operation: dict[str, Any], *, public: bool, page: bool) -> None:
    responses = operation["responses"]
    operation["security"] = [] if public else [{"bearer": []}]
    refusal = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    if "requestBody" in operation:
        responses.setdefault("413", {"description": "`too-large`", **refusal})
    for status, description in EVERYWHERE.items():
        if status == "503" or not public:
            responses.setdefault(status, {"description": description, **refusal})
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        responses["422"] = {
            "description": "`not-well-formed`",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ValidationProblem"}}},
        }
