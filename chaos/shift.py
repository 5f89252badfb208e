"""A company at work: the office plans, technicians do; what was acknowledged is written down to be looked for later."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from chaos.client import Client, NotTaken, Tally

ADMIN = "admin@example.org"
PASSWORD = "correct-horse-battery"
TECHNICIANS = 4
#: Most work is completed, and closes then; some ends without success, and must not be asked about.
SHARE_COMPLETED = 0.8


@dataclass(frozen=True)
class Done:
    """One job as its clients saw it: each acknowledged report as (id, event type)."""

    work_order_id: str
    visit_id: str
    reports: list[tuple[str, str]]
    closes: bool


@dataclass
class Shift:
    """Everybody works until `over` is set, and finishes the job in hand."""

    base_url: str
    seed: int
    tally: Tally = field(default_factory=Tally)
    done: list[Done] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    begun: Counter[str] = field(default_factory=Counter)
    _threads: list[threading.Thread] = field(default_factory=list)
    _setting: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Set the company up and start one thread per technician."""
        office = Client(self.base_url, token_of(self.base_url, ADMIN), self.tally)
        organization = office.http.get("/v1/organization")
        office.send(
            "PATCH",
            "/v1/organization",
            {"settings": {"surveys": {"earliest_hour": 0, "latest_hour": 24}}},
            {"If-Match": organization.headers["etag"]},
        )
        work_type = office.post("/v1/work-types", {"key": "repair", "name": "Repair"})
        customer = office.post("/v1/customers", {"name": "Cleo & Co"})
        self._setting = {"work_type_id": work_type["id"], "customer_id": customer["id"]}
        for number in range(TECHNICIANS):
            technician = office.post("/v1/technicians", {"name": f"Technician {number}", "hourly_rate_minor": 6000})
            email = f"technician{number}@example.org"
            person = {"name": technician["name"], "email": email, "roles": ["technician"], "password": PASSWORD}
            office.post("/v1/people", {**person, "technician_id": technician["id"]})
            self._begin_thread(number, technician["id"], token_of(self.base_url, email))
        office.http.close()

    def _begin_thread(self, number: int, technician_id: str, token: str) -> None:
        office = Client(self.base_url, token_of(self.base_url, ADMIN), self.tally)
        crew = Client(self.base_url, token, self.tally)
        work = threading.Thread(target=self._work, args=(number, office, crew, technician_id), daemon=True)
        self._threads.append(work)
        work.start()

    def end(self, seconds: float = 120) -> None:
        self.over.set()
        for one in self._threads:
            one.join(seconds)
            if one.is_alive():
                self.tally.complain(f"{one.name} did not come to an end in {seconds} s")

    def _work(self, number: int, office: Client, crew: Client, technician_id: str) -> None:
        dice = random.Random(f"{self.seed}:{number}")
        with office.http, crew.http:
            while not self.over.is_set():
                try:
                    self.done.append(self._one_job(dice, office, crew, technician_id))
                except NotTaken:
                    self.begun["given up"] += 1
                except Exception as error:
                    self.tally.complain(f"a client broke: {error!r}")
                    return

    def _one_job(self, dice: random.Random, office: Client, crew: Client, technician_id: str) -> Done:
        order = self._dispatch(office, technician_id)
        visit_id = order["visit_id"]
        closes = dice.random() < SHARE_COMPLETED
        steps = [("accept", "visit.accepted"), ("start", "visit.started")]
        steps.append(("complete", "visit.completed") if closes else ("end_incomplete", "visit.ended_incomplete"))
        reports = []
        for action, event in steps:
            body = {"id": str(uuid4()), "action": action, "occurred_at": datetime.now(UTC).isoformat()}
            if action == "end_incomplete":
                body["reason"] = "parts"
            first = crew.send("POST", f"/v1/visits/{visit_id}/status-updates", body)
            reports.append((body["id"], event))
            if dice.random() < 0.1:  # the phone did not hear the answer
                again = crew.send("POST", f"/v1/visits/{visit_id}/status-updates", body)
                if again != first:
                    self.tally.complain(f"the same report was answered otherwise: {body['id']}")
        return Done(order["id"], visit_id, reports, closes)

    def _dispatch(self, office: Client, technician_id: str) -> dict[str, str]:
        """A new work order with a contact of its own, planned and sent to the technician."""
        contact = {"customer_id": self._setting["customer_id"], "name": "Cleo", "email": f"{uuid4().hex}@example.org"}
        contact_id = office.post("/v1/contacts", contact)["id"]
        body = {"id": str(uuid4()), "title": "Boiler is cold", "contact_id": contact_id, **self._setting}
        self.begun["work orders"] += 1
        order = office.post("/v1/work-orders", body)
        office.post(f"/v1/work-orders/{order['id']}/approval", version=order["version"])
        start = datetime.now(UTC)
        times = {"scheduled_start": start.isoformat(), "scheduled_end": (start + timedelta(hours=1)).isoformat()}
        planned = {"technician_id": technician_id, **times, "force_reason": "chaos"}
        visit = office.post(f"/v1/work-orders/{order['id']}/visits", planned)
        office.post(f"/v1/visits/{visit['id']}/dispatch", version=visit["version"])
        return {"id": order["id"], "visit_id": visit["id"]}


def token_of(base_url: str, email: str) -> str:
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    answer = httpx.post(f"{base_url}/oauth/token", data=form, timeout=30, trust_env=False)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def closing(done: Sequence[Done]) -> set[str]:
    """The work orders that must be closed, and asked about once each."""
    return {one.work_order_id for one in done if one.closes}
