"""A day through the public API: from the call of a customer to the figure in the manager's report, and a cellar."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from app.demo.figures import explain, figures
from app.demo.office import Job, iso, send_out, work_types
from app.demo.offline import work_offline
from app.demo.pictures import photo, signature
from app.demo.rules import PRIORITY
from app.demo.talk import DayFailed, Somebody, Storyteller, check, sign_in

MAIL_SECONDS = 40
ANSWERS = {
    "gas_tight": True,
    "co_ppm": 18,
    "remarks": "Electrode was worn.",
    "gas_safety.leak_spray": True,
    "gas_safety.ventilated": "yes",
}
LINK = re.compile(r"https?://\S+/s/[\w-]+")

Mailbox = Callable[[str], str | None]
"""The text of the mail to an address, None while none has come."""


def play(url: str, out: Console, *, mailbox: Mailbox | None = None) -> None:
    """Play the day against a demo server. Can be played again and again: each day has a customer of its own.

    Args:
        mailbox: where the customer's mail is read; the server's own outbox when nothing is given.

    Raises:
        DayFailed: a step did not do what it should.
    """
    tell = Storyteller(out)
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        read_mail = mailbox or (lambda address: in_outbox(http, address))
        tell.scene("1  Everybody signs in")
        ana, dana, max_ = (sign_in(http, name, tell) for name in ("Ana", "Dana", "Max"))
        job, address = office_plans(dana, ana, tell)
        tell.scene("3  Max looks at the figures")
        before = figures(max_, tell)
        technician_works(ana, job, tell)
        proves(ana, dana, job, tell)
        sealed(http, dana, job, tell)
        customer_answers(http, read_mail, address, tell)
        tell.scene("7  Max looks at the figures again")
        explain(before, figures(max_, tell), tell)
        work_offline(http, dana, tell)


def office_plans(dana: Somebody, ana: Somebody, tell: Storyteller) -> tuple[Job, str]:
    """The job, and where its customer reads mail."""
    tell.scene("2  A customer calls, Dana plans a visit for Ana")
    name = f"Cleo {uuid4().hex[:6]}"
    address = f"{name.replace(' ', '.').lower()}@customers.example"
    customer = dana.post("/v1/customers", {"name": f"Bakery {name}"})["id"]
    contact = {"customer_id": customer, "name": name, "email": address, "channel": "email", "language": "en"}
    contact_id = dana.post("/v1/contacts", contact)["id"]
    site = {
        "customer_id": customer,
        "name": "Bakery",
        "address": "Lindenallee 7, Hamburg",
        "postal_code": "22301",
        "coordinates": {"lat": 53.592, "lng": 10.01},
        "territory": "North",
        "access_notes": "Ring twice.",
    }
    site_id = dana.post("/v1/sites", site)["id"]
    asset = {"site_id": site_id, "name": "Gas boiler", "model": "Buderfix 192", "serial": uuid4().hex[:8].upper()}
    asset_id = dana.post("/v1/assets", asset)["id"]
    request = {
        "title": "The oven is cold and so is the shop",
        "work_type_id": work_types(dana)["heating_repair"],
        "channel": "phone",
        "priority": PRIORITY,
        "customer_id": customer,
        "site_id": site_id,
        "asset_id": asset_id,
        "contact_id": contact_id,
    }
    technician = ana.get("/v1/me")["technician_id"]
    job = send_out(dana, technician, request, reason="The shop is closed while it is cold.")
    tell.good(f"{job.number} for {name} is planned for today, and Ana has been told.")
    return job, address


def technician_works(ana: Somebody, job: Job, tell: Storyteller) -> None:
    tell.scene("4  Ana's phone: her jobs, the way there, the work")
    mine = ana.get("/v1/me/jobs")["items"]
    found = next((one for one in mine if one["id"] == job.visit_id), None)
    check(found is not None, "the new job is not on Ana's list")
    assert found is not None
    tell.say(
        f"{len(mine)} jobs in these weeks; {job.number} at {found['site']['address']} ({found['site']['access_notes']})"
    )
    planned = [f"{one['quantity']} × {one['part_number']}" for one in found["planned_parts"]]
    tell.say(f"To bring: {', '.join(planned)}. To prove: {', '.join(one['id'] for one in found['closure']['rules'])}.")
    place = {"lat": 53.592, "lng": 10.01, "accuracy_m": 8}
    for action, status, more in (
        ("accept", "accepted", {}),
        ("depart", "en_route", {}),
        ("arrive", "on_site", {"location": place}),
        ("start", "in_progress", {}),
    ):
        told = report(ana, job, action, **more)
        check(told["status"] == status, f"after {action} the visit should be {status} and is {told['status']}")
    for one in found["planned_parts"]:
        used = {**stamped(), "part_number": one["part_number"], "quantity": one["quantity"]}
        ana.post(f"/v1/visits/{job.visit_id}/parts", used)
    tell.good(f"Ana is at work and has used {len(planned)} parts from her van.")


def proves(ana: Somebody, dana: Somebody, job: Job, tell: Storyteller) -> None:
    tell.scene("5  Done? First without proof, then with it")
    codes = {"resolution_code": "replaced-part", "cause_code": "wear", "answers": ANSWERS}
    path = f"/v1/visits/{job.visit_id}/closure"
    draft = ana.post(path, {**stamped(), **codes})
    check(
        draft["verdict"] == "unmet",
        f"without photo and signature the verdict should be unmet, it is {draft['verdict']}",
    )
    for finding in draft["findings"]:
        if finding["met"] == "no":
            tell.say(f"unmet: {finding['message']} {finding['how_to_fix']}")
    evidence = f"/v1/visits/{job.visit_id}/evidence"
    picture = {"id": str(uuid4()), "kind": "photo", "tag": "after", "captured_at": iso(datetime.now(UTC))}
    caption = f"{job.number}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    ana.upload(evidence, {**picture, "lat": "53.592", "lng": "10.01"}, ("after.jpg", photo(caption), "image/jpeg"))
    signed = {"id": str(uuid4()), "kind": "signature", "tag": "customer", "signer_name": "Cleo"}
    ana.upload(evidence, signed, ("cleo.png", signature(f"Cleo, {caption}"), "image/png"))
    closure = ana.post(path, {**stamped(), **codes})
    check(closure["verdict"] == "verified", f"the verdict should be verified, it is {closure['verdict']}")
    order = dana.get(f"/v1/work-orders/{job.work_order_id}")
    check(order["status"] == "closed", f"the work order should be closed and is {order['status']}")
    tell.good(f"Verified: {job.number} closed itself.")


def sealed(http: httpx.Client, dana: Somebody, job: Job, tell: Storyteller) -> None:
    """What was closed has a certificate, which anybody may check, and a report for the customer."""
    certificate = dana.get(f"/v1/work-orders/{job.work_order_id}/certificate")
    answer = http.post("/v1/certificates/verify", json={"code": certificate["code"]})
    tell.asked("-", "POST", "/v1/certificates/verify", answer.status_code)
    check(answer.status_code == 200, f"the certificate could not be checked: {answer.text[:300]}")
    wrong = [one["detail"] for one in answer.json()["differences"]]
    check(answer.json()["valid"], f"the certificate should be good: {', '.join(wrong)}")
    tell.good(f"Sealed and signed, and as it was sealed: {certificate['url']}")
    report = f"/v1/work-orders/{job.work_order_id}/service-report"
    check("text/html" in dana.read(report), "the service report should be a page")
    tell.good(f"The service report: {http.base_url}{report}")


def customer_answers(http: httpx.Client, read_mail: Mailbox, address: str, tell: Storyteller) -> None:
    tell.scene("6  The customer gets a mail and answers")
    text = wait_for_mail(read_mail, address)
    found = LINK.search(text)
    check(found is not None, "the mail has no link")
    assert found is not None
    link = found.group()
    tell.say(f"Mail to {address}: {link}")
    shown = http.get(link)
    tell.asked("Cleo", "GET", "/s/…", shown.status_code)
    check(shown.status_code == 200, f"the link answered {shown.status_code}")
    form = {"nonce": nonce_in(shown.text), "csat": "5", "nps": "9", "comment": "Warm again within the hour. Thank you!"}
    posted = http.post(link, data=form)
    tell.asked("Cleo", "POST", "/s/…", posted.status_code)
    check(posted.status_code == 303, f"the answer was not taken: {posted.status_code}")
    check(http.get(link).status_code == 200, "the page after the answer does not open")
    tell.good("Five stars, and nine of ten would be recommended.")


def report(ana: Somebody, job: Job, action: str, **more: Any) -> Any:
    return ana.post(f"/v1/visits/{job.visit_id}/status-updates", {**stamped(), "action": action, **more})


def stamped() -> dict[str, Any]:
    """What a device puts on everything that it reports."""
    now = iso(datetime.now(UTC))
    return {"id": str(uuid4()), "occurred_at": now, "sent_at": now, "age_ms": 0}


def wait_for_mail(read_mail: Mailbox, address: str) -> str:
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        if (text := read_mail(address)) is not None:
            return text
        time.sleep(0.2)
    raise DayFailed(
        f"no mail to {address} could be read within {MAIL_SECONDS} s: either no worker runs, "
        "or this server sends real mail (FIRSTFIX_SMTP_URL), which I cannot read"
    )


def in_outbox(http: httpx.Client, address: str) -> str | None:
    answer = http.get("/outbox.json")
    if answer.status_code != 200:
        return None
    return next((str(one["text"]) for one in answer.json() if one["to"] == address), None)


def nonce_in(html: str) -> str:
    """The form's hidden nonce."""
    found: list[str] = []

    class Fields(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            named = dict(attrs)
            if tag == "input" and named.get("name") == "nonce":
                found.append(named.get("value") or "")

    Fields().feed(html)
    check(len(found) == 1, "the survey page has no form")
    return found[0]
