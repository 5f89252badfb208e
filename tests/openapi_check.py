"""Every response of every test is held against the OpenAPI document."""

import re
from functools import cached_property
from typing import Any

import jsonschema_rs

#: The documentation itself, and files that pages load.
UNLISTED = re.compile(r"/|/docs(/.*)?|/openapi.json|/assets/.*")


class Contract:
    """Finds the operation of a response and says what is not as the document has it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @cached_property
    def paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        found = [
            (re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path)) + "$"), item)
            for path, item in self.document["paths"].items()
        ]
        return sorted(found, key=lambda one: "[^/]+" in one[0].pattern)

    @cached_property
    def validators(self) -> dict[str, jsonschema_rs.Draft202012Validator]:
        return {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, item in self.paths:
            if pattern.match(path):
                found = item.get(method.lower()) or (item.get("get") if method == "HEAD" else None)
                if found is not None:
                    return dict(found)
        return None

    def complaints(self, method: str, path: str, status: int, media_type: str, body: bytes, parsed: Any) -> list[str]:
        """What is wrong with this answer, in words; empty when it is as documented."""
        operation = self.operation(method, path)
        if operation is None and UNLISTED.fullmatch(path):
            return []
        if operation is None:
            return [] if status in (404, 405) else [f"{method} {path} is not in the document"]
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"{operation['operationId']} does not document {status}"]
        if method == "HEAD" or not body:
            return []
        content = described.get("content", {})
        if media_type not in content:
            return [f"{operation['operationId']} {status} does not document {media_type}"]
        schema = content[media_type].get("schema")
        if schema is None or "json" not in media_type:
            return []
        key = f"{operation['operationId']} {status}"
        if key not in self.validators:
            whole = {"components": self.document["components"], **schema}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole)
        errors = self.validators[key].iter_errors(parsed)
        return [f"{key} at {list(error.instance_path)}: {error.message[:300]}" for error in errors]
