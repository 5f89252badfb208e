"""The code that the customer tells the technician: six digits, derived and never stored, kept as a salted hash.

Who has the hash can try all of a million codes, given hours: a policy that minds asks for a check at the server
(`online_required`), and then no device holds the hash. At the server wrong codes are counted, each different one
once: to send the same again, because an answer was lost or a batch was begun anew, costs nothing and tells nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.closure.models import Checked, CustomerCode
from app.customers.models import Channel
from app.kit.changes import Kind, touch
from app.kit.database import rows
from app.kit.ids import uuid7
from app.kit.runtime import runtime_of
from app.kit.tokens import CODE, derive, fingerprint
from app.messages.commands import send_message
from app.work_orders.ledger import write_held

MESSAGE = "customer_code"
SHOWN = "shown"
N, R, P, HASH_BYTES, SALT_BYTES = 16_384, 8, 1, 32, 16


class CodeState(StrEnum):
    """What a try comes to, and how a code stands: `valid` as long as it may be tried."""

    VALID = "valid"
    OK = "ok"
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"
    USED = "used"


@dataclass(frozen=True, slots=True)
class CodeRule:
    """What the policy of a visit says about its code."""

    work_order_id: UUID
    channel: str = Channel.SMS.value
    ttl: timedelta = timedelta(hours=168)
    attempts: int = 5
    online_required: bool = False


RULES = """
SELECT v.id, v.work_order_id, one.rule -> 'params' AS params
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
LEFT JOIN work_type_versions t ON t.organization_id = v.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
CROSS JOIN LATERAL (
    SELECT rule FROM jsonb_path_query(coalesce(ct.policy, t.closure_policy), '$.rules[*]') AS rule
    WHERE rule ->> 'kind' = 'customer_code' LIMIT 1
) AS one
WHERE v.organization_id = %(o)s AND v.id = ANY(%(ids)s)
"""


def rules_of(db: Session, organization_id: UUID, visit_ids: Iterable[UUID]) -> dict[UUID, CodeRule]:
    """From visit to its rule; visits whose policy asks for no code are left out."""
    found = rows(db, RULES, o=organization_id, ids=list(visit_ids))
    return {row["id"]: _rule(row["work_order_id"], row["params"] or {}) for row in found}


def _rule(work_order_id: UUID, params: Mapping[str, Any]) -> CodeRule:
    usual = CodeRule(work_order_id)
    ttl = params.get("ttl_hours")
    return CodeRule(
        work_order_id,
        channel=params.get("channel") or usual.channel,
        ttl=usual.ttl if ttl is None else timedelta(hours=ttl),
        attempts=params.get("attempts") or usual.attempts,
        online_required=bool(params.get("online_required")),
    )


def codes_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[CustomerCode]:
    """All that were ever made for this visit, the newest first: it is the one that counts."""
    query = select(CustomerCode).where(
        CustomerCode.organization_id == organization_id, CustomerCode.visit_id == visit_id
    )
    return db.exec(query.order_by(col(CustomerCode.created_at).desc(), col(CustomerCode.id).desc())).all()


def current_code(db: Session, organization_id: UUID, visit_id: UUID) -> CustomerCode | None:
    return next(iter(codes_of(db, organization_id, visit_id)), None)


def code_by_token(db: Session, organization_id: UUID, token_hash: bytes) -> CustomerCode | None:
    query = select(CustomerCode).where(
        CustomerCode.organization_id == organization_id, CustomerCode.token_hash == token_hash
    )
    return db.exec(query).one_or_none()


def state_of(code: CustomerCode, rule: CodeRule, *, at: datetime) -> CodeState:
    if code.used_at is not None:
        return CodeState.USED
    if len(code.tried) >= rule.attempts:
        return CodeState.LOCKED
    return CodeState.EXPIRED if code.expires_at <= at else CodeState.VALID


def make_code(db: Session, organization_id: UUID, visit_id: UUID, rule: CodeRule, *, at: datetime) -> CustomerCode:
    """A new code for this visit, on its way to the customer; those before it count no more."""
    code_id, salt, secret = uuid7(), secrets.token_bytes(SALT_BYTES), runtime_of(db).secret
    code = CustomerCode(
        organization_id=organization_id,
        id=code_id,
        work_order_id=rule.work_order_id,
        visit_id=visit_id,
        channel=rule.channel,
        token_hash=fingerprint(derive(CODE, organization_id, secret, code_id)),
        salt=salt,
        hash=hash_of(_digits(secret, organization_id, code_id), salt),
        expires_at=at + rule.ttl,
        created_at=at,
    )
    db.add(code)
    db.flush()
    send_message(
        db,
        organization_id=organization_id,
        work_order_id=rule.work_order_id,
        visit_id=visit_id,
        kind=MESSAGE,
        subject_id=code_id,
        data={},
        channel=None if rule.channel == SHOWN else Channel(rule.channel),
        at=at,
    )
    touch(db, organization_id, Kind.WORK_ORDER, rule.work_order_id)
    return code


def ensure_code(db: Session, organization_id: UUID, visit_id: UUID, *, at: datetime) -> None:
    """The visit has a code that may be used, or was, when its policy asks for one."""
    write_held(db)
    rule = rules_of(db, organization_id, [visit_id]).get(visit_id)
    if rule is None:
        return
    code = current_code(db, organization_id, visit_id)
    if code is None or state_of(code, rule, at=at) not in (CodeState.VALID, CodeState.USED):
        make_code(db, organization_id, visit_id, rule, at=at)


def _digits(secret: str, organization_id: UUID, code_id: UUID) -> str:
    said = f"customer-code:{organization_id}:{code_id}".encode()
    number = int.from_bytes(hmac.new(secret.encode(), said, hashlib.sha256).digest()[:8], "big")
    return f"{number % 1_000_000:06d}"


def digits_of(db: Session, code: CustomerCode) -> str | None:
    """The code itself, for the customer's eyes; None when the secret that it was made with is gone."""
    for secret in runtime_of(db).secrets:
        digits = _digits(secret, code.organization_id, code.id)
        if _is(code, digits):
            return digits
    return None


def hash_of(digits: str, salt: bytes) -> bytes:
    return hashlib.scrypt(digits.encode(), salt=salt, n=N, r=R, p=P, dklen=HASH_BYTES)


def _is(code: CustomerCode, digits: str) -> bool:
    return hmac.compare_digest(hash_of(digits, code.salt), code.hash)


def tried(db: Session, code: CustomerCode, rule: CodeRule, digits: str, *, at: datetime) -> CodeState:
    """Try these digits on a code that is locked and not used; a wrong try is written down with it."""
    state = state_of(code, rule, at=at)
    if state is not CodeState.VALID:
        return state
    mark = hmac.new(runtime_of(db).secret.encode(), f"{code.id}:{digits}".encode(), hashlib.sha256).hexdigest()[:16]
    if mark in code.tried:
        return CodeState.WRONG
    if _is(code, digits):
        return CodeState.OK
    code.tried = [*code.tried, mark]
    db.add(code)
    return CodeState.LOCKED if len(code.tried) >= rule.attempts else CodeState.WRONG


def accept(db: Session, code: CustomerCode, checked: Checked, *, at: datetime) -> None:
    """From here on the visit has its code, and nobody is asked for it again."""
    code.used_at, code.checked = at, checked
    db.add(code)
    touch(db, code.organization_id, Kind.WORK_ORDER, code.work_order_id)


def locked(db: Session, code: CustomerCode) -> CustomerCode | None:
    """The row as it is now; whoever else tries it waits."""
    query = select(CustomerCode).where(CustomerCode.organization_id == code.organization_id, CustomerCode.id == code.id)
    return db.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def check_code(
    db: Session, organization_id: UUID, visit_id: UUID, digits: str | None, *, effective_at: datetime
) -> dict[str, Any] | None:
    """What a submission's code is worth: `{"state": ok, wrong, expired or locked, "how": online or offline}`.

    None when there is none. Once a code of the visit was accepted, the answer is ok, whatever is given. A code that
    was replaced counts for what happened before it was. The code is accepted in this transaction, so that a submission
    that is refused has not used it; wrong tries are written in one of their own, so that nobody takes them back by
    making the rest fail. Where the policy wants it checked while the technician is there, it is not used up by this.
    """
    codes = codes_of(db, organization_id, visit_id)
    for code in codes:
        if code.used_at is not None:
            return {"state": CodeState.OK.value, "how": code.checked}
    rule = rules_of(db, organization_id, [visit_id]).get(visit_id)
    if digits is None or rule is None or not codes:
        return None
    newest = codes[0]
    then = next((code for code in codes if code.created_at <= effective_at), newest)
    state = CodeState.WRONG
    for code in [then] if then is newest else [then, newest]:
        state = _tried_apart(db, code, rule, digits, at=effective_at)
        if state is CodeState.OK:
            if not rule.online_required:
                accept(db, code, Checked.OFFLINE, at=effective_at)
            break
    touch(db, organization_id, Kind.WORK_ORDER, newest.work_order_id)
    return {"state": state.value, "how": Checked.OFFLINE.value}


def _tried_apart(db: Session, code: CustomerCode, rule: CodeRule, digits: str, *, at: datetime) -> CodeState:
    with runtime_of(db).transaction(code.organization_id) as apart:
        apart.connection().execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        row = locked(apart, code)
        if row is not None:
            return tried(apart, row, rule, digits, at=at)
    return tried(db, code, rule, digits, at=at)  # made in this very transaction: nobody else can see it


BUNDLES = """
SELECT DISTINCT ON (visit_id) * FROM customer_codes
WHERE organization_id = %(o)s AND visit_id = ANY(%(ids)s) ORDER BY visit_id, created_at DESC, id DESC
"""


def code_bundles(db: Session, organization_id: UUID, visit_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """From visit to what its devices check the code by without network: `{id, salt, hash, n, r, p, expires_at}`.

    Salt and hash are base64. Visits that ask for no code, have none that may still be tried, or ask for a check at the
    server, are left out.
    """
    rules = {
        visit_id: rule
        for visit_id, rule in rules_of(db, organization_id, visit_ids).items()
        if not rule.online_required
    }
    if not rules:
        return {}
    newest = rows(db, BUNDLES, o=organization_id, ids=list(rules))
    return {
        row["visit_id"]: {
            "id": row["id"],
            "salt": base64.b64encode(row["salt"]).decode(),
            "hash": base64.b64encode(row["hash"]).decode(),
            "n": N,
            "r": R,
            "p": P,
            "expires_at": row["expires_at"],
        }
        for row in newest
        if row["used_at"] is None and len(row["tried"]) < rules[row["visit_id"]].attempts
    }
