"""Technicians with real offline clients: some write, some only read along, while the office gives jobs away."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from firstfix_offline import DeviceSession, HttpxTransport, OfflineClient, SqliteStorage

from chaos.client import Client, NotTaken, Tally
from chaos.shift import ADMIN, PASSWORD, token_of

PARTS = ("P-1", "P-2")


@dataclass
class Phone:
    """A device with the reference client; its storage is a file, as on a phone."""

    technician_id: str
    client: OfflineClient
    storage: SqliteStorage
    device_id: str

    def held(self) -> set[tuple[str, str, str]]:
        """(kind, id, rev) of everything on it."""
        with self.storage.transaction() as tx:
            return {(one["kind"], one["id"], one["rev"]) for one in tx.all("replica") if not one.get("locked")}


@dataclass
class Crew:
    """Everybody works until `over` is set; `sent` is what was typed: op_id → (type, target)."""

    base_url: str
    folder: Path
    seed: int
    writers: int
    tally: Tally = field(default_factory=Tally)
    phones: list[Phone] = field(default_factory=list)
    readers: list[Phone] = field(default_factory=list)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    results: dict[str, set[str]] = field(default_factory=dict)
    syncs: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _setting: dict[str, str] = field(default_factory=dict)
    _technicians: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Set the company up: each technician has a phone to write with and a tablet that reads along."""
        office = Client(self.base_url, token_of(self.base_url, ADMIN), self.tally)
        checklist = [{"id": "safe", "label": "Is the gas shut off?", "kind": "yes_no"}]
        work_type = office.post("/v1/work-types", {"key": "repair", "name": "Repair", "checklist": checklist})
        customer = office.post("/v1/customers", {"name": "Cleo & Co"})
        site = office.post("/v1/sites", {"customer_id": customer["id"], "name": "Bakery", "address": "Main St 1"})
        self._setting = {"work_type_id": work_type["id"], "customer_id": customer["id"], "site_id": site["id"]}
        for number in PARTS:
            office.post("/v1/parts", {"number": number, "name": f"Part {number}"})
        for number in range(self.writers):
            technician = office.post("/v1/technicians", {"name": f"Technician {number}"})
            email = f"technician{number}@example.org"
            person = {"name": technician["name"], "email": email, "roles": ["technician"], "password": PASSWORD}
            office.post("/v1/people", {**person, "technician_id": technician["id"]})
            self._technicians.append(technician["id"])
            self.phones.append(self._phone(technician["id"], email, "phone"))
            self.readers.append(self._phone(technician["id"], email, "tablet"))
        for technician_id in self._technicians:
            for _ in range(2):
                self._dispatch(office, technician_id)
        for n, phone in enumerate(self.phones):
            self._run(self._write, n, phone)
        for n, phone in enumerate(self.readers):
            self._run(self._read, n, phone)
        for n in range(2):
            self._run(self._plan, n, token_of(self.base_url, ADMIN))

    def _phone(self, technician_id: str, email: str, kind: str) -> Phone:
        storage = SqliteStorage(self.folder / f"{email}-{kind}.sqlite")
        transport = HttpxTransport(self.base_url, timeout_s=35)
        session, device_id = DeviceSession(transport, storage), str(uuid4())
        session.sign_in(email, PASSWORD, {"device_id": device_id, "platform": kind, "app_version": "1.0"})
        client = OfflineClient(
            transport, storage, token=session.token, refresh=session.refresh, limits=session.limits()
        )
        client.on("result", self._hear)
        return Phone(technician_id, client, storage, device_id)

    def _hear(self, told: Any) -> None:
        result = told.get("result", told)
        with self.tally.lock:
            self.results.setdefault(result["op_id"], set()).add(result["status"])

    def _run(self, work: Any, *given: Any) -> None:
        thread = threading.Thread(target=self._guarded, args=(work, *given), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, work: Any, *given: Any) -> None:
        try:
            work(*given)
        except Exception as error:
            self.tally.complain(f"a client broke: {error!r}")

    def end(self, seconds: float = 120) -> None:
        self.over.set()
        for one in self._threads:
            one.join(seconds)
            if one.is_alive():
                self.tally.complain(f"a thread did not come to an end in {seconds} s")

    def _write(self, number: int, phone: Phone) -> None:
        dice = random.Random(f"{self.seed}:writer {number}")
        while not self.over.is_set():
            for job in dice.sample(jobs := phone.client.jobs(), min(2, len(jobs))):
                for type_, args in dice.sample(WHAT_IS_TYPED, dice.randint(1, 4)):
                    op_id = phone.client.enqueue(type_, job.id, {**args})
                    with self.tally.lock:
                        self.sent[op_id] = (type_, job.id)
            self._sync(phone)
            time.sleep(dice.uniform(0, 0.1))

    def _read(self, number: int, phone: Phone) -> None:
        dice = random.Random(f"{self.seed}:reader {number}")
        while not self.over.is_set():
            self._sync(phone)
            time.sleep(dice.uniform(0.1, 0.5))

    def _sync(self, phone: Phone) -> str:
        began = time.monotonic()
        state = phone.client.sync().state
        self.tally.note(f"sync {state}", time.monotonic() - began)
        return state

    def _plan(self, number: int, token: str) -> None:
        """The office makes jobs, gives them away and calls them off."""
        dice = random.Random(f"{self.seed}:office {number}")
        office = Client(self.base_url, token, self.tally)
        planned: list[str] = []
        while not self.over.is_set():
            try:
                planned.append(self._dispatch(office, dice.choice(self._technicians)))
                if len(planned) > 1 and dice.random() < 0.5:
                    self._give_away(dice, office, planned.pop(dice.randrange(len(planned))))
            except NotTaken:
                continue
            time.sleep(dice.uniform(0.1, 0.6))
        office.http.close()

    def _give_away(self, dice: random.Random, office: Client, visit_id: str) -> None:
        """If it is not under way by now, and nobody was faster: then it stays as it is."""
        visit = office.get(f"/v1/visits/{visit_id}")
        allowed = {one["action"] for one in visit["allowed_actions"]}
        wanted = dice.choice(["reassign", "cancel"])
        if wanted not in allowed:
            return
        body: dict[str, str] = {"cause": "customer", "reason": "closed today"}
        noun = "cancellation"
        if wanted == "reassign":
            noun = "reassignment"
            body = {
                "technician_id": dice.choice(self._technicians),
                "reason_code": "closer",
                "force_reason": "chaos",
            }
        headers = {"If-Match": f'"{visit["version"]}"', "Idempotency-Key": str(uuid4())}
        office.send("POST", f"/v1/visits/{visit_id}/{noun}", body, headers, may_refuse=True)

    def _dispatch(self, office: Client, technician_id: str) -> str:
        order = office.post("/v1/work-orders", {"id": str(uuid4()), "title": "Boiler is cold", **self._setting})
        office.post(f"/v1/work-orders/{order['id']}/approval", version=order["version"])
        start = datetime.now(UTC)
        times = {"scheduled_start": start.isoformat(), "scheduled_end": (start + timedelta(hours=1)).isoformat()}
        planned = {"technician_id": technician_id, **times, "force_reason": "chaos"}
        visit = office.post(f"/v1/work-orders/{order['id']}/visits", planned)
        office.post(f"/v1/visits/{visit['id']}/dispatch", version=visit["version"])
        return str(visit["id"])

    def settle(self, seconds: float = 120) -> None:
        """Everybody syncs until nothing is left to send and nothing new comes."""
        until = time.monotonic() + seconds
        for phone in (*self.phones, *self.readers):
            while self._sync(phone) != "synced" or phone.client.outbox():
                if time.monotonic() > until:
                    self.tally.complain(f"{len(phone.client.outbox())} operations could not be sent in {seconds} s")
                    return
                time.sleep(0.05)
        for phone in (*self.phones, *self.readers):
            self._sync(phone)


WHAT_IS_TYPED: list[tuple[str, dict[str, Any]]] = [
    ("visit.seen", {}),
    ("visit.accept", {}),
    ("visit.depart", {}),
    ("visit.arrive", {}),
    ("visit.start", {}),
    ("visit.pause", {"reason": "break"}),
    ("visit.resume", {}),
    ("visit.complete", {"resolution": "fixed", "parts": [{"part": "P-2", "qty": 1}]}),
    ("note.add", {"text": "The key is at the neighbor's."}),
    ("note.add", {"text": "Cleaned the burner."}),
    ("part.use", {"part": "P-1", "qty": 1}),
    ("task.set", {"task_id": "safe", "done": True, "value": True}),
]
