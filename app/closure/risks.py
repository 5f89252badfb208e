"""What makes a closure worth a second look, as far as it is known without what its technician says."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session

from app.domain.closure_policy import ClosurePolicy, Risk
from app.domain.ledger import VisitState
from app.kit.database import rows
from app.work_orders.ledger import OpenLedger

#: A photo taken further away than this from the site, and a technician who was, is worth a second look.
FAR_M = 500
#: So many closed work orders on one asset within so long are worth one too.
BUSY_ORDERS, BUSY_FOR = 5, timedelta(days=30)
NEW_JOBS = 10

#: What the visits of this kind of work took that were completed last, in seconds; overlaps count once.
USUAL = """
SELECT percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY done.seconds) AS bounds, count(*) AS visits
FROM (
    SELECT (SELECT extract(epoch FROM sum(upper(s.span) - lower(s.span)))::float
            FROM (SELECT unnest(range_agg(tstzrange(e.started_at, e.ended_at))) AS span FROM time_entries e
                  WHERE e.organization_id = %(o)s AND e.visit_id = last.visit_id AND e.kind = 'work'
                        AND e.ended_at IS NOT NULL) AS s) AS seconds
    FROM (SELECT visit_id, work_order_id FROM events
          WHERE organization_id = %(o)s AND type = 'visit.completed' AND visit_id IS DISTINCT FROM %(visit)s::uuid
          ORDER BY effective_at DESC LIMIT 1000) AS last
    JOIN work_orders w ON w.organization_id = %(o)s AND w.id = last.work_order_id AND w.work_type_id = %(kind)s::uuid
) AS done
WHERE done.seconds IS NOT NULL
"""
KNOWN_WITH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What risks are read from. `distances`: of people and photos from the site, in metres, where they are known.

    `jobs_done`: how many the technician has completed, as far as they are counted. `retired`: the asset was, by then.
    """

    purpose: str | None
    retired: bool
    closed_on_asset: int
    jobs_done: int
    worked_seconds: int | None
    distances: tuple[float | None, ...]


def risks_of(
    db: Session, ledger: OpenLedger, visit: VisitState, signs: Signs, *, policy: ClosurePolicy
) -> frozenset[str]:
    """Those that there are; whether the work took unusually long, which is dear to find out, only where it is asked."""
    known = {
        Risk.INSTALL: signs.purpose == "installation",
        Risk.RETIRED_ASSET: signs.retired,
        Risk.BUSY_ASSET: signs.closed_on_asset >= BUSY_ORDERS,
        Risk.CONTRACTOR: visit.employment == "contractor",
        Risk.ODD_DURATION: Risk.ODD_DURATION in policy.risks and _took_odd(db, ledger, visit, signs.worked_seconds),
        Risk.GEO_MISMATCH: any(one is not None and one > FAR_M for one in signs.distances),
        Risk.NEW_TECHNICIAN: visit.technician_id is not None and signs.jobs_done < NEW_JOBS,
    }
    return frozenset(risk.value for risk, is_so in known.items() if is_so)


def _took_odd(db: Session, ledger: OpenLedger, visit: VisitState, worked: int | None) -> bool:
    if worked is None or ledger.row["work_type_id"] is None:
        return False
    return is_odd(worked, usual_seconds(db, ledger.organization_id, ledger.row["work_type_id"], without=visit.id))


def usual_seconds(
    db: Session, organization_id: UUID, work_type_id: UUID, *, without: UUID | None = None
) -> tuple[float, float] | None:
    """Between what nine in ten visits of this kind of work take; None as long as too few are known.

    Args:
        without: a visit that does not count.
    """
    [usual] = rows(db, USUAL, o=organization_id, visit=without, kind=work_type_id)
    return (usual["bounds"][0], usual["bounds"][1]) if usual["visits"] >= KNOWN_WITH else None


def is_odd(worked: int | None, bounds: tuple[float, float] | None) -> bool:
    """Under p5 or over p95 of what this kind of work usually takes, when that is known."""
    return worked is not None and bounds is not None and not bounds[0] <= worked <= bounds[1]
