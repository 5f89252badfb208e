"""Who may waive what: name → (case, what the verdict says)."""

from collections.abc import Iterator, Mapping

from tests.domain.vectors.flow import CONFIRM, DONE, MINE, NO, PROMISED, THEIRS, WAITING, Told, a_case, rule, rules
from tests.domain.vectors.rows import evidence, photo

LOST = {"waivers": [{"rule_id": "evidence", "reason": "The phone fell into a boiler", "role": "supervisor"}]}


def _waivers() -> Iterator[tuple[str, Told]]:
    good = {("technician", "technician"), ("technician", "supervisor"), ("supervisor", "supervisor")}
    for allowed in ("none", "technician", "supervisor"):
        for role in ("technician", "supervisor"):
            waived = (allowed, role) in good
            yield (
                f"Waivable by {allowed}, waived by a {role}",
                (
                    a_case(
                        rules(rule(waivable_by=allowed)),
                        MINE if role == "technician" else {},
                        THEIRS if role == "supervisor" else {},
                    ),
                    {"verdict": "waived" if waived else "unmet", "met": ["waived" if waived else "no"]},
                ),
            )


WAIVERS: Mapping[str, Told] = {
    **dict(_waivers()),
    "A rule that says nothing of waivers is never waived": (a_case(rules(rule()), MINE, THEIRS), {"verdict": "unmet"}),
    "The supervisor's word stands before the technician's": (
        a_case(rules(rule(waivable_by="technician")), MINE, THEIRS),
        {"verdict": "waived", "waived": {"reason": "Agreed by phone", "role": "supervisor"}},
    ),
    "A waiver without a reason is none": (
        a_case(rules(rule(waivable_by="technician")), {"waivers": [{"rule_id": "r", "reason": " \u00a0"}]}),
        {"verdict": "unmet"},
    ),
    "The first waiver with a reason counts": (
        a_case(
            rules(rule(waivable_by="technician")),
            {"waivers": ["r", {"rule_id": "r"}, {"rule_id": "r", "reason": "A"}, {"rule_id": "r", "reason": "B"}]},
        ),
        {"verdict": "waived", "waived": {"reason": "A", "role": "technician"}},
    ),
    "A technician cannot sign as a supervisor": (
        a_case(
            rules(rule(waivable_by="supervisor")),
            {"waivers": [{"rule_id": "r", "reason": "A", "role": "supervisor"}]},
        ),
        {"verdict": "unmet"},
    ),
    "A technician's waiver is none of a supervisor, wherever it is kept": (
        a_case(
            rules(rule(waivable_by="technician")),
            {},
            {"waivers": [{"rule_id": "r", "reason": "A", "role": "technician"}]},
        ),
        {"verdict": "unmet"},
    ),
    "A waiver of another rule changes nothing": (
        a_case(rules(rule(name="R", waivable_by="technician")), MINE, THEIRS),
        {"verdict": "unmet", "met": ["no"]},
    ),
    "A waiver of a rule that is met changes nothing": (
        a_case(rules(rule(waivable_by="technician")), {**DONE, **MINE}),
        {"verdict": "verified", "met": ["yes"]},
    ),
    "A waiver of a rule that only warns changes nothing": (
        a_case(rules(rule(waivable_by="technician", severity="warn")), MINE),
        {"verdict": "verified", "met": ["no"]},
    ),
    "What is waited for can be waived": (
        a_case(rules({**CONFIRM, "id": "r", "waivable_by": "supervisor"}), {}, {**WAITING, **THEIRS}),
        {"verdict": "waived", "met": ["waived"]},
    ),
    "A customer's no can be waived": (
        a_case(rules({**CONFIRM, "id": "r", "waivable_by": "supervisor"}), {}, {**NO, **THEIRS}),
        {"verdict": "waived", "met": ["waived"], "review": []},
    ),
    "A photo that is promised can be waived, but its bytes are still waited for": (
        a_case(rules(rule("photo", waivable_by="technician")), MINE, PROMISED),
        {"verdict": "awaiting_evidence", "met": ["waived", "awaiting"], "missing": ["late"]},
    ),
    "Bytes that never came are waived by a supervisor": (
        a_case({}, {}, {**PROMISED, **LOST}),
        {"verdict": "waived", "met": ["waived"], "missing": []},
    ),
    "Bytes that never came prove nothing": (
        a_case(rules(rule("photo")), {}, {**PROMISED, **LOST}),
        {"verdict": "unmet", "met": ["no", "waived"], "missing": []},
    ),
    "Bytes that never came, and the rule that asks for them, are waived": (
        a_case(
            rules(rule("photo", waivable_by="supervisor")),
            {},
            {**PROMISED, "waivers": [*LOST["waivers"], *THEIRS["waivers"]]},
        ),
        {"verdict": "waived", "met": ["waived", "waived"], "missing": []},
    ),
    "A technician cannot waive bytes that never came": (
        a_case({}, {"waivers": [{"rule_id": "evidence", "reason": "lost"}]}, PROMISED),
        {"verdict": "awaiting_evidence", "missing": ["late"]},
    ),
    "There is nothing to waive when all bytes have come": (
        a_case({}, {}, {**evidence(photo()), **LOST}),
        {"verdict": "verified", "met": []},
    ),
}
