"""What a visit is held to, in one piece: found when it is planned and when it is dispatched, and never changed then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.domain.checklist import expanded
from app.kit.canonical import canonical_sha256
from app.kit.database import rows
from app.kit.ids import uuid7
from app.work_orders.ledger import OpenLedger
from app.work_orders.matching import CANDIDATES
from app.work_orders.well_formed import forms_named

#: The policy that counts, the work type's own checklist, and the newest version of each form that the policy names.
NEWEST = f"""
SELECT p.policy_id, p.version AS policy_version, p.policy, t.work_type_id, t.version AS work_type_version,
       coalesce(t.checklist, '[]') AS checklist,
       (SELECT coalesce(jsonb_object_agg(f.key, jsonb_build_object('version', v.version, 'items', v.items)), '{{}}')
        FROM forms f
        JOIN form_versions v ON v.organization_id = f.organization_id AND v.form_id = f.id
             AND v.version = f.current_version
        WHERE f.organization_id = %(o)s
          AND to_jsonb(f.key) IN (SELECT jsonb_path_query(p.policy, '$.rules[*].params.form'))) AS forms
FROM ({CANDIDATES} LIMIT 1) AS p
LEFT JOIN work_types k ON k.organization_id = %(o)s AND k.id = %(work_type_id)s::uuid
LEFT JOIN work_type_versions t ON t.organization_id = %(o)s AND t.work_type_id = k.id AND t.version = k.current_version
"""


def pin_terms(db: Session, ledger: OpenLedger, *, partner_id: UUID | None, at: datetime) -> UUID | None:
    """The id of the terms that a visit of this work order is held to from now on, when a partner goes or nobody's.

    None when the work has no work type and no closure policy matches it: then nothing has to be proven.
    """
    wanted = {name: ledger.row[name] for name in ("work_type_id", "customer_id", "priority")}
    found = rows(db, NEWEST, o=ledger.organization_id, partner_id=partner_id, **wanted)
    if not found:
        return None
    return kept(db, ledger.organization_id, terms_from(found[0]), at=at)


def terms_from(newest: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the terms: a row of `NEWEST`, its forms as part of the checklist, in the order of the rules."""
    named = dict.fromkeys(key for _, key in forms_named(newest["policy"]))
    forms = {key: newest["forms"][key] for key in named if key in newest["forms"]}
    checklist = list(newest["checklist"])
    for key, form in forms.items():
        checklist += expanded(key, form["items"])
    return {
        **{name: newest[name] for name in ("policy_id", "policy_version", "work_type_id", "work_type_version")},
        "forms": {key: form["version"] for key, form in forms.items()},
        "checklist": checklist,
        "policy": newest["policy"],
    }


KEEP = """
WITH added AS (
    INSERT INTO closure_terms (organization_id, id, sha256, policy_id, policy_version, work_type_id, work_type_version,
                               forms, checklist, policy, recorded_at)
    VALUES (%(o)s, %(id)s, %(sha256)s, %(policy_id)s, %(policy_version)s, %(work_type_id)s, %(work_type_version)s,
            %(forms)s, %(checklist)s, %(policy)s, %(at)s)
    ON CONFLICT (organization_id, sha256) DO NOTHING RETURNING id
)
SELECT id FROM added
UNION ALL
SELECT id FROM closure_terms WHERE organization_id = %(o)s AND sha256 = %(sha256)s
"""


def kept(db: Session, organization_id: UUID, terms: Mapping[str, Any], *, at: datetime) -> UUID:
    """The id of the row with this content; it is made when there is none yet."""
    values = {
        **terms,
        **{name: orjson.dumps(terms[name]).decode() for name in ("forms", "checklist", "policy")},
        "sha256": bytes.fromhex(canonical_sha256(terms)),
    }
    found = rows(db, KEEP, o=organization_id, id=uuid7(), at=at, **values)
    if not found:  # somebody else added it while we waited: from here on it is visible
        found = rows(db, KEEP, o=organization_id, id=uuid7(), at=at, **values)
    known: UUID = found[0]["id"]
    return known


HELD_TO = """
SELECT coalesce(ct.checklist, t.checklist, '[]') AS checklist, coalesce(ct.policy, t.closure_policy, '{}') AS policy
FROM (SELECT 1) AS one
LEFT JOIN closure_terms ct ON ct.organization_id = %(o)s AND ct.id = %(terms)s::uuid
LEFT JOIN work_type_versions t ON t.organization_id = %(o)s AND t.work_type_id = %(kind)s::uuid
     AND t.version = %(version)s::int
"""


@dataclass(frozen=True, slots=True)
class HeldTo:
    """What a technician is asked for, as JSON: the items of the checklist, and the policy (empty: nothing)."""

    checklist: list[dict[str, Any]]
    policy: dict[str, Any]


def held_to(db: Session, ledger: OpenLedger, visit_id: UUID) -> HeldTo:
    """What the visit is held to: its terms; without any (imports, older visits) the version of its work type."""
    visit = ledger.visits[visit_id]
    kind, version = ledger.row["work_type_id"], visit.work_type_version or ledger.row["work_type_version"]
    if visit.terms_id is None and kind is None:
        return HeldTo([], {})
    return HeldTo(**rows(db, HELD_TO, o=ledger.organization_id, terms=visit.terms_id, kind=kind, version=version)[0])
