"""Which closure policy counts for a piece of work: of those that match, the most specific."""

from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.kit.database import rows

#: What a policy may be matched by, in the order in which ties are decided.
MATCHED_BY = ("customer_id", "partner_id", "work_type_id", "priority")

#: The policies that match, the one that counts first. A work type's own policy ranks as a match on the work type alone,
#: behind a closure policy that matches just that; an empty one ranks behind everything.
CANDIDATES = """
SELECT c.* FROM (
    SELECT p.id AS policy_id, p.key, p.name, v.version, v.policy, p.created_at,
           p.work_type_id, p.customer_id, p.partner_id, p.priority,
           num_nonnulls(p.work_type_id, p.customer_id, p.partner_id, p.priority) AS specificity
    FROM closure_policies p
    JOIN closure_policy_versions v ON v.organization_id = p.organization_id AND v.policy_id = p.id
         AND v.version = p.current_version
    WHERE p.organization_id = %(o)s AND p.active
      AND (p.work_type_id IS NULL OR p.work_type_id = %(work_type_id)s::uuid)
      AND (p.customer_id IS NULL OR p.customer_id = %(customer_id)s::uuid)
      AND (p.partner_id IS NULL OR p.partner_id = %(partner_id)s::uuid)
      AND (p.priority IS NULL OR p.priority = %(priority)s::int)
    UNION ALL
    SELECT NULL, k.key, t.name, t.version, t.closure_policy, NULL, k.id, NULL, NULL, NULL,
           CASE WHEN t.closure_policy = '{}' THEN -1 ELSE 1 END
    FROM work_types k
    JOIN work_type_versions t ON t.organization_id = k.organization_id AND t.work_type_id = k.id
         AND t.version = k.current_version
    WHERE k.organization_id = %(o)s AND k.id = %(work_type_id)s::uuid
) AS c
ORDER BY c.specificity DESC, c.customer_id IS NULL, c.partner_id IS NULL, c.work_type_id IS NULL, c.priority IS NULL,
         c.policy_id IS NULL, c.created_at DESC, c.policy_id DESC
"""


def candidates(
    db: Session,
    organization_id: UUID,
    *,
    work_type_id: UUID | None,
    customer_id: UUID | None,
    partner_id: UUID | None,
    priority: int | None,
) -> list[dict[str, Any]]:
    """The policies that match such work, the one that counts first; `policy_id` is None for the work type's own."""
    return rows(
        db,
        CANDIDATES,
        o=organization_id,
        work_type_id=work_type_id,
        customer_id=customer_id,
        partner_id=partner_id,
        priority=priority,
    )
