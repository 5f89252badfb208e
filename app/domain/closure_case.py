"""Submissions, facts and verdicts as JSON: how they are stored, and how the phone has them.

    {"policy": {…}, "submission": {…}, "facts": {…}, "language": "en"}

is a case. What is in it is read forgivingly, field by field, and exactly so by the TypeScript client: a text, number,
object or list of another type is none, and a time is one only as `2026-05-04T11:00:00.000Z` or with an offset.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.domain.closure import Verdict, evaluate
from app.domain.closure_facts import EPOCH, EvidenceFact, Facts, Submission, millis, plain_number
from app.domain.closure_policy import policy_of

_TIME = re.compile(
    r"([1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)


def evaluate_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a case, as JSON.

    Raises:
        NotAPolicy: its policy is none.
    """
    language = case.get("language")
    verdict = evaluate(
        policy_of(_object(case.get("policy"))),
        submission_of_json(case.get("submission")),
        facts_of_json(case.get("facts")),
        language=language if isinstance(language, str) else "en",
    )
    return verdict_json(verdict)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.kind.value,
        "findings": [
            {
                "rule_id": one.rule_id,
                "kind": one.kind,
                "severity": one.severity,
                "met": one.met.value,
                "message": one.message,
                "how_to_fix": one.how_to_fix,
                "facts": dict(one.facts),
            }
            for one in verdict.findings
        ],
        "missing": list(verdict.missing),
        "review": list(verdict.review),
    }


def submission_json(submission: Submission) -> dict[str, Any]:
    return {
        "answers": dict(submission.answers),
        "resolution_code": submission.resolution_code,
        "cause_code": submission.cause_code,
        "no_parts_used": submission.no_parts_used,
        "refusals": dict(submission.refusals),
        "waivers": _objects(submission.waivers),
        "readings": _objects(submission.readings),
        "scans": _objects(submission.scans),
        "tests": _objects(submission.tests),
    }


def submission_of_json(stored: Any) -> Submission:
    given = _object(stored)
    return Submission(
        answers=_object(given.get("answers")),
        resolution_code=_text(given.get("resolution_code")),
        cause_code=_text(given.get("cause_code")),
        no_parts_used=given.get("no_parts_used") is True,
        refusals={role: why for role, why in _object(given.get("refusals")).items() if isinstance(why, str)},
        waivers=_objects(given.get("waivers")),
        readings=_objects(given.get("readings")),
        scans=_objects(given.get("scans")),
        tests=_objects(given.get("tests")),
    )


def facts_json(facts: Facts) -> dict[str, Any]:
    return {
        "ended_at": _time_text(facts.ended_at),
        "arrived_at": _time_text(facts.arrived_at),
        "work_order": dict(facts.work_order),
        "asset": dict(facts.asset),
        "checklist": _objects(facts.checklist),
        "evidence": [_evidence_json(one) for one in facts.evidence],
        "movements": facts.movements,
        "waivers": _objects(facts.waivers),
        "code": None if facts.code is None else dict(facts.code),
        "confirmation": None if facts.confirmation is None else dict(facts.confirmation),
        "worked_seconds": facts.worked_seconds,
        "estimated_minutes": facts.estimated_minutes,
        "presence_m": facts.presence_m,
        "open_items": dict(facts.open_items),
        "risks": sorted(facts.risks),
        "sent_back": facts.sent_back,
        "draw": facts.draw,
    }


def facts_of_json(stored: Any) -> Facts:
    """A case that does not say when the work ended has it end in 1970."""
    given = _object(stored)
    evidence = (_evidence_of(one) for one in _objects(given.get("evidence")))
    return Facts(
        ended_at=_time(given.get("ended_at")) or EPOCH,
        arrived_at=_time(given.get("arrived_at")),
        work_order=_object(given.get("work_order")),
        asset=_object(given.get("asset")),
        checklist=_objects(given.get("checklist")),
        evidence=[one for one in evidence if one is not None],
        movements=_whole(given.get("movements")) or 0,
        waivers=_objects(given.get("waivers")),
        code=_object_or_none(given.get("code")),
        confirmation=_object_or_none(given.get("confirmation")),
        worked_seconds=_whole(given.get("worked_seconds")),
        estimated_minutes=_whole(given.get("estimated_minutes")),
        presence_m=plain_number(given.get("presence_m")),
        open_items=_object(given.get("open_items")),
        risks=frozenset(one for one in _list(given.get("risks")) if isinstance(one, str)),
        sent_back=given.get("sent_back") is True,
        draw=_whole(given.get("draw")),
    )


def _evidence_json(one: EvidenceFact) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "tag": one.tag,
        "stored": one.stored,
        "captured_at": _time_text(one.captured_at),
        "distance_m": one.distance_m,
        "signer_name": one.signer_name,
        "reused": one.reused,
        "document_hash": one.document_hash,
        "bound": one.bound,
    }


def _evidence_of(given: Mapping[str, Any]) -> EvidenceFact | None:
    """None when it has no id or no kind; it is stored unless it says that it is not."""
    name, kind, bound = _text(given.get("id")), _text(given.get("kind")), given.get("bound")
    if name is None or kind is None:
        return None
    return EvidenceFact(
        id=name,
        kind=kind,
        tag=_text(given.get("tag")) or "",
        stored=given.get("stored") is not False,
        captured_at=_time(given.get("captured_at")),
        distance_m=plain_number(given.get("distance_m")),
        signer_name=_text(given.get("signer_name")),
        reused=given.get("reused") is True,
        document_hash=_text(given.get("document_hash")),
        bound=bound if isinstance(bound, bool) else None,
    )


def _object_or_none(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [dict(one) for one in _list(value) if isinstance(one, Mapping)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    """A whole number that a double holds exactly: 3.0 is one, 3.5 and 2^53 are none."""
    number = plain_number(value)
    return number if isinstance(number, int) else None


def _time(value: Any) -> datetime | None:
    """The moment, to the millisecond, rounded down; None when there is no such day or time."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    until_second, fraction, sign, hours, minutes = found.groups()
    if hours is not None and (int(hours) > 23 or int(minutes) > 59):
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime.fromisoformat(until_second)
    except ValueError:
        return None
    local = local.replace(microsecond=int((fraction or "").ljust(3, "0")[:3]) * 1000)
    return local.replace(tzinfo=timezone(-offset if sign == "-" else offset))


def _time_text(at: datetime | None) -> str | None:
    """In UTC, to the millisecond, rounded down."""
    if at is None:
        return None
    rounded = EPOCH + timedelta(milliseconds=millis(at))
    return rounded.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
