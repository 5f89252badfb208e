"""Reading closure policies and forms: always inside the caller's organization."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.identity.access import Caller
from app.identity.office_queries import one_for
from app.kit.database import rows
from app.kit.paging import PageQuery, make_cursor, read_cursor
from app.kit.problems import NotFound
from app.work_orders.matching import MATCHED_BY, candidates
from app.work_orders.models import ClosurePolicyRecord, Form
from app.work_orders.policy_schemas import ClosurePolicyFilters, MatchIn
from app.work_orders.well_formed import forms_named


def policy_record_for(db: Session, caller: Caller, policy_id: UUID, *, lock: bool = False) -> ClosurePolicyRecord:
    """
    Raises:
        NotFound: the caller's organization has no such closure policy.
    """
    return one_for(db, ClosurePolicyRecord, caller, policy_id, "closure policy", lock=lock)


def form_for(db: Session, caller: Caller, form_id: UUID, *, lock: bool = False) -> Form:
    """
    Raises:
        NotFound: the caller's organization has no such form.
    """
    return one_for(db, Form, caller, form_id, "form", lock=lock)


POLICIES = """
SELECT p.id, p.key, p.name, p.active, p.current_version, p.created_at, p.version, v.policy,
       v.version AS policy_version,
       jsonb_build_object('work_type_id', p.work_type_id, 'customer_id', p.customer_id, 'partner_id', p.partner_id,
                          'priority', p.priority) AS match
FROM closure_policies p
JOIN closure_policy_versions v ON v.organization_id = p.organization_id AND v.policy_id = p.id
     AND v.version = coalesce(%(version)s::int, p.current_version)
WHERE p.organization_id = %(o)s AND (%(id)s::uuid IS NULL OR p.id = %(id)s)
  AND (%(work_type_id)s::uuid IS NULL OR p.work_type_id = %(work_type_id)s)
  AND (%(customer_id)s::uuid IS NULL OR p.customer_id = %(customer_id)s)
  AND (%(partner_id)s::uuid IS NULL OR p.partner_id = %(partner_id)s)
  AND (%(active)s::bool IS NULL OR p.active = %(active)s)
  AND (%(after)s::uuid IS NULL OR p.id < %(after)s)
ORDER BY p.id DESC
LIMIT %(limit)s
"""


def closure_policy_of(db: Session, caller: Caller, policy_id: UUID, *, version: int | None = None) -> dict[str, Any]:
    """A closure policy with its newest rules, or with those of the version named.

    Raises:
        NotFound: there is no such policy or version.
    """
    all_of_them = dict.fromkeys(("work_type_id", "customer_id", "partner_id", "active", "after"))
    asked = {**all_of_them, "id": policy_id, "version": version, "limit": 1}
    found = rows(db, POLICIES, o=caller.organization_id, **asked)
    if not found:
        raise NotFound("There is no such closure policy.", policy_id=str(policy_id))
    return found[0]


def closure_policies_of(db: Session, caller: Caller, filters: ClosurePolicyFilters) -> dict[str, Any]:
    """One page with their newest rules, the newest policy first."""
    after = read_cursor(db, filters.cursor, "closure-policies")
    wanted = {**filters.model_dump(exclude={"limit", "cursor"}), "id": None, "version": None, "after": after}
    found = rows(db, POLICIES, o=caller.organization_id, **wanted, limit=filters.limit + 1)
    return _page(db, found, filters, "closure-policies")


FORMS = """
SELECT f.id, f.key, f.current_version, v.version, v.title, v.items, v.created_at
FROM forms f
JOIN form_versions v ON v.organization_id = f.organization_id AND v.form_id = f.id
     AND v.version = coalesce(%(version)s::int, f.current_version)
WHERE f.organization_id = %(o)s AND (%(id)s::uuid IS NULL OR f.id = %(id)s)
  AND (%(after)s::uuid IS NULL OR f.id < %(after)s)
ORDER BY f.id DESC
LIMIT %(limit)s
"""


def form_of(db: Session, caller: Caller, form_id: UUID, *, version: int | None = None) -> dict[str, Any]:
    """A form as its newest version, or the version named, says.

    Raises:
        NotFound: there is no such form or version.
    """
    found = rows(db, FORMS, o=caller.organization_id, id=form_id, version=version, after=None, limit=1)
    if not found:
        raise NotFound("There is no such form.", form_id=str(form_id))
    return found[0]


def forms_of(db: Session, caller: Caller, page: PageQuery) -> dict[str, Any]:
    """One page, the newest first."""
    after = read_cursor(db, page.cursor, "forms")
    found = rows(db, FORMS, o=caller.organization_id, id=None, version=None, after=after, limit=page.limit + 1)
    return _page(db, found, page, "forms")


def _page(db: Session, found: list[dict[str, Any]], page: PageQuery, purpose: str) -> dict[str, Any]:
    items = found[: page.limit]
    more = len(found) > page.limit
    return {"items": items, "next_cursor": make_cursor(db, purpose, str(items[-1]["id"])) if more else None}


def candidates_for(db: Session, caller: Caller, work: MatchIn) -> list[dict[str, Any]]:
    """The policies that match such work, the one that counts first, and by which fields each does."""
    found = candidates(db, caller.organization_id, **work.model_dump())
    return [
        {
            **{name: one[name] for name in ("policy_id", "key", "name", "policy", "specificity")},
            "policy_version": one["version"],
            "matched": [name for name in MATCHED_BY if one[name] is not None],
        }
        for one in found
    ]


KNOWN_FORMS = "SELECT key FROM forms WHERE organization_id = %(o)s AND key = ANY(%(keys)s)"


def known_forms(db: Session, organization_id: UUID, policy: Mapping[str, Any]) -> set[str]:
    """The keys of those forms that there are, of all that the policy names."""
    keys = list({key for _, key in forms_named(policy)})
    if not keys:
        return set()
    return {row["key"] for row in rows(db, KNOWN_FORMS, o=organization_id, keys=keys)}


NEWEST_FORMS = """
SELECT f.key, v.items FROM forms f
JOIN form_versions v ON v.organization_id = f.organization_id AND v.form_id = f.id AND v.version = f.current_version
WHERE f.organization_id = %(o)s AND f.key = ANY(%(keys)s)
"""


def newest_forms(db: Session, organization_id: UUID, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """From key to items, of those forms that there are."""
    return {row["key"]: row["items"] for row in rows(db, NEWEST_FORMS, o=organization_id, keys=keys)} if keys else {}
