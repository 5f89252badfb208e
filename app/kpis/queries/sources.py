"""Work orders, visits and survey answers as sources of candidates, and everything they can be grouped by.

Dimensions of a visit are the snapshots on the visit; a work order's are its own, with the text references that an
import kept where there is no team or technician of ours.
"""

from app.kpis.queries.sql import Dimension, Source


def _same(alias: str, table: str, column: str, owner: str) -> str:
    return (
        f"LEFT JOIN {table} {alias} ON {alias}.organization_id = {owner}.organization_id "
        f"AND {alias}.id = {owner}.{column}"
    )


WORK_ORDER_JOINS = {
    "te": _same("te", "technicians", "technician_id", "w"),
    "t": _same("t", "teams", "team_id", "w"),
    "s": _same("s", "sites", "site_id", "w"),
    "c": _same("c", "customers", "customer_id", "w"),
    "a": _same("a", "assets", "asset_id", "w"),
    "wt": _same("wt", "work_types", "work_type_id", "w"),
    "pa": "LEFT JOIN partners pa ON pa.organization_id = w.organization_id AND pa.id = te.partner_id",
}

WORK_ORDER_DIMENSIONS = {
    "type": Dimension("w.type"),
    "work_type": Dimension("wt.key", "w.type", ("wt",)),
    "work_class": Dimension("w.work_class"),
    "priority": Dimension("w.priority"),
    "channel": Dimension("w.channel"),
    "territory": Dimension("w.territory"),
    "team": Dimension("w.team_id", "t.name", ("t",)),
    "team_ref": Dimension("coalesce(w.team_ref, t.external_ref)", "t.name", ("t",)),
    "technician": Dimension("w.technician_id", "te.name", ("te",)),
    "technician_ref": Dimension("coalesce(w.technician_ref, te.external_ref)", "te.name", ("te",)),
    "employment": Dimension("te.employment", None, ("te",)),
    "partner": Dimension("te.partner_id", "pa.name", ("te", "pa")),
    "customer": Dimension("w.customer_id", "c.name", ("c",)),
    "site": Dimension("w.site_id", "s.name", ("s",)),
    "site_ref": Dimension("coalesce(w.site_ref, s.external_ref)", "s.name", ("s",)),
    "asset": Dimension("w.asset_id", "a.name", ("a",)),
    "asset_ref": Dimension("coalesce(w.asset_ref, a.external_ref)", "a.name", ("a",)),
    "asset_model": Dimension("a.model", None, ("a",)),
    "problem_code": Dimension("w.problem_code"),
    "resolution_code": Dimension("w.resolution_code"),
    "status": Dimension("w.status"),
    "substatus": Dimension("w.substatus"),
    "hold_reason": Dimension("w.hold_reason"),
    "work_order": Dimension("w.id", "w.number"),
    "work_order_ref": Dimension("w.external_ref", "w.number"),
}

WORK_ORDERS = Source("work_orders", "w", "w.id", "w.number", "w.id", WORK_ORDER_JOINS, WORK_ORDER_DIMENSIONS)

#: The credit of a visit: what was true of its lead technician when it was planned.
CREDIT_JOINS = {
    "vte": _same("vte", "technicians", "technician_id", "v"),
    "vt": _same("vt", "teams", "team_id", "v"),
    "vpa": _same("vpa", "partners", "partner_id", "v"),
}


def _credited(*first: str) -> dict[str, Dimension]:
    return {
        "technician": Dimension("v.technician_id", "vte.name", (*first, "vte")),
        "technician_ref": Dimension("vte.external_ref", "vte.name", (*first, "vte")),
        "team": Dimension("v.team_id", "vt.name", (*first, "vt")),
        "team_ref": Dimension("vt.external_ref", "vt.name", (*first, "vt")),
        "employment": Dimension("v.employment", None, first),
        "partner": Dimension("v.partner_id", "vpa.name", (*first, "vpa")),
    }


def _one_visit(order: str, extra: str = "") -> str:
    return (
        "LEFT JOIN LATERAL (SELECT i.organization_id, i.technician_id, i.team_id, i.partner_id, i.employment "
        "FROM visits i WHERE i.organization_id = w.organization_id AND i.work_order_id = w.id AND i.attended "
        f"{extra} ORDER BY i.arrived_at {order}, i.number {order} LIMIT 1) v ON true"
    )


#: Work orders whose technician, team and partner are those of the first visit that was attended.
FIRST_VISIT_CREDIT = Source(
    "work_orders",
    "w",
    "w.id",
    "w.number",
    "w.id",
    {**WORK_ORDER_JOINS, "v": _one_visit("ASC"), **CREDIT_JOINS},
    {**WORK_ORDER_DIMENSIONS, **_credited("v")},
)

WORK_ORDER_OF = "JOIN work_orders w ON w.organization_id = {0}.organization_id AND w.id = {0}.work_order_id"

VISITS = Source(
    "visits",
    "v",
    "v.id",
    "w.number",
    "w.id",
    {"w": WORK_ORDER_OF.format("v"), **WORK_ORDER_JOINS, **CREDIT_JOINS},
    {
        **WORK_ORDER_DIMENSIONS,
        **_credited(),
        "territory": Dimension("coalesce(v.territory, w.territory)"),
        "outcome": Dimension("v.outcome"),
        "visit_status": Dimension("v.status"),
        "cancel_cause": Dimension("v.cancel_cause"),
    },
    always=("w",),
)

#: When a submission was decided, as far as the question's instant knows. What was decided the moment it came was
#: decided when it happened: a closure that waited on a phone counts as if it had been sent at once.
_DECIDED = "CASE WHEN c.decided_at > c.recorded_at THEN c.decided_at ELSE c.effective_at END"
_KNOWN = f"WHERE c.decided_at IS NOT NULL AND {_DECIDED} <= %(as_of)s"

#: All submissions of a visit are one closure; drafts alone are none.
_CLOSURE = f"""(
    SELECT c.organization_id, c.work_order_id, c.visit_id, min(c.effective_at) AS submitted_at,
           min({_DECIDED}) FILTER ({_KNOWN}) AS decided_at,
           (array_agg(c.verdict ORDER BY {_DECIDED}, c.id) FILTER ({_KNOWN}))[1] AS decision,
           coalesce(bool_or(c.verdict = 'changes_requested') FILTER ({_KNOWN}), false) AS sent_back,
           coalesce((array_agg(c.findings @> '[{{"met": "waived"}}]' ORDER BY {_DECIDED}, c.id) FILTER ({_KNOWN}))[1],
                    false) AS waived
    FROM closure_submissions c WHERE c.verdict <> 'unmet' GROUP BY 1, 2, 3
)"""

#: When somebody first said that it must be put right: a submission that is waived later has another verdict by then.
_FAILED = """LEFT JOIN LATERAL (
    SELECT min(e.effective_at) AS at FROM events e
    WHERE e.organization_id = cs.organization_id AND e.work_order_id = cs.work_order_id AND e.visit_id = cs.visit_id
          AND e.type = 'visit.verified' AND e.data ->> 'verification' = 'failed' AND e.effective_at <= %(as_of)s
) failed ON true"""

CLOSURES = Source(
    _CLOSURE,
    "cs",
    "cs.visit_id",
    "w.number",
    "w.id",
    {
        "w": WORK_ORDER_OF.format("cs"),
        "failed": _FAILED,
        "v": "JOIN visits v ON v.organization_id = cs.organization_id AND v.id = cs.visit_id",
        **WORK_ORDER_JOINS,
        **CREDIT_JOINS,
    },
    {**WORK_ORDER_DIMENSIONS, **_credited(), "territory": Dimension("coalesce(v.territory, w.territory)")},
    always=("w", "failed", "v"),
)

#: Answers whose technician is the lead of the last attended visit before the survey was made.
ANSWERS = Source(
    "survey_answers",
    "sa",
    "sa.id",
    "w.number",
    "w.id",
    {
        "w": WORK_ORDER_OF.format("sa"),
        "su": "JOIN surveys su ON su.organization_id = sa.organization_id AND su.id = sa.survey_id",
        **WORK_ORDER_JOINS,
        "v": _one_visit("DESC", "AND i.arrived_at <= su.created_at"),
        **CREDIT_JOINS,
    },
    {
        **WORK_ORDER_DIMENSIONS,
        "technician": Dimension("coalesce(v.technician_id, w.technician_id)", "vte.name", ("v", "vte")),
        "technician_ref": Dimension(
            "coalesce(vte.external_ref, w.technician_ref, te.external_ref)", "vte.name", ("v", "vte", "te")
        ),
        "team": Dimension("coalesce(v.team_id, w.team_id)", "vt.name", ("v", "vt")),
        "team_ref": Dimension("coalesce(vt.external_ref, w.team_ref, t.external_ref)", "vt.name", ("v", "vt", "t")),
        "employment": Dimension("v.employment", None, ("v",)),
        "partner": Dimension("v.partner_id", "vpa.name", ("v", "vpa")),
        "question": Dimension("sa.question"),
        "survey_channel": Dimension("su.channel"),
    },
    always=("w", "su"),
)

SURVEYS = Source(
    "surveys",
    "su",
    "su.id",
    "w.number",
    "w.id",
    {"w": WORK_ORDER_OF.format("su"), **WORK_ORDER_JOINS},
    {**WORK_ORDER_DIMENSIONS, "survey_channel": Dimension("su.channel"), "survey_state": Dimension("su.state")},
    always=("w",),
)

#: Work orders beside the survey that they may have.
SURVEYED_WORK = Source(
    "work_orders",
    "w",
    "w.id",
    "w.number",
    "w.id",
    {
        **WORK_ORDER_JOINS,
        "su": "LEFT JOIN surveys su ON su.organization_id = w.organization_id AND su.work_order_id = w.id",
    },
    {
        **WORK_ORDER_DIMENSIONS,
        "survey_channel": Dimension("su.channel", None, ("su",)),
        "survey_state": Dimension("su.state", None, ("su",)),
    },
)

STAYS = Source(
    "status_intervals",
    "si",
    "si.id",
    "w.number",
    "w.id",
    {"w": WORK_ORDER_OF.format("si"), **WORK_ORDER_JOINS},
    {
        **WORK_ORDER_DIMENSIONS,
        "hold_reason": Dimension("si.hold_reason"),
        "substatus": Dimension("si.substatus"),
        "status": Dimension("si.status"),
    },
    always=("w",),
)

MOVEMENTS = Source(
    "part_movements",
    "pm",
    "pm.id",
    "w.number",
    "w.id",
    {
        "w": WORK_ORDER_OF.format("pm"),
        **WORK_ORDER_JOINS,
        "v": _same("v", "visits", "visit_id", "pm"),
        **CREDIT_JOINS,
    },
    {
        **WORK_ORDER_DIMENSIONS,
        "technician": Dimension("coalesce(v.technician_id, w.technician_id)", "vte.name", ("v", "vte")),
        "part_number": Dimension("pm.part_number"),
        "movement": Dimension("pm.kind"),
    },
    always=("w",),
)
