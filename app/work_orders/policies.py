"""Closure policies: for which work, and which rules. A version is never changed, a new one is added."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.identity.access import Caller
from app.kit.problems import RuleBroken
from app.kit.references import NoSuchCustomer, NoSuchPartner, NoSuchWorkType, check_references, unique
from app.kit.schemas import changes
from app.work_orders.models import ClosurePolicyRecord, ClosurePolicyVersion
from app.work_orders.policy_queries import known_forms
from app.work_orders.policy_schemas import ClosurePolicyChanges, ClosurePolicyIn, ClosurePolicyVersionIn, MatchIn
from app.work_orders.well_formed import check_proofs


class ClosurePolicyKeyTaken(RuleBroken):
    code = "closure-policy-key-taken"


def create_closure_policy(db: Session, given: ClosurePolicyIn, *, by: Caller, at: datetime) -> ClosurePolicyRecord:
    """A new closure policy, at version 1 of its rules.

    Raises:
        ClosurePolicyKeyTaken: there is one with this key.
        PolicyNotWellFormed: its rules have mistakes.
        NoSuchReference: it is to match something that the organization does not have.
    """
    check_match(db, given.match, by=by)
    check_proofs(policies={"policy": given.policy}, forms=known_forms(db, by.organization_id, given.policy))
    policy = ClosurePolicyRecord(
        organization_id=by.organization_id,
        key=given.key,
        name=given.name,
        active=given.active,
        created_at=at,
        **given.match.model_dump(),
    )
    with unique(db, {"uq_closure_policies_key": ClosurePolicyKeyTaken}):
        db.add(policy)
    _add_rules(db, policy, given.policy, by=by, at=at)
    return policy


def create_closure_policy_version(
    db: Session, policy: ClosurePolicyRecord, given: ClosurePolicyVersionIn, *, by: Caller, at: datetime
) -> None:
    """New rules, for the visits that are planned or dispatched from now on. The row is locked.

    Raises:
        PolicyNotWellFormed: the rules have mistakes.
    """
    check_proofs(policies={"policy": given.policy}, forms=known_forms(db, by.organization_id, given.policy))
    policy.current_version += 1
    policy.version += 1
    _add_rules(db, policy, given.policy, by=by, at=at)


def update_closure_policy(db: Session, policy: ClosurePolicyRecord, given: ClosurePolicyChanges, *, by: Caller) -> None:
    """Another name, other work, or no work at all. The rules change by a version.

    Raises:
        NoSuchReference: it is to match something that the organization does not have.
    """
    values = changes(given)
    if "match" in values:
        check_match(db, given.match, by=by)
        values |= MatchIn(**values.pop("match")).model_dump()
    differing = {name: value for name, value in values.items() if getattr(policy, name) != value}
    for name, value in differing.items():
        setattr(policy, name, value)
    policy.version += 1 if differing else 0
    db.flush()


def check_match(db: Session, match: MatchIn, *, by: Caller) -> None:
    """
    Raises:
        NoSuchReference: the organization does not have what is named.
    """
    named = {NoSuchWorkType: match.work_type_id, NoSuchCustomer: match.customer_id, NoSuchPartner: match.partner_id}
    check_references(db, by.organization_id, named, within="/body/match")


def _add_rules(db: Session, policy: ClosurePolicyRecord, rules: Mapping[str, Any], *, by: Caller, at: datetime) -> None:
    db.add(
        ClosurePolicyVersion(
            organization_id=policy.organization_id,
            policy_id=policy.id,
            version=policy.current_version,
            policy={**rules, "id": policy.key, "version": policy.current_version},
            created_at=at,
            created_by=by.person_id,
        )
    )
    db.flush()
