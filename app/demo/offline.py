"""The cellar: Ben works without network, Dana changes the plan meanwhile, and one sync puts both together."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from app.demo.office import Job, dispatch, send_out, work_types
from app.demo.phone import Phone
from app.demo.pictures import photo, signature
from app.demo.talk import DayFailed, Somebody, Storyteller, check, sign_in

#: The worker looks at a photo before it counts as proof.
PROOF_SECONDS = 40
TICKS = {"gas_tight": True, "co_ppm": 22}
REASON = "Three jobs in one house."


@dataclass(frozen=True, slots=True)
class Morning:
    """Three jobs for Ben in one house: the boiler in the cellar, and two upstairs that Dana will think about again."""

    boiler: Job
    given_away: Job
    called_off: Job


def work_offline(http: httpx.Client, dana: Somebody, tell: Storyteller) -> None:
    """
    Raises:
        DayFailed: something is not as it is told.
    """
    tell.scene("8  Ben's phone fetches the morning's jobs")
    ids = {name: technician_id(http, name) for name in ("Ana", "Ben")}
    morning = plan_morning(dana, ids["Ben"], tell)
    ben, ana = Phone("Ben", http, tell), Phone("Ana", http, tell)
    fetch(ben, morning, tell)
    ana.sync()
    goes_down(ben, morning, tell)
    plan_changes(dana, ana, morning, ids["Ana"], tell)
    goes_on(ben, morning, tell)
    comes_up(ben, morning, tell)
    office_looks(dana, ben, morning, tell)
    compare(ben, ana, tell)


def technician_id(http: httpx.Client, name: str) -> str:
    return str(sign_in(http, name, _silent()).get("/v1/me")["technician_id"])


def _silent() -> Storyteller:
    return Storyteller(Console(quiet=True))


def plan_morning(dana: Somebody, ben_id: str, tell: Storyteller) -> Morning:
    """The same requests as for Ana's job: nobody needs to read them twice."""
    quiet = Somebody(dana.name, dana.http, _silent(), dana.token)
    customer = quiet.post("/v1/customers", {"name": f"Elbhof Housing {uuid4().hex[:6]}"})["id"]
    house = {"customer_id": customer, "name": "Elbhof", "address": "Deichweg 12, Hamburg", "territory": "North"}
    request = {"customer_id": customer, "site_id": quiet.post("/v1/sites", house)["id"], "priority": 2}
    kinds = work_types(quiet)
    jobs = [
        send_out(quiet, ben_id, {**request, "title": title, "work_type_id": kinds[kind]}, reason=REASON)
        for title, kind in (
            ("The boiler in the cellar goes out", "heating_repair"),
            ("Thermostat on the second floor is dead", "thermostat"),
            ("Thermostat on the third floor shows nonsense", "thermostat"),
        )
    ]
    morning = Morning(*jobs)
    tell.say(f"Dana has planned three jobs for Ben in one house: {', '.join(job.number for job in jobs)}.")
    return morning


def fetch(ben: Phone, morning: Morning, tell: Storyteller) -> None:
    cost = ben.sync()
    for job in (morning.boiler, morning.given_away, morning.called_off):
        ben.job(job.visit_id)
    held = len(ben.client.jobs())
    unpacked = ben.line.unpacked / 1000
    check(cost < unpacked, f"gzip should make it less than {unpacked:.1f} kB, and it is {cost:.1f} kB")
    tell.good(f"{held} jobs, his van's stock and who he is: {cost:.1f} kB with gzip, {unpacked:.1f} kB without.")


def goes_down(ben: Phone, morning: Morning, tell: Storyteller) -> None:
    tell.scene("9  Ben goes down into the cellar: no network. Dana changes the plan")
    ben.line.is_down = True
    phone, visit = ben.client, morning.boiler.visit_id
    required = ben.job(visit)["closure"]["required"]
    phone.enqueue("visit.depart", visit)
    phone.enqueue("visit.arrive", visit, {"lat": 53.545, "lng": 9.98, "acc_m": 60})
    phone.enqueue("visit.start", visit)
    phone.enqueue("note.add", visit, {"text": "The electrode is burnt through. The cellar light is broken, too."})
    phone.enqueue("part.use", visit, {"part": "IGN-044", "qty": 1})
    for task, value in TICKS.items():
        phone.enqueue("task.set", visit, {"task_id": task, "done": True, "value": value})
    caption = f"{morning.boiler.number}, the new electrode"
    picture = phone.attach(visit, photo(caption), "after", "image/jpeg")
    signed = phone.attach(visit, signature(caption), "signature:customer", "image/png", signer_name="Mr. Elb")
    done = {
        "resolution": "replaced-part",
        "cause": "wear",
        "signature": {"attachment_id": signed, "name": "Mr. Elb"},
        "closure": {"evidence": [{"id": picture, "kind": "photo", "tag": "after"}]},
    }
    phone.enqueue("visit.complete", visit, done)
    ben.sync(ends="offline")
    typed = phone.outbox()
    shown = ben.job(visit)["status"]
    check(shown == "completed", f"the phone should show the job as completed and shows it as {shown}")
    tell.say(f"The work asks for {', '.join(required)}. Ben types: {listed(one['type'] for one in typed)}.")
    tell.good(f"{len(typed)} reports wait on his phone, which shows {morning.boiler.number} as {shown} already.")


def plan_changes(dana: Somebody, ana: Phone, morning: Morning, ana_id: str, tell: Storyteller) -> None:
    away, off = morning.given_away, morning.called_off
    tell.say(f"Dana does not reach Ben. She gives {away.number} to Ana, and {off.number} is called off.")
    visit = dana.get(f"/v1/visits/{away.visit_id}")
    to_ana = {"technician_id": ana_id, "reason_code": "runs-late", "force_reason": "She is around the corner."}
    path = f"/v1/visits/{away.visit_id}"
    dispatch(dana, dana.post(f"{path}/reassignment", to_ana, expect=200, version=visit["version"]))
    order = dana.get(f"/v1/work-orders/{off.work_order_id}")
    why = {"cause": "customer", "reason": "It works again."}
    dana.post(f"/v1/work-orders/{off.work_order_id}/cancellation", why, expect=200, version=order["version"])
    cost = ana.sync()
    ana.job(away.visit_id)
    tell.good(f"Ana's phone has it with one request: {cost:.1f} kB.")


def goes_on(ben: Phone, morning: Morning, tell: Storyteller) -> None:
    ben.client.enqueue("visit.start", morning.given_away.visit_id)
    ben.client.enqueue("note.add", morning.given_away.visit_id, {"text": "Dead: no batteries. I bring some."})
    ben.client.enqueue("visit.start", morning.called_off.visit_id)
    ben.sync(ends="offline")
    tell.say("Ben cannot know. His phone has no network upstairs either, and he begins with both.")


def comes_up(ben: Phone, morning: Morning, tell: Storyteller) -> None:
    tell.scene("10  Ben leaves the house: one sync, whose first answer is lost")
    ben.line.is_down, ben.line.loses_next_answer = False, True
    typed = ben.client.outbox()
    ben.sync(ends="offline")
    check(ben.client.outbox() == typed, "without an answer every report should still wait")
    tell.say(f"The server did it all, but its answer never came: all {len(typed)} reports still wait. So, once more:")
    ben.sync()
    check(ben.client.outbox() == [], "with the answer no report should wait")
    anew = [one["op_id"] for one in ben.results if not one.get("replayed")]
    check(anew == [], f"all should be answers of the first time, and these are not: {anew}")
    tell.say("Each report got the answer of the first time again (replayed):")
    tell_results(ben, morning.boiler, typed, [("applied", None)] * 10, tell)
    tell_results(ben, morning.given_away, typed, [("noted", "reassigned")] * 2, tell)
    tell_results(ben, morning.called_off, typed, [("noted", "job_cancelled")], tell)
    check_done_once(ben, morning.boiler)
    tell.good("Sent twice, done once: one note, one part, one photo, one signature.")


def tell_results(
    ben: Phone, job: Job, typed: Sequence[dict[str, Any]], expected: list[tuple[str, str | None]], tell: Storyteller
) -> None:
    """What became of Ben's reports on this job, and of the job on his phone."""
    types = {one["op_id"]: one["type"] for one in typed if one["target"] == job.visit_id}
    results = [one for one in ben.results if one["op_id"] in types]
    became = [(one["status"], one.get("code")) for one in results]
    check(became == expected, f"the reports on {job.number} should be {expected} and are {became}")
    status, code = became[0]
    why = f" ({code})" if code else ""
    tell.say(f"  {job.number}  {status}{why}: {listed(types[one['op_id']] for one in results)}")
    is_here = ben.client.job(job.visit_id) is not None
    check(is_here == (code is None), f"{job.number} should {'leave' if code else 'stay on'} Ben's phone")
    if code is not None:
        check(job.visit_id in ben.left, f"nobody told why {job.number} left")
        tell.say(f"  {job.number}  left Ben's phone: {ben.left[job.visit_id]}")


def check_done_once(ben: Phone, job: Job) -> None:
    now = ben.job(job.visit_id)
    files = sorted(one["role"] for one in now["attachments"])
    done = len(now["notes"]), [one["qty"] for one in now["parts_used"]], files
    check(done == (1, [1], ["after", "signature:customer"]), f"each should be done once, and is done: {done}")


def office_looks(dana: Somebody, ben: Phone, morning: Morning, tell: Storyteller) -> None:
    tell.scene("11  Dana looks where the field is not as planned")
    for job, code in ((morning.given_away, "reassigned"), (morning.called_off, "job_cancelled")):
        wanted = {"state": "open", "owner": "dispatcher", "work_order_id": job.work_order_id}
        found = dana.get("/v1/issues", **wanted)["items"]
        codes = [one["code"] for one in found]
        check(codes == [code], f"for {job.number} there should be one issue, {code}, and there is {codes}")
        [issue] = found
        tell.say(f"{job.number}, {issue['severity']}: {issue['text']['en']} To choose: {', '.join(issue['choices'])}.")
    told = {one["code"] for one in ben.client.issues() if one["target"] in ben.left}
    check(told == {"reassigned", "job_cancelled"}, f"Ben's phone should say both too, and says {told}")
    order = wait_until_closed(dana, morning.boiler)
    tell.good(f"Both are on Ben's phone, too. {order['number']} is {order['status']}: photo and signature have come.")


def wait_until_closed(dana: Somebody, job: Job) -> dict[str, Any]:
    quiet = Somebody(dana.name, dana.http, _silent(), dana.token)
    deadline = time.monotonic() + PROOF_SECONDS
    path = f"/v1/work-orders/{job.work_order_id}"
    while quiet.get(path)["status"] != "closed":
        if time.monotonic() > deadline:
            raise DayFailed(f"{job.number} did not close within {PROOF_SECONDS} s of its proof: does a worker run?")
        time.sleep(0.2)
    found: dict[str, Any] = dana.get(path)
    return found


def compare(ben: Phone, ana: Phone, tell: Storyteller) -> None:
    for phone in (ben, ana):
        digest = phone.compare()
        tell.good(f"{phone.name}'s phone holds exactly what the server says: digest {digest} here and there.")


def listed(types: Iterable[str]) -> str:
    """Each with how often, in the order in which they came first."""
    counted = Counter(types)
    return ", ".join(one if n == 1 else f"{n} × {one}" for one, n in counted.items())
