"""Shapes of the routes of closure policies and forms."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.kit.paging import PageQuery
from app.kit.schemas import In, JsonObject, Key, Line, Out, UtcTime, absent

#: As work orders have it; imported ones may have other numbers than 1 to 5.
AnyPriority = Annotated[int, Field(ge=0, le=9)]
Items = Annotated[list[JsonObject], Field(max_length=200)]


class MatchIn(In):
    """What a closure policy is for: each field that is null matches all."""

    work_type_id: UUID | None = None
    customer_id: UUID | None = None
    partner_id: UUID | None = None
    priority: AnyPriority | None = None


class MatchOut(Out):
    work_type_id: UUID | None
    customer_id: UUID | None
    partner_id: UUID | None
    priority: int | None


class ClosurePolicyVersionIn(In):
    """The rules; their `id` and `version` are set here."""

    policy: JsonObject


class ClosurePolicyIn(ClosurePolicyVersionIn):
    key: Key
    name: Line
    match: MatchIn = Field(default_factory=MatchIn)
    active: bool = True


class ClosurePolicyChanges(In):
    name: Line = absent()
    match: MatchIn = absent()
    active: bool = absent()


class ClosurePolicyOut(Out):
    """`policy`: the rules at `policy_version`; `version` counts the edits of all of it."""

    id: UUID
    key: str
    name: str
    match: MatchOut
    active: bool
    policy: dict[str, Any]
    policy_version: int
    current_version: int
    created_at: UtcTime
    version: int


class ClosurePolicyFilters(PageQuery):
    work_type_id: UUID | None = None
    customer_id: UUID | None = None
    partner_id: UUID | None = None
    active: bool | None = None


class CandidateOut(Out):
    """A policy that matches. `policy_id` is null for the work type's own; `matched`: the fields that it names.

    `specificity`: how many those are; -1 for a work type's own policy that asks for nothing.
    """

    policy_id: UUID | None
    key: str
    name: str
    policy_version: int
    policy: dict[str, Any]
    matched: list[str]
    specificity: int


class CandidatesOut(Out):
    """The first one counts."""

    items: list[CandidateOut]


class FormVersionIn(In):
    title: Line
    items: Items


class FormIn(FormVersionIn):
    key: Key


class FormOut(Out):
    """A form as its newest version (or the one asked for) says."""

    id: UUID
    key: str
    version: int
    current_version: int
    title: str
    items: list[dict[str, Any]]
    created_at: UtcTime
