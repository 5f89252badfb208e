"""Waking the phones of a technician whose feed has moved.

The feed's row is the truth: a flush makes it `push_due` and asks for the task, once. The row stays due until the
devices were told of the very position that the feed has then, so nobody asks for a second task meanwhile, and whoever
dies in between is followed by somebody who does it again. A push says "look" and nothing about anybody.
"""

import random
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlmodel import Session

from app.identity.queries import every_organization
from app.kit.database import rows
from app.kit.fcm import Fcm, Push, Pushed, Unregistered
from app.kit.messages import Refused, TryLater, Uncertain
from app.kit.queue import Sweep, Task, enqueue
from app.kit.runtime import Runtime
from app.sync.entries import PUSH

log = structlog.get_logger("firstfix.push")

#: What moved while the devices were told is told so much later, all of it at once.
AGAIN_SECONDS = 5
#: Where FCM does not say when to come back. Its own advice: a minute after a 429.
RETRY_SECONDS = 60
SILENT_TOPIC, VISIBLE_TOPIC = "sync", "work"
#: Language → title and body of the one notification that people see.
TEXTS = {
    "en": ("Your jobs have changed", "Open the app to see what is new."),
    "es": ("Sus trabajos han cambiado", "Abra la aplicación para ver las novedades."),
    "de": ("Ihre Aufträge haben sich geändert", "Öffnen Sie die App, um das Neue zu sehen."),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that has not fetched what is new and was not told of it; `locale` is what the app registered."""

    id: UUID
    push_token: str
    locale: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told: the position of the feed, whether people shall see it, and to whom."""

    head: int
    visible: bool
    devices: list[Waiting]


def push_hints(runtime: Runtime, *, organization: str, technician: str) -> None:
    """Tell the technician's devices where the feed stands. Safe to run twice, and at the same time."""
    o, technician_id = UUID(organization), UUID(technician)
    with runtime.transaction(o) as db:
        due = due_of(db, o, technician_id)
    if due is None:
        return
    said = {device: _tell(runtime.fcm, device, due) for device in due.devices} if runtime.fcm else {}
    with runtime.transaction(o) as db:
        write_outcomes(db, o, technician_id, due, said)


DUE = "SELECT head, visible_due FROM feeds WHERE organization_id = %(o)s AND id = %(t)s AND push_due"

#: A device counts that somebody is signed in on; what it has acknowledged in an older epoch counts for nothing.
DEVICES = """
SELECT d.id, d.push_token, d.locale
FROM feeds f
JOIN people p ON p.organization_id = f.organization_id AND p.technician_id = f.id AND p.active
JOIN devices d ON d.organization_id = p.organization_id AND d.person_id = p.id
WHERE f.organization_id = %(o)s AND f.id = %(t)s
  AND d.revoked_at IS NULL AND d.push_kind = 'fcm' AND d.push_token IS NOT NULL
  AND d.hinted_seq < %(head)s AND (d.acked_epoch, d.acked_seq) < (f.epoch, %(head)s)
  AND EXISTS (SELECT FROM sessions s WHERE s.organization_id = d.organization_id AND s.device_id = d.id
              AND s.revoked_at IS NULL)
ORDER BY d.id
"""


def due_of(db: Session, organization_id: UUID, technician_id: UUID) -> Due | None:
    """What is to be told; None when nothing is."""
    found = rows(db, DUE, o=organization_id, t=technician_id)
    if not found:
        return None
    head = found[0]["head"]
    devices = rows(db, DEVICES, o=organization_id, t=technician_id, head=head)
    return Due(head, found[0]["visible_due"], [Waiting(**row) for row in devices])


def _tell(fcm: Fcm, device: Waiting, due: Due) -> Pushed:
    """Wake the app; and when work came or went, let the person know too."""
    data = {"s": "1", "h": str(due.head)}
    said = fcm.send(device.push_token, Push(SILENT_TOPIC, data))
    if not due.visible or isinstance(said, Unregistered | TryLater):
        return said
    title, body = TEXTS.get((device.locale or "")[:2].lower(), TEXTS["en"])
    return fcm.send(device.push_token, Push(VISIBLE_TOPIC, data, title, body))


HINTED = """
UPDATE devices SET hinted_seq = %(head)s
WHERE organization_id = %(o)s AND id = ANY(%(devices)s) AND hinted_seq < %(head)s
"""
FORGET = """
UPDATE devices SET push_kind = NULL, push_token = NULL
WHERE organization_id = %(o)s AND id = %(d)s AND push_token = %(token)s
"""
DONE = """
UPDATE feeds SET push_due = false, visible_due = false
WHERE organization_id = %(o)s AND id = %(t)s AND head = %(head)s RETURNING id
"""


def write_outcomes(
    db: Session, organization_id: UUID, technician_id: UUID, due: Due, said: dict[Waiting, Pushed]
) -> None:
    """Remember who was told; come back for who was not, and for what is new since."""
    later = [answer for answer in said.values() if isinstance(answer, TryLater | Uncertain)]
    for device, answer in said.items():
        if isinstance(answer, Unregistered):
            rows(db, FORGET, o=organization_id, d=device.id, token=device.push_token)
        elif isinstance(answer, Refused | TryLater | Uncertain):
            log.warning("a device was not told", device_id=str(device.id), reason=answer.reason)
    told = [device.id for device, answer in said.items() if not isinstance(answer, TryLater | Uncertain)]
    rows(db, HINTED, o=organization_id, head=due.head, devices=told)
    if later:
        asked = max((answer.retry_after_seconds or 0 for answer in later if isinstance(answer, TryLater)), default=0)
        seconds = round((asked or RETRY_SECONDS) * random.uniform(1, 1.5))
    elif rows(db, DONE, o=organization_id, t=technician_id, head=due.head):
        return
    else:
        seconds = AGAIN_SECONDS
    enqueue(db, PUSH, in_seconds=seconds, organization=organization_id, technician=technician_id)


LOST = """
SELECT f.id FROM feeds f
WHERE f.organization_id = %(o)s AND f.push_due AND NOT EXISTS (
    SELECT FROM procrastinate_jobs j
    WHERE j.task_name = %(task)s AND j.status IN ('todo', 'doing') AND j.args ->> 'technician' = f.id::text)
"""


def sweep_pushes(runtime: Runtime) -> None:
    """Ask again for tasks that were lost, organization by organization."""
    for organization_id in every_organization(runtime):
        with runtime.transaction(organization_id) as db:
            for row in rows(db, LOST, o=organization_id, task=PUSH):
                enqueue(db, PUSH, organization=organization_id, technician=row["id"])


TASKS = [Task(PUSH, push_hints)]
SWEEPS = [Sweep("sync.sweep_pushes", "*/5 * * * *", sweep_pushes)]
