"""Shared shapes of requests and answers: bounded text, whole numbers that fit, times with a zone, pages."""

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from app.kit.database import utc_iso


def _clean(value: str) -> str:
    """NFC, and none of what databases and terminals choke on: NUL, surrogates, control characters."""
    for character in value:
        kind = unicodedata.category(character)
        if kind == "Cs" or (kind == "Cc" and character not in "\n\t\r"):
            raise ValueError("has a character that is not text")
    return unicodedata.normalize("NFC", value)


def _single_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("must be one line")
    return value


SafeText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_clean)]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_clean),
    AfterValidator(_single_line),
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_]*$")]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+$"),
    AfterValidator(_clean),
]
Int = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
Minor = Annotated[int, Field(ge=0, le=2**53 - 1)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Quantity = Annotated[Decimal, Field(gt=0, le=1_000_000, max_digits=12, decimal_places=4, allow_inf_nan=False)]
Time = Annotated[
    AwareDatetime,
    Field(
        ge=datetime.fromisoformat("1970-01-01T00:00:00+00:00"), le=datetime.fromisoformat("2200-01-01T00:00:00+00:00")
    ),
]
UtcTime = Annotated[datetime, PlainSerializer(utc_iso, return_type=str, when_used="json-unless-none")]


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON of any shape that the database can hold: clean text, numbers that fit, not too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(name): _plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, int | float) and not -(2**53) < value < 2**53:
        raise ValueError("has a number that does not fit")
    return value


MAX_DEPTH = 32
JsonObject = Annotated[dict[str, Any], AfterValidator(_plain)]


class In(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Out(BaseModel):
    """An answer: every field is always present."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


class Coordinates(In):
    lat: float = Field(ge=-90, le=90)
    lng: float = Field(ge=-180, le=180)


Item = TypeVar("Item")


class Problem(BaseModel):
    """A problem document (RFC 9457) with a stable `code` and the facts that help."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str


class FieldError(BaseModel):
    pointer: str
    code: str
    detail: str


class ValidationProblem(Problem):
    errors: list[FieldError]


class Page(Out, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def absent() -> Any:
    """The default of a field of a PATCH: it may be left out, and null is taken only where the type says so."""
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def changes(given: BaseModel) -> dict[str, Any]:
    """What a PATCH names, and only that."""
    return given.model_dump(exclude_unset=True)
