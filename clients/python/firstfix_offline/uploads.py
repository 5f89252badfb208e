"""Files on their way up: signatures first, resumed where they broke off (tus 1.0.0), a small one in a single PUT.

A *file*: id, visit, role, mime, bytes, sha256, state, url (where the server wants it; None: the usual address) and
upload (the tus upload that was begun). Its link is on its way (`waiting`) or accepted (`linked`); the server will not
take a `refused` one.
"""

import base64
from collections.abc import Callable
from typing import Any

from firstfix_offline.device import Device
from firstfix_offline.replica import drop_file, state_of
from firstfix_offline.storage import Storage, Transaction
from firstfix_offline.wire import Answer, Refused, Wire

Json = dict[str, Any]
ONE_PUT = 1024 * 1024
STRIKES = 3
TUS = {"Tus-Resumable": "1.0.0"}
#: These get better by waiting or by another way; any other 4xx is the server's last word on a file.
PASSING = frozenset({401, 403, 408, 409, 423, 425, 426, 429})
#: These get better when the upload is looked at again: another offset, bytes that were damaged on the way.
MENDED = frozenset({409, 460})


class Uploads:
    def __init__(
        self,
        wire: Wire,
        storage: Storage,
        device: Device,
        *,
        chunk_bytes: int,
        metered: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._wire = wire
        self._storage = storage
        self._device = device
        self._chunk_bytes = chunk_bytes
        self._metered = metered
        self._changed = changed

    def tick(self, interrupted: Callable[[], bool]) -> None:
        """Send what is linked until nothing is left or `interrupted`: reports go before files."""
        with self._storage.transaction() as tx:
            due = self._due(tx)
        for file in due:
            if interrupted():
                return
            self._device.step("file")
            try:
                if not self._send(file, interrupted):
                    return
                with self._storage.transaction() as tx:
                    drop_file(tx, file["id"])
            except Refused as refused:
                if refused.status >= 500 or refused.status in PASSING:
                    raise
                self._save({**file, "state": "refused", "code": refused.code or str(refused.status)})
            self._changed()

    def _due(self, tx: Transaction) -> list[Json]:
        if state_of(tx)["revoked"]:
            return []
        due = []
        for file in tx.all("files"):
            job = (tx.get("replica", f"job|{file['visit']}") or {}).get("doc", {})
            required = job.get("closure", {}).get("required", [])
            if file["state"] == "linked" and (not self._metered() or _is_needed(file["role"], required)):
                due.append(file)
        return sorted(due, key=lambda file: (_rank(file), file["id"]))

    def _send(self, file: Json, interrupted: Callable[[], bool]) -> bool:
        with self._storage.transaction() as tx:
            content: bytes | None = tx.get("bytes", file["id"])
        if content is None:
            return True
        if len(content) > ONE_PUT:
            return self._resume(file, content, interrupted)
        path = self._wire.path(file["url"]) if file["url"] else f"/v1/attachments/{file['id']}/content"
        self._insist(lambda: self._wire.request("PUT", path, {"Content-Type": file["mime"]}, content))
        return True

    def _resume(self, file: Json, content: bytes, interrupted: Callable[[], bool]) -> bool:
        offset = self._offset(file["upload"]) if file["upload"] else None
        upload: str = file["upload"] if offset is not None else self._begin(file)
        offset, strikes = offset or 0, 0
        while offset < len(content):
            if interrupted():
                return False
            self._device.step("chunk")
            try:
                offset = self._patch(upload, content[offset : offset + self._chunk_bytes], offset)
                strikes = 0
            except Refused as refused:
                strikes += 1
                if refused.status not in MENDED or strikes >= STRIKES:
                    raise
                offset = self._offset(upload) or 0
        return True

    def _begin(self, file: Json) -> str:
        """The upload's address. Safe to repeat: the server knows an upload by its attachment."""
        metadata = {"attachment_id": file["id"], "sha256": file["sha256"], "filetype": file["mime"]}
        told = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())
        headers = {**TUS, "Upload-Length": str(file["bytes"]), "Upload-Metadata": told}
        answer = self._wire.request("POST", "/v1/uploads", headers)
        upload = self._wire.path(answer.headers.get("location", ""))
        self._save({**file, "upload": upload})
        return upload

    def _offset(self, upload: str) -> int | None:
        """How far the server got; None when it knows nothing of this upload any more."""
        try:
            return _reached(self._wire.request("HEAD", upload, TUS))
        except Refused as refused:
            if refused.status in (404, 410):
                return None
            raise

    def _patch(self, upload: str, chunk: bytes, offset: int) -> int:
        headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return _reached(self._wire.request("PATCH", upload, headers, chunk))

    def _insist(self, send: Callable[[], object]) -> None:
        """Bytes that were damaged on the way (460) are sent again, a few times."""
        for strike in range(1, STRIKES + 1):
            try:
                send()
            except Refused as refused:
                if refused.status != 460 or strike == STRIKES:
                    raise
            else:
                return

    def _save(self, file: Json) -> None:
        with self._storage.transaction() as tx:
            tx.put("files", file["id"], file)


def _reached(answer: Answer) -> int:
    if "upload-offset" not in answer.headers:
        raise Refused(502, {"detail": "an upload without an offset"})
    return int(answer.headers["upload-offset"])


def _rank(file: Json) -> int:
    """Signatures, photos, other files, video."""
    if file["role"].startswith("signature"):
        return 0
    return {"image": 1, "video": 3}.get(file["mime"].partition("/")[0], 2)


def _is_needed(role: str, required: list[str]) -> bool:
    """A closure asks for a `signature`, a `signature:customer`, a `photo`, a `photo:after`, or a role by its name."""
    kind = role.partition(":")[0]
    return kind == "signature" or not {role, kind, f"photo:{role}"}.isdisjoint(required)
