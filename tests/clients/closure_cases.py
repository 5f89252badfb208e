"""Cases for the closure evaluator: policies that the office may write, and whatever a device or a database may hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from app.domain.checklist import ItemKind
from app.domain.closure_policy import Risk, RuleKind

#: Blank for the server, blank for JavaScript only, and what looks blank.
BLANKS = ["", " ", "\t\n", "\x1c", "\x85", "\u00a0", "\ufeff", "\u200b", "\u3000"]
#: Names that every JavaScript object has.
NAMES = ["a", "b", "f.a", "__proto__", "constructor", "toString", "10", "9"]
TAGS = ["before", "after", "customer", "technician", "witness", "serial"]
LANGUAGES = ["en", "de", "de-AT", "fr", "__proto__", "10", "9"]
WORDS = ["x", "X y", "xy", "ß", "ſ", "K", "é", "e\u0301", "😀", "ﬀ", "İ", "12", "{needed}", "{}", "%s"]
ENDED = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

texts = st.sampled_from([*WORDS, *BLANKS]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
names = st.sampled_from(NAMES)
full_names = st.sampled_from(["a", "b", "f.a", "constructor"])
counts = st.integers(0, 3)
numbers = st.one_of(
    st.sampled_from(
        [
            0,
            1,
            2,
            2.5,
            100,
            -1,
            0.1 + 0.2,
            1e21,
            1e16,
            1e-7,
            1.7e308,
            -0.0,
            0.5,
            1.5,
            2**53 - 1,
            2**53 + 1,
            10**20,
            10**400,
        ]
    ),
    st.integers(-3, 300),
    st.floats(allow_nan=False, allow_infinity=False),
)
amounts = st.sampled_from([0, 1, 2, 0.5, 15, 60, 120, 1e6]) | st.floats(0, 500)
factors = st.sampled_from([0, 0.5, 0.8, 1, 1.1, 2, 1000]) | st.floats(0, 3)
distances = st.sampled_from([0, 100, 250, 250.5, 1e7]) | st.floats(0, 600)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
odd = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2), max_leaves=4
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 3).flatmap(lambda n: st.none() if n == 3 else strategy)


def fields(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which any of the fields may be missing."""
    return st.fixed_dictionaries({}, optional=optional)


def often(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda n: rare if n == 9 else usual)


paths = st.builds(
    lambda group, name: f"{group}.{name}",
    st.sampled_from(["answers", "work_order", "asset"]),
    st.sampled_from([*NAMES, "serial", "priority"]),
)
comparisons = st.one_of(
    st.builds(lambda path, value: {"eq": [path, value]}, paths, odd),
    st.builds(lambda path, some: {"in": [path, some]}, paths, st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda path, limit: {"gt": [path, limit]}, paths, numbers),
    st.builds(lambda path: {"present": path}, paths),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)

item_labels = texts | st.dictionaries(st.sampled_from(LANGUAGES), texts, max_size=2)
items = st.fixed_dictionaries(
    {"id": names, "kind": st.sampled_from([kind.value for kind in ItemKind])},
    optional={
        "label": item_labels,
        "required": st.booleans(),
        "required_if": conditions,
        "show_if": maybe(conditions),
        "phase": st.sampled_from(["pre_visit", "arrival", "work", "closure", None, "odd"]),
        "choices": maybe(st.lists(scalars, max_size=3)),
        "min": maybe(numbers),
        "max": maybe(numbers),
        "unit": texts,
        "pass": odd,
        "form": st.sampled_from(["f", "g"]),
        "on_fail": st.just({"create_work_order": {"title": "Look again"}}),
    },
)
checklists = st.lists(often(items, odd), max_size=5)

risks = st.sampled_from([risk.value for risk in Risk])
reviews = fields(
    always=st.booleans(),
    sample_percent=st.sampled_from([0, 0.01, 12.5, 33.33, 50, 100]) | st.floats(0, 100),
    risk=st.just("default") | st.lists(risks, max_size=3),
    within_hours=st.integers(1, 48),
)
rule_reviews = fields(
    always=st.booleans(), sample_percent=st.sampled_from([0, 0.3, 100]), risk=st.lists(risks, max_size=3)
)
roles = st.sampled_from(["customer", "technician", "witness"])
labels = st.sampled_from(["x", "__proto__"])
codes = st.sampled_from(["FIXED", "WORN", " ", "é"])
units = st.sampled_from(["bar", "°C"])
serials = st.sampled_from(["sn 1", "SN1", "ſn1", "sn\u00a01", "SN\x1f1", "ß", " "]) | texts


def with_name(name: str, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: labels}, optional=optional)


def in_order(low: str, high: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Bounds that are crossed are none that the office may write: they are put right."""

    def ordered(params: dict[str, Any]) -> dict[str, Any]:
        if low in params and high in params:
            return {**params, low: min(params[low], params[high]), high: max(params[low], params[high])}
        return params

    return ordered


PARAMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "checklist": fields(
        form=st.sampled_from(["f", "g"]),
        items=st.lists(names, max_size=3),
        phase=st.sampled_from(["work", "closure"]),
        failures=st.sampled_from(["block", "note"]),
    ),
    "photo": fields(
        tag=st.sampled_from(TAGS), min=counts, max_age_minutes=amounts, tolerance_minutes=amounts, radius_m=distances
    ),
    "signature": fields(role=roles, name_required=st.booleans(), refusal_allowed=st.booleans(), bound=st.booleans()),
    "customer_code": fields(
        channel=st.sampled_from(["sms", "email", "shown"]),
        ttl_hours=st.integers(1, 200),
        attempts=st.integers(1, 5),
        online_required=st.booleans(),
    ),
    "customer_confirm": fields(hours=st.integers(1, 72), silence=st.sampled_from(["ask", "accept"])),
    "resolution_codes": fields(codes=st.lists(codes, max_size=3), cause_codes=st.lists(codes, max_size=2)),
    "parts_declared": st.just({}),
    "supervisor_review": rule_reviews,
    "labor_present": fields(min_minutes=factors),
    "duration_sanity": fields(min_factor=factors, max_factor=factors).map(in_order("min_factor", "max_factor")),
    "meter": with_name("label", min=numbers, max=numbers, unit=units).map(in_order("min", "max")),
    "serial_scan": fields(
        tag=st.sampled_from(TAGS), expected=st.just("asset") | st.lists(serials, max_size=3) | st.none()
    ),
    "functional_test": with_name("name", min=numbers, max=numbers, expected=scalars).map(in_order("min", "max")),
    "geo_presence": fields(radius_m=distances, source=st.sampled_from(["arrival", "any"])),
    "no_open_items": fields(of=st.lists(st.sampled_from(["tasks", "returns", "requests"]), max_size=3)),
}


def a_rule(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": st.sampled_from([*"abcde", "evidence", "review", "ﬀ"]),
            "kind": st.just(kind),
            "params": PARAMS[kind],
            "waivable_by": st.sampled_from(["none", "technician", "supervisor"]),
        },
        optional={
            "severity": st.sampled_from(["block", "block", "warn"]),
            "when": often(st.none(), conditions),
            "message": st.dictionaries(st.sampled_from(LANGUAGES), texts, max_size=3),
        },
    )


rules = st.sampled_from([kind.value for kind in RuleKind]).flatmap(a_rule)
policies = fields(
    id=st.just("p"),
    version=st.integers(1, 3),
    rules=st.lists(rules, min_size=2, max_size=6, unique_by=lambda rule: rule["id"]),
    review=reviews,
    auto_close=st.booleans(),
    evidence_within_hours=st.integers(1, 48),
)

rule_ids = st.sampled_from([*"abcde", "evidence", "review"])
readings = often(fields(label=labels, value=often(numbers, scalars), unit=maybe(units)), odd)
scans = often(fields(tag=st.sampled_from(TAGS), value=serials), odd)
tests = often(fields(name=labels, value=often(st.booleans() | numbers, scalars)), odd)
waivers = st.fixed_dictionaries(
    {"rule_id": rule_ids, "reason": often(st.just("Why not"), odd)},
    optional={"role": st.sampled_from(["supervisor", "technician", None])},
)
submissions = fields(
    answers=often(st.dictionaries(names, odd, max_size=3), odd),
    resolution_code=maybe(codes),
    cause_code=maybe(codes),
    no_parts_used=st.booleans(),
    refusals=st.dictionaries(st.sampled_from(TAGS), texts, max_size=2),
    waivers=st.lists(waivers, max_size=4),
    readings=st.lists(readings, min_size=1, max_size=4),
    scans=st.lists(scans, min_size=1, max_size=4),
    tests=st.lists(tests, min_size=1, max_size=4),
)


def _a_time(seconds: float, form: int) -> str:
    at = ENDED + timedelta(seconds=seconds)
    written = [at.isoformat(), at.isoformat(timespec="milliseconds"), at.isoformat(timespec="microseconds")][form % 3]
    return written.replace("+00:00", "Z") if form < 3 else written


times = st.builds(_a_time, st.integers(-9000, 9000) | st.floats(-9000, 9000), st.integers(0, 5))
evidence = st.fixed_dictionaries(
    {
        "id": st.sampled_from(NAMES) | texts,
        "kind": st.sampled_from(["photo", "signature"]),
        "tag": st.sampled_from(TAGS),
        "stored": st.sampled_from([True, True, True, False]),
    },
    optional={
        "captured_at": maybe(times),
        "distance_m": maybe(distances),
        "signer_name": maybe(texts),
        "reused": st.booleans(),
        "document_hash": maybe(st.just("0" * 64)),
        "bound": maybe(st.booleans()),
    },
)
facts = st.fixed_dictionaries(
    {
        "ended_at": times,
        "arrived_at": maybe(times),
        "work_order": st.dictionaries(st.sampled_from([*NAMES, "priority"]), scalars, max_size=3),
        "asset": often(fields(serial=maybe(serials)), st.dictionaries(names, scalars, max_size=3)),
        "checklist": often(st.lists(items, min_size=1, max_size=4), checklists),
        "evidence": often(st.lists(evidence, min_size=1, max_size=6), st.just([])),
        "movements": counts,
        "waivers": st.lists(waivers, max_size=4),
    },
    optional={
        "code": maybe(
            fields(
                state=st.sampled_from(["ok", "wrong", "expired", "locked"]), how=st.sampled_from(["online", "offline"])
            )
        ),
        "confirmation": maybe(fields(answer=st.sampled_from(["waiting", "yes", "no", "not_answered"]))),
        "worked_seconds": maybe(st.integers(0, 20_000)),
        "estimated_minutes": maybe(st.integers(0, 200)),
        "presence_m": maybe(distances),
        "open_items": fields(tasks=counts, returns=counts, requests=counts),
        "risks": st.lists(risks | st.just("something new"), max_size=3),
        "sent_back": st.booleans(),
        "draw": maybe(st.integers(0, 9999)),
    },
)


ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "yes_no": st.booleans(),
    "text": texts,
    "scan": texts,
    "number": numbers,
    "measurement": numbers,
    "rating": st.integers(0, 6) | st.sampled_from([2.0, 2.5, 1e300]),
    "date": st.sampled_from(["2028-02-29", "2026-02-29", "1900-02-29", "2000-02-29", "2026-04-31", "0000-01-01",
                             "2026-1-1", "2026-12-31", "2026-12-31\n", "٢٠٢٦-12-31"]),
    "time": st.sampled_from(["00:00", "23:59", "24:00", "9:00", "12:60", "12:30\n", "12:30:00"]),
    "choice": scalars,
    "choices": st.lists(scalars, max_size=3),
    "photo": st.lists(names, max_size=2),
    "signature": names,
}  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """A case whose answers are mostly of the kind that its checklist asks for, and now and then anything."""
    case = {"policy": draw(policies), "submission": draw(submissions), "facts": draw(facts)}
    if draw(st.booleans()):
        case["language"] = draw(st.sampled_from(LANGUAGES))
    answers = case["submission"].get("answers")
    for item in case["facts"].get("checklist", ()):
        if isinstance(answers, dict) and isinstance(item, dict) and item.get("kind") in ANSWERS and draw(st.booleans()):
            usual = ANSWERS[item["kind"]]
            listed = item.get("choices") or item.get("pass")
            if isinstance(listed, list) and listed and item["kind"].startswith("choice"):
                usual = st.sampled_from(listed) if item["kind"] == "choice" else st.lists(st.sampled_from(listed))
            answers[str(item.get("id"))] = draw(often(usual, odd))
    return case


odd_values = st.dictionaries(
    st.sampled_from(["answers", "work_order", "asset"]), st.dictionaries(names, odd, max_size=3) | odd, max_size=3
)
