"""Which function judges which kind of closure rule."""

from collections.abc import Callable, Mapping

from app.domain.closure_customer_rules import customer_code, customer_confirm
from app.domain.closure_evidence_rules import checklist, photo, signature
from app.domain.closure_facts import Asked, Finding
from app.domain.closure_measured_rules import functional_test, meter, serial_scan
from app.domain.closure_policy import RuleKind
from app.domain.closure_work_rules import (
    duration_sanity,
    geo_presence,
    labor_present,
    no_open_items,
    parts_declared,
    resolution_codes,
)

Check = Callable[[Asked], Finding]

#: `supervisor_review` is none of them: it finds nothing, it asks for a person (`closure.reasons_for_review`).
CHECKS: Mapping[RuleKind, Check] = {
    RuleKind.CHECKLIST: checklist,
    RuleKind.PHOTO: photo,
    RuleKind.SIGNATURE: signature,
    RuleKind.CUSTOMER_CODE: customer_code,
    RuleKind.CUSTOMER_CONFIRM: customer_confirm,
    RuleKind.RESOLUTION_CODES: resolution_codes,
    RuleKind.PARTS_DECLARED: parts_declared,
    RuleKind.LABOR_PRESENT: labor_present,
    RuleKind.DURATION_SANITY: duration_sanity,
    RuleKind.METER: meter,
    RuleKind.SERIAL_SCAN: serial_scan,
    RuleKind.FUNCTIONAL_TEST: functional_test,
    RuleKind.GEO_PRESENCE: geo_presence,
    RuleKind.NO_OPEN_ITEMS: no_open_items,
}
