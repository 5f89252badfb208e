"""From the query string to a `Question`: every parameter is known, well formed, and means something for this KPI."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.calendars import BucketSize, Comparison, local_midnight
from app.identity.access import Caller
from app.identity.models import Organization
from app.kit.problems import NotAllowed, NotFound
from app.kit.web import RequestNotWellFormed, pointer_of
from app.kpis.definitions import DEFINITIONS, Definition
from app.kpis.options import Unreadable, whole_number
from app.kpis.questions import Question

#: Other names that clients of other systems use for ours.
SYNONYMS = {"region": "territory", "source": "channel"}
#: What may be asked of every KPI; a KPI's dimensions (as filters) and options come on top.
COMMON: Mapping[str, str] = {
    "from": "start of the period: an instant with a zone, or a local date; unbounded when not sent",
    "to": "end of the period, exclusive: an instant with a zone, or a local date",
    "through": "last local date of the period, inclusive; instead of `to`",
    "at": "the instant at which open work is judged and running time ends (for the backlog: the instant itself); now "
    "when not sent",
    "tz": "IANA zone that cuts dates, buckets, weekdays and hours; the organization's when not sent",
    "bucket": "series by local day, week (from Monday) or month; needs a bounded period",
    "group_by": "one dimension, or the KPI's own category",
    "compare": "previous: the period before; year_ago: the same one a year earlier",
    "top": "at most this many groups, the largest first",
    "min_n": "below this many records a value is called insufficient",
    "canceled": "exclude (default) or include canceled work",
    "pair": "false leaves out the pair, and the work of computing it",
}
MOST_BUCKETS = 1000


def read_question(
    definition: Definition, said: Mapping[str, str], organization: Organization, now: datetime
) -> Question:
    """What is asked, in plain values.

    Raises:
        RequestNotWellFormed: a parameter is unknown to this KPI, badly written, or contradicts another.
    """
    said = {SYNONYMS.get(name, name): text for name, text in said.items()}
    zone = _zone(said.get("tz") or organization.time_zone)
    at = _instant("at", said, zone) or now
    start, end = _period(said, zone)
    question = Question(
        organization_id=organization.id,
        currency=organization.currency,
        settings=dict(organization.settings),
        zone=zone,
        at=at,
        start=start,
        end=end,
        bucket=_one_of("bucket", said, get_args(BucketSize)),
        group_by=_grouping(definition, said),
        compare=_one_of("compare", said, get_args(Comparison)),
        filters=_filters(definition, said),
        options=read_options(definition, said, usual=organization.settings.get("on_time") or {}),
        include_canceled=_one_of("canceled", said, ("exclude", "include")) == "include",
        with_pair=_one_of("pair", said, ("true", "false")) != "false",
        min_n=_number("min_n", said, 20, 1, 10_000),
        top=_number("top", said, 1000, 1, 10_000),
    )
    _check_series(question)
    return question


def definition_for(caller: Caller, key: str) -> Definition:
    """The KPI of this key.

    Raises:
        NotFound: there is none.
        NotAllowed: it shows costs, which are not for this caller.
    """
    definition = DEFINITIONS.get(key)
    if definition is None:
        raise NotFound("There is no such KPI.", key=key)
    if definition.shows_costs and not caller.sees_costs:
        raise NotAllowed("Costs are not for your role.", key=key)
    return definition


def refuse(name: str, code: str, detail: str) -> NoReturn:
    """Say which parameter is not well formed, and how.

    Raises:
        RequestNotWellFormed: always.
    """
    error = {"pointer": pointer_of(("query", name)), "code": code, "detail": detail}
    raise RequestNotWellFormed(f"The parameter {name} {detail}.", errors=[error])


def read_options(definition: Definition, said: Mapping[str, str], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the KPI with its value; an empty text is as good as none.

    `usual`: what the organization has set in place of an option's default.

    Raises:
        RequestNotWellFormed: a value that the option does not take, or a required one that is missing.
    """
    values: dict[str, Any] = {}
    for name, option in definition.options.items():
        text = said.get(name, "")
        if not text:
            if option.required:
                refuse(name, "missing", "is required")
            values[name] = option.default if usual.get(name) is None else usual[name]
            continue
        try:
            values[name] = option.read(text)
        except Unreadable as problem:
            refuse(name, "value_error", str(problem))
    if "open" in values and values["close"] is not None and values["close"] <= values["open"]:
        refuse("close", "value_error", "must be later than open")
    return values


def _filters(definition: Definition, said: Mapping[str, str]) -> dict[str, str]:
    filters = {}
    for name, text in said.items():
        if name in definition.options or name in COMMON:
            continue
        if name not in definition.dimensions:
            refuse(name, "unknown-parameter", f"means nothing to {definition.key}")
        filters[name] = text
    return filters


def _grouping(definition: Definition, said: Mapping[str, str]) -> str | None:
    name = said.get("group_by") or None
    name = SYNONYMS.get(name, name) if name else None
    if name is not None and name not in definition.groupings:
        refuse("group_by", "value_error", f"must be one of: {', '.join(definition.groupings)}")
    return name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        refuse("tz", "value_error", "must be the name of an IANA zone, like Europe/Paris")


def _period(said: Mapping[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    start, end = _instant("from", said, zone), _instant("to", said, zone)
    if said.get("through"):
        if end is not None:
            refuse("through", "value_error", "cannot be sent together with to")
        end = local_midnight(_date("through", said["through"]) + timedelta(days=1), zone)
    if start is not None and end is not None and end <= start:
        refuse("to", "value_error", "must be later than from")
    return start, end


def _instant(name: str, said: Mapping[str, str], zone: ZoneInfo) -> datetime | None:
    """An instant, or the first one of a local date; a `+` that became a blank on the way is one again."""
    text = said.get(name, "").strip()
    if not text:
        return None
    if len(text) == len("2026-03-01"):
        return local_midnight(_date(name, text), zone)
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        refuse(name, "value_error", "must be a date or an instant with a zone, like 2026-03-01T00:00:00Z")
    if found.tzinfo is None:
        refuse(name, "timezone_aware", "must carry a zone, like 2026-03-01T00:00:00Z")
    if not 1970 <= found.year <= 2200:
        refuse(name, "value_error", "must lie between 1970 and 2200")
    return found.astimezone(UTC)


def _date(name: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        refuse(name, "value_error", "must be a date like 2026-03-01")
    if not 1970 <= found.year <= 2200:
        refuse(name, "value_error", "must lie between 1970 and 2200")
    return found


def _one_of(name: str, said: Mapping[str, str], values: tuple[str, ...]) -> Any:
    text = said.get(name) or None
    if text is not None and text not in values:
        refuse(name, "value_error", f"must be one of: {', '.join(values)}")
    return text


def _number(name: str, said: Mapping[str, str], default: int, least: int, most: int) -> int:
    text = said.get(name)
    if not text:
        return default
    try:
        return whole_number(text, least, most)
    except Unreadable as problem:
        refuse(name, "value_error", str(problem))


def _check_series(question: Question) -> None:
    if question.bucket is not None:
        if question.start is None or question.end is None:
            refuse("bucket", "value_error", "needs a period with from and to")
        days = {"day": 1, "week": 7, "month": 28}[question.bucket]
        if (question.end - question.start).days / days > MOST_BUCKETS:
            refuse("bucket", "value_error", f"would give more than {MOST_BUCKETS} columns")
    if question.compare is not None and (question.start is None or question.end is None):
        refuse("compare", "value_error", "needs a period with from and to")
