"""What is recorded: one script an exchange that an app has to get right. Each plays against a fresh sandbox."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.kit.database import utc_iso
from tests.sync.vectors import CLOCK, MADE_UP, Player

#: The SHA-256 of "proof".
PROOF = "c1cda26362828b69266512052b97cb3729e3b052e4ade47c0a1e3383defe73c7"


def bootstrap_in_two_pages(p: Player) -> None:
    """A device is registered, gets everything in two pages, and then nothing."""
    device = {"device_id": p.id(), "platform": "android", "app_version": "3.4.1", "rep": 1}
    p.exchange("POST", "/v1/devices", device, about="A device is registered, once after it was installed.")
    p.pull(cursor=None, limit=8, about="No cursor: the first page, the app can be used from here on.")
    p.pull(limit=8, about="The last page: the cursor is a delta cursor from here on.")
    p.pull(about="Nothing new: 204, keep your cursor.")


def delta(p: Player) -> None:
    """What changes comes as whole documents and removals."""
    p.begin()
    p.begin(by="Ben")
    p.play("reassign-while-offline")
    p.pull(about="It left this device, and why.")
    p.pull(by="Ben", about="It came to that one, as a whole document.")
    p.pull(about="Nothing new.")


def remove_reasons(p: Player) -> None:
    """Why a job leaves a device."""
    p.begin()
    p.begin(by="Ben")
    jobs = p.jobs()
    ids = p.play("reassign-while-offline", visit_id=jobs[1])
    p.play("cancel-while-offline", visit_id=jobs[3])
    p.push(p.operation("visit.decline", jobs[4], args={"reason": "ill"}), about="Given back: `unassigned`.")
    p.pull(by="Ben", about="The other one got it.")
    p.push(
        p.operation("visit.complete", ids["visit_id"], args={"resolution": "fixed"}),
        about="It was done all the same, before the other one began: it comes back.",
    )
    p.pull(by="Ben", about="`completed_by_other`: somebody else has done it.")


def push_statuses(p: Player) -> None:
    """Applied, noted, rejected, quarantined, deferred; and again."""
    p.begin()
    jobs = p.jobs()
    applied = p.operation("visit.depart", jobs[0])
    rejected = p.operation("part.use", jobs[0], args={"part": "FLT-310", "qty": -1})
    unknown = p.operation("visit.teleport", jobs[0], args={"to": "Mars"})
    missing = p.operation("note.add", jobs[0], args={"text": "Later."}, depends_on=[MADE_UP.format(900)])
    after_bad = p.operation("note.add", jobs[0], args={"text": "Never."}, depends_on=[rejected["op_id"]])
    everything = (applied, rejected, unknown, missing, after_bad)
    p.push(*everything, about="One of each; none holds up another.")
    p.push(*everything, about="The same again: the same answers, and no second effect. The deferred one still waits.")
    p.push({**applied, "type": "visit.arrive"}, about="The same id with something else in it.")
    p.play("cancel-while-offline", visit_id=jobs[1])
    p.push(p.operation("visit.depart", jobs[1]), about="The plan changed meanwhile: the fact is noted.")


def stock_below_zero(p: Player) -> None:
    """A physical fact is not refused."""
    p.begin()
    ids = p.play("stock-negative")
    used = p.operation("part.use", p.jobs()[0], args={"part": ids["part"], "qty": 1})
    p.push(p.operation("visit.start", p.jobs()[0]), used, about="Used is used: `applied` with `stock_negative`.")


def two_complete(p: Player) -> None:
    """Two technicians say that they have done the same job."""
    p.begin()
    ids = p.play("two-complete")
    done = p.operation("visit.complete", ids["visit_id"], args={"resolution": "fixed"})
    p.push(done, about="The other one was first: noted, and people are told.")


def reset_and_reconcile(p: Player) -> None:
    """A cursor that is good no more: compare what you hold; the outbox is not concerned."""
    p.begin()
    p.play("restore-backup")
    p.pull(about="410: the server's memory was restored.")
    note = p.operation("note.add", p.jobs()[1], args={"text": "Written meanwhile."})
    p.push(note, about="A push is worked off all the same; `reset` stands where changes would be.")
    p.reconcile(about="Only what differs: the ghost leaves, what the note changed comes.")
    p.pull(about="Nothing new.")


def cursor_expired(p: Player) -> None:
    """A device that was away too long."""
    p.begin()
    expire = {"Sync-Chaos": "expire-cursor"}
    p.exchange("GET", f"/v1/sync/changes?cursor={p.cursor('Ana')}", about="410 `cursor_expired`.", **expire)
    p.reconcile(about="Nothing was missed: nothing comes but a cursor.")
    p.pull(cursor="not a cursor", about="410 `cursor_unreadable`: the same answer to anything that is no cursor.")


def digest_mismatch(p: Player) -> None:
    """A device that has lost something finds out."""
    p.begin()
    p.pull(digest=1, about="The digest of what you should hold: it fits.")
    lost = ("stock", "FLT-310")
    p.held["Ana"].pop(lost)
    p.pull(digest=1, about="One entry was lost on the device: it does not fit.")
    p.exchanges[-1] |= {"forgets": list(lost), "replica_before": p.exchanges[-1]["replica_after"]}
    p.reconcile(about="What was lost comes again.")


def poison(p: Player) -> None:
    """An error of the server's: deferred four times, then put aside; others are not held up."""
    p.begin()
    bad = p.operation("note.add", p.jobs()[0], args={"text": "Nobody knows why."})
    good = p.operation("visit.depart", p.jobs()[0])
    for attempt in range(5):
        said = "Put aside: it counts as received." if attempt == 4 else "It stays in the outbox, with its id."
        p.push(bad, good, about=said, **{"Sync-Chaos": "poison=note.add"})


def time_rule(p: Player) -> None:
    """When it happened, by an age, by the clock's offset, by a good clock."""
    p.begin()
    jobs = p.jobs()
    aged = p.operation("visit.depart", jobs[0], occurred_at="2025-01-01T00:00:00Z", age_ms=3_600_000)
    good = p.operation("visit.depart", jobs[1], occurred_at="2026-11-21T09:15:00Z")
    p.push(aged, good, about="The age is believed before any clock; a clock that is right is believed without one.")
    wrong = p.operation("visit.depart", jobs[3], occurred_at="2026-11-21T06:30:00Z")
    body = {"sent_at": "2026-11-21T07:00:00Z", "cursor": p.cursor("Ana"), "limit": 500, "operations": [wrong]}
    p.exchange("POST", "/v1/sync", body, about="A clock three hours slow and no age: put right by `sent_at`.")


def revoked_device(p: Player) -> None:
    """A device that was taken out of use hands in what it has, and deletes what it holds."""
    device_id = p.id()
    device = {"device_id": device_id, "platform": "ios", "app_version": "3.4.1"}
    p.exchange("POST", "/v1/devices", device, about="A device is registered.")
    p.begin()
    job = p.jobs()[0]
    p.exchange("DELETE", f"/v1/devices/{device_id}", about="It is taken out of use.")
    p.pull(about="403: delete customer data, keep the outbox.")
    p.push(p.operation("note.add", job, args={"text": "Handed in."}), about="Kept for people to look at, for 72 hours.")


def every_operation(p: Player) -> None:
    """Every type of operation once, in version 1."""
    p.begin()
    p.begin(by="Cem")
    repair, look, together, noise, leak, _ = p.jobs()
    told = p.jobs(by="Cem")

    def on(type_: str, target: Any, **more: Any) -> dict[str, Any]:
        """One operation, two minutes after the one before."""
        at = datetime.fromisoformat(CLOCK) - timedelta(hours=2) + timedelta(minutes=2 * p.seq)
        return p.operation(type_, target, occurred_at=utc_iso(at), **more)

    photo, sign = p.id(), p.id()
    hours = {"started_at": "2026-11-21T08:00:00Z", "ended_at": "2026-11-21T08:20:00Z"}
    late = {"field": "arrived_at", "value": "2026-11-21T08:05:00Z", "reason": "typed late"}
    p.push(
        on("visit.seen", repair),
        on("visit.accept", repair),
        on("visit.depart", repair),
        on("visit.arrive", repair, args={"lat": 52.53, "lng": 13.38, "acc_m": 12}),
        on("visit.start", repair),
        on("visit.pause", repair, args={"reason": "customer"}),
        on("visit.resume", repair),
        on("note.add", repair, args={"text": "The key is at the counter."}),
        on("part.use", repair, args={"part": "GSK-004", "qty": 2, "from_": "van"}),
        on("part.return", repair, args={"part": "GSK-004", "qty": 1}),
        on("part.request", repair, args={"part": "PMP-100", "qty": 1, "note": "The old one rattles."}),
        on("time.add", repair, args={"kind": "work", **hours}),
        on("task.set", repair, args={"task_id": "remarks", "done": True, "value": "Rattles."}),
        on("asset.reading", repair, args={"label": "heat meter", "value": 1234.5, "unit": "kWh"}),
        on("asset.correct", repair, args={"field": "serial", "old": "SN-4711", "new": "SN-4712"}),
        on("site.correct", repair, args={"field": "access_notes", "old": "Something else.", "new": "Ring once."}),
        on("stock.count", None, args={"part": "FLT-310", "counted": 5}),
        on("schedule.propose", noise, args={"start": "2026-11-23T08:00:00Z", "end": "2026-11-23T09:00:00Z"}),
        on("work_order.create", repair, args={"id": p.id(), "title": "Valve leaks", "work_type": "repair"}),
        on("attachment.add", repair, args={
            "attachment_id": photo, "role": "after", "sha256": PROOF, "bytes": 5, "mime": "image/jpeg",
            "captured_at": CLOCK,
        }),
        about="A whole job, in one request.",
    )  # fmt: skip
    done = on("visit.complete", repair, args={
        "resolution": "repaired",
        "checklist": {"isolated": True, "pressure_bar": 1.6},
        "parts": [{"part": "FLT-310", "qty": 1}],
        "labour": [{"kind": "work", "started_at": "2026-11-21T09:00:00Z", "ended_at": "2026-11-21T09:30:00Z"}],
        "signature": {"attachment_id": sign, "name": "Cleo"},
        "closure": {"evidence": [{"id": photo, "kind": "photo", "tag": "after"}]},
    })  # fmt: skip
    verify = on("closure.verify", repair, args={"method": "on_site", "evidence_ids": []}, depends_on=[done["op_id"]])
    p.push(
        done,
        verify,
        on("visit.correct_time", repair, args=late),
        about="The end of it is one operation; its photo and its signature may come later.",
    )  # fmt: skip
    p.push(
        on("visit.depart", look),
        on("visit.no_access", look, args={"wait_minutes": 15, "call_attempts": 2}),
        on("visit.start", noise),
        on("visit.end_incomplete", noise, args={"reason": "parts", "parts_needed": ["PMP-100"], "revisit": True}),
        on("visit.decline", leak, args={"reason": "ill"}),
        about="The other ways in which a job ends.",
    )
    assert together in told
    p.push(
        on("visit.arrive", together),
        on("visit.leave", together),
        by="Cem",
        about="Somebody of the crew comes and goes.",
    )
    quarantined = p.push(on("visit.teleport", together), about="Nobody knows this type: it becomes an issue.")
    issue = {"issue_id": quarantined[0]["issue_id"], "choice": "ok"}
    p.push(on("issue.resolve", None, args=issue), about="The technician has seen the issue.")


SCRIPTS: Mapping[str, Callable[[Player], None]] = {
    script.__name__.replace("_", "-"): script
    for script in (
        bootstrap_in_two_pages,
        delta,
        remove_reasons,
        push_statuses,
        stock_below_zero,
        two_complete,
        reset_and_reconcile,
        cursor_expired,
        digest_mismatch,
        poison,
        time_rule,
        revoked_device,
        every_operation,
    )
}
