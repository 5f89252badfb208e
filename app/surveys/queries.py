"""What surveys need to know: of the work order when they are made, of the contact when they are sent, of the link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import Session, col, select

from app.domain.surveys import (
    Circumstances,
    SurveyPolicy,
    policy_from,
    postal_district,
    window_accuracy_minutes,
)
from app.kit.database import rows
from app.kit.paging import PageQuery, page_by_id
from app.kit.problems import NotFound
from app.reports.queries import report_link
from app.surveys.models import Survey, SurveyAnswer, SurveyState

#: One row per work order; `last_asked_at` looks at other surveys of the same contact that went out or will.
FACTS = """
SELECT w.id AS work_order_id, w.number, w.title, w.type, w.work_class, w.priority, w.is_test, w.contact_id,
       coalesce(v.territory, w.territory) AS territory, s.postal_code,
       o.name AS company, coalesce(o.settings -> 'surveys', '{}'::jsonb) AS policy,
       coalesce(c.time_zone, s.time_zone, w.time_zone, o.time_zone) AS zone,
       c.name AS contact_name, c.channel, c.language,
       CASE c.channel WHEN 'email' THEN c.email WHEN 'sms' THEN c.phone END AS address,
       (SELECT k.state FROM contact_consents k
        WHERE k.organization_id = w.organization_id AND k.contact_id = c.id AND k.channel = c.channel
        ORDER BY k.at DESC, k.id DESC LIMIT 1) AS consent,
       (SELECT max(x.created_at) FROM surveys x
        WHERE x.organization_id = w.organization_id AND x.contact_id = c.id AND x.work_order_id <> w.id
              AND x.state = ANY(%(asked)s)) AS last_asked_at,
       coalesce(v.technician_id, w.technician_id) AS technician_id, coalesce(v.team_id, w.team_id) AS team_id,
       v.partner_id, v.employment, v.arrived_at,
       coalesce(v.first_window_start, v.window_start) AS window_start,
       coalesce(v.first_window_end, v.window_end) AS window_end
FROM work_orders w
JOIN organizations o ON o.id = w.organization_id
LEFT JOIN contacts c ON c.organization_id = w.organization_id AND c.id = w.contact_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN LATERAL (
    SELECT * FROM visits v WHERE v.organization_id = w.organization_id AND v.work_order_id = w.id
    ORDER BY (v.status = 'completed') DESC, v.number DESC LIMIT 1
) v ON true
WHERE w.organization_id = %(organization_id)s AND w.id = %(work_order_id)s
"""

_OUT = (SurveyState.SENDING, SurveyState.SENT, SurveyState.DELIVERED, SurveyState.UNCERTAIN, SurveyState.ANSWERED)


@dataclass(frozen=True, slots=True)
class Facts:
    """The row of `FACTS`, with what follows from it."""

    row: dict[str, Any]

    @property
    def policy(self) -> SurveyPolicy:
        return policy_from(self.row["policy"])

    @property
    def zone(self) -> ZoneInfo:
        return zone_named(self.row["zone"])

    @property
    def work(self) -> str:
        return work_in_words(self.row["title"], self.row["number"])

    @property
    def circumstances(self) -> Circumstances:
        return Circumstances(
            is_test=self.row["is_test"],
            has_address=bool(self.row["address"]),
            opted_out=self.row["consent"] == "withdrawn" or self.row["channel"] == "none",
            last_asked_at=self.row["last_asked_at"],
            sample_key=str(self.row["work_order_id"]),
        )

    @property
    def segments(self) -> dict[str, Any]:
        """What answers can be grouped by: as it was when the survey was made, whatever changes later."""
        row = self.row
        return {
            "technician_id": _text(row["technician_id"]),
            "team_id": _text(row["team_id"]),
            "partner_id": _text(row["partner_id"]),
            "employment": row["employment"],
            "territory": row["territory"],
            "postal_district": postal_district(row["postal_code"]),
            "work_type": row["type"],
            "work_class": row["work_class"],
            "priority": row["priority"],
            "window_accuracy_minutes": window_accuracy_minutes(
                row["arrived_at"], row["window_start"], row["window_end"]
            ),
        }


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def zone_named(name: str | None) -> ZoneInfo:
    """The zone, or UTC when there is none of that name."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def work_in_words(title: str, number: str) -> str:
    return f"{title} ({number})"


def facts_of(db: Session, organization_id: UUID, work_order_id: UUID, *, waiting_counts: bool) -> Facts | None:
    """
    Args:
        waiting_counts: surveys that are due count as asked (when one is made), or only those that went out (when sent).
    """
    db.flush()
    asked = [state.value for state in (*_OUT, *((SurveyState.DUE,) if waiting_counts else ()))]
    found = rows(db, FACTS, organization_id=organization_id, work_order_id=work_order_id, asked=asked)
    return Facts(found[0]) if found else None


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a customer who opens a link sees; `answers` maps the question's key to what was answered."""

    survey: Survey
    company: str
    work: str
    zone: ZoneInfo
    answers: dict[str, str]

    def until(self, editable_for: timedelta) -> str:
        assert self.survey.answered_at is not None
        return f"{(self.survey.answered_at + editable_for).astimezone(self.zone):%Y-%m-%d %H:%M}"


def survey_by_token(db: Session, organization_id: UUID, token_hash: bytes, *, lock: bool = False) -> Survey | None:
    query = select(Survey).where(Survey.organization_id == organization_id, Survey.token_hash == token_hash)
    return db.exec(query.with_for_update() if lock else query).one_or_none()


def opened_link(db: Session, survey: Survey) -> OpenedLink:
    [row] = rows(
        db,
        "SELECT o.name AS company, w.title, w.number, coalesce(c.time_zone, s.time_zone, o.time_zone) AS zone "
        "FROM work_orders w JOIN organizations o ON o.id = w.organization_id "
        "LEFT JOIN contacts c ON c.organization_id = w.organization_id AND c.id = w.contact_id "
        "LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id "
        "WHERE w.organization_id = %(o)s AND w.id = %(w)s",
        o=survey.organization_id,
        w=survey.work_order_id,
    )
    answers = {
        answer.question: answer.comment or "" if answer.score is None else f"{answer.score:.0f}"
        for answer in answers_of(db, survey)
    }
    work = work_in_words(row["title"], row["number"])
    return OpenedLink(survey, row["company"], work, zone_named(row["zone"]), answers)


def answers_of(db: Session, survey: Survey) -> Sequence[SurveyAnswer]:
    """In the order of the questions."""
    found = db.exec(
        select(SurveyAnswer).where(
            SurveyAnswer.organization_id == survey.organization_id, SurveyAnswer.survey_id == survey.id
        )
    ).all()
    places = {question["key"]: place for place, question in enumerate(survey.questions)}
    return sorted(found, key=lambda answer: (places.get(answer.question, len(places)), answer.question))


#: It is on its way, or was when the report had its link already.
CARRYING = (SurveyState.DUE, *_OUT)


def carries_report(db: Session, organization_id: UUID, work_order_id: UUID) -> bool:
    """Whether the work order's invitation tells where its service report is, or will."""
    query = select(Survey).where(Survey.organization_id == organization_id, Survey.work_order_id == work_order_id)
    survey = db.exec(query).one_or_none()
    if survey is None or survey.state not in CARRYING:
        return False
    return report_link(db, organization_id, work_order_id, made_by=survey.created_at) is not None


class SurveyListQuery(PageQuery):
    """Filters of the list of surveys."""

    state: SurveyState | None = None
    work_order_id: UUID | None = None
    contact_id: UUID | None = Field(default=None)


def surveys_page(db: Session, organization_id: UUID, page: SurveyListQuery) -> tuple[Sequence[Survey], str | None]:
    query = select(Survey).where(Survey.organization_id == organization_id)
    for name in ("state", "work_order_id", "contact_id"):
        if (wanted := getattr(page, name)) is not None:
            query = query.where(getattr(Survey, name) == wanted)
    return page_by_id(db, query, col(Survey.id), page, "surveys")


def survey_of(db: Session, organization_id: UUID, survey_id: UUID, *, lock: bool = False) -> Survey:
    """
    Raises:
        NotFound: the organization has no such survey.
    """
    query = select(Survey).where(Survey.organization_id == organization_id, Survey.id == survey_id)
    found = db.exec(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound("There is no such survey.", survey_id=str(survey_id))
    return found
