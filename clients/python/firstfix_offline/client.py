"""What a program talks to: report something, look at the jobs, and let it sync by itself."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from firstfix_offline import hints
from firstfix_offline.device import Device
from firstfix_offline.exchange import Exchange, Limits
from firstfix_offline.project import Project, project
from firstfix_offline.replica import drop_file, drop_stubs, forget_customers, keep, state_of, waiting
from firstfix_offline.storage import Storage, Transaction
from firstfix_offline.uploads import Uploads
from firstfix_offline.wire import NoNetwork, Refused, Transport, Wire

Json = dict[str, Any]
SHORTEST, LONGEST = 2_000.0, 900_000.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sync ended: synced, offline, signed_out, revoked, update_required or refused; and when to come again."""

    state: str
    wait_ms: float
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One thing as it is shown: its document with the waiting reports on top.

    `locked`: it has left this device but for a stub, until the reports on it are answered.
    """

    id: str
    doc: Json
    locked: bool
    waiting: list[Json]
    attention: list[Json]


class OfflineClient:
    """`token` is asked for at each request; `refresh` gets a new one after a 401 and raises when the person has to
    sign in again. `metered`: True where bytes cost money; photos and videos that no closure asks for then wait."""

    def __init__(
        self,
        transport: Transport,
        storage: Storage,
        *,
        token: Callable[[], str],
        refresh: Callable[[], object],
        device: Device | None = None,
        limits: Limits | None = None,
        project: Project = project,
        metered: Callable[[], bool] = lambda: False,
    ) -> None:
        limits = limits or Limits()
        self._storage = storage
        self._device = device or Device()
        self._wire = Wire(transport, token, refresh)
        self._exchange = Exchange(self._wire, storage, self._device, limits, self._emit)
        self._uploads = Uploads(
            self._wire,
            storage,
            self._device,
            chunk_bytes=limits.chunk_bytes,
            metered=metered,
            changed=lambda: self._emit("change", None),
        )
        self._project = project
        self._listeners: list[tuple[str, Callable[[Any], None]]] = []
        self._syncing = threading.Lock()
        self._failures = 0
        self._urgent = False
        self._resting = threading.Event()
        self._stopping: threading.Event | None = None

    # What the technician does.

    def enqueue(
        self, type_: str, target: str | None, args: Json | None = None, *, depends_on: list[str] | None = None
    ) -> str:
        """Report something; it is kept before this returns. `target`: a visit's id. The report's id."""
        with self._storage.transaction() as tx:
            op_id = self._add(tx, type_, target, args, depends_on)
        self._reported()
        return op_id

    def attach(self, visit_id: str, content: bytes, role: str, mime: str, **more: Any) -> str:
        """Report a file and keep it until the server has it. `more`: captured_at, preview, … The attachment's id."""
        told = {"role": role, "mime": mime, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        id_ = self._device.uuid()
        args = {"attachment_id": id_, **told, "captured_at": self._device.time(), **more}
        with self._storage.transaction() as tx:
            tx.put("bytes", id_, content)
            tx.put(
                "files", id_, {**told, "id": id_, "visit": visit_id, "state": "waiting", "url": None, "upload": None}
            )
            self._add(tx, "attachment.add", visit_id, args)
        self._reported()
        return id_

    def resend(self, op_id: str, args: Json | None = None) -> str:
        """Send a report of the attention list again, edited or as it was; the id that it has now.

        Raises:
            KeyError: nothing needs attention under this id.
        """
        with self._storage.transaction() as tx:
            one = tx.get("attention", op_id)
            if one is None:
                raise KeyError(op_id)
            tx.delete("attention", op_id)
            op = one["op"]
            # What was never answered may have been done: under its old id it cannot be done twice.
            same = one["result"]["status"] == "unanswered" and args is None
            known = op if same else {"occurred_at": op["occurred_at"]}
            given = op.get("args") if args is None else args
            new_id = self._add(tx, op["type"], op["target"], given, op.get("depends_on"), known, one["mark"])
        self._reported()
        return new_id

    def dismiss(self, op_id: str) -> None:
        """The technician has seen it and lets it go; a file that it announced goes with it."""
        with self._storage.transaction() as tx:
            one = tx.get("attention", op_id)
            tx.delete("attention", op_id)
            if one is not None and one["op"]["type"] == "attachment.add":
                drop_file(tx, one["op"]["args"]["attachment_id"])
            drop_stubs(tx)
        self._emit("change", None)

    def _add(
        self,
        tx: Transaction,
        type_: str,
        target: str | None,
        args: Json | None,
        depends_on: list[str] | None = None,
        known: Json | None = None,
        mark: Json | None = None,
    ) -> str:
        state = state_of(tx)
        version = (tx.get("replica", f"job|{target}") or {}).get("doc", {}).get("version")
        made = {"op_id": self._device.uuid(), "seq": state["seq"] + 1, "occurred_at": self._device.time()}
        more = {"base_version": version, "depends_on": depends_on or None, "args": args}
        op = {**made, "type": type_, "target": target, **{name: v for name, v in more.items() if v is not None}}
        op |= known or {}
        tx.put("outbox", op["op_id"], {"op": op, "state": "pending", "mark": mark or self._device.mark()})
        keep(tx, {**state, "seq": state["seq"] + 1})
        return str(op["op_id"])

    # What the technician sees.

    def jobs(self) -> list[View]:
        def place(view: View) -> tuple[str, str]:
            return (view.doc.get("scheduled") or {}).get("start") or "", view.id

        return sorted(self.views("job"), key=place)

    def job(self, id_: str) -> View | None:
        return next((view for view in self.views("job") if view.id == id_), None)

    def issues(self) -> list[Json]:
        """What went otherwise than reported, as the server says."""
        return [view.doc for view in self.views("issue") if view.doc.get("state", "open") == "open"]

    def attention(self) -> list[Json]:
        """Reports that need a person, with their text."""
        with self._storage.transaction() as tx:
            return tx.all("attention")

    def outbox(self) -> list[Json]:
        """Reports that have no final answer yet, in the order in which they were made."""
        with self._storage.transaction() as tx:
            return [row["op"] for row in waiting(tx)]

    def files(self) -> list[Json]:
        """Files that the server does not have yet; the `refused` ones it will not take."""
        with self._storage.transaction() as tx:
            return tx.all("files")

    def views(self, kind: str) -> list[View]:
        """All that is held of a kind; of kinds that a program does not know, it does not ask."""
        with self._storage.transaction() as tx:
            entries = [entry for entry in tx.all("replica") if entry["kind"] == kind]
            unsent, stuck = [row["op"] for row in waiting(tx)], tx.all("attention")
        views = []
        for entry in entries:
            mine = [op for op in unsent if op["target"] == entry["id"]]
            attention = [one for one in stuck if one["op"]["target"] == entry["id"]]
            locked = entry.get("locked", False)
            doc = entry["doc"] if locked else self._project(entry["doc"], mine)
            views.append(View(entry["id"], doc, locked, mine, attention))
        return views

    def on(self, name: str, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Call `listener` for each event (change, status, result, removed, log); what this returns ends that."""
        entry = (name, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    def _emit(self, name: str, event: Any) -> None:
        for wanted, listener in list(self._listeners):
            if wanted == name:
                listener(event)

    # How it syncs.

    def sync(self) -> Outcome:
        """One sync; who calls while one runs waits for it."""
        with self._syncing:
            return self._once()

    def start(self) -> None:
        """Sync until `stop`: when something is reported, when the server hints, and else as often as it wishes."""
        if self._stopping is not None:
            return
        stop = self._stopping = threading.Event()
        threading.Thread(target=self._loop, args=(stop,), daemon=True).start()
        listening = (self._wire, self.hint, self._back_off, stop)
        threading.Thread(target=hints.listen, args=listening, daemon=True).start()

    def stop(self) -> None:
        if self._stopping is not None:
            self._stopping.set()
        self._stopping = None
        self._resting.set()

    def hint(self) -> None:
        """There may be something new: pull now, unless the server asked for patience."""
        self._urgent = True
        if self._failures == 0:
            self._resting.set()

    def signed_in(self) -> None:
        """The person has signed in (again): whatever was said before, go on."""
        with self._storage.transaction() as tx:
            keep(tx, {**state_of(tx), "revoked": False})
        self._failures = 0
        self.hint()

    def _reported(self) -> None:
        self._emit("change", None)
        self.hint()

    def _loop(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._resting.clear()
            outcome = self.sync()
            if not (self._urgent and outcome.state == "synced"):
                self._resting.wait(0 if stop.is_set() else outcome.wait_ms / 1000)

    def _once(self) -> Outcome:
        self._emit("status", Outcome("syncing", 0))
        self._urgent = False
        try:
            self._exchange.run()
            self._exchange.check()
            self._uploads.tick(lambda: self._urgent)
            self._failures = 0
            outcome = Outcome("synced", self._exchange.poll_after_ms)
        except (NoNetwork, Refused) as error:
            outcome = self._after_failure(error)
        self._emit("status", outcome)
        return outcome

    def _after_failure(self, error: NoNetwork | Refused) -> Outcome:
        """What a failure means. None of it touches the outbox."""
        wait_ms = self._back_off(self._failures)
        self._failures += 1
        if isinstance(error, NoNetwork):
            return Outcome("offline", wait_ms, error)
        if error.status == 403 and error.code == "device_revoked":
            with self._storage.transaction() as tx:
                forget_customers(tx)
            self._emit("change", None)
            return Outcome("revoked", wait_ms, error)
        if error.status == 426:
            return Outcome("update_required", LONGEST, error)
        state = {401: "signed_out", 429: "offline", 503: "offline"}.get(error.status, "refused")
        return Outcome(state, wait_ms + error.retry_after_s * 1000, error)

    def _back_off(self, failures: int) -> float:
        """Full jitter below a bound that doubles from 2 s to 15 min."""
        bound: float = min(LONGEST, SHORTEST * 2 ** min(failures, 20))
        return self._device.random() * bound
