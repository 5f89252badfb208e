"""Signing in and registering the device: where the client's token comes from. A program may bring its own way."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from firstfix_offline.exchange import Limits
from firstfix_offline.storage import Storage
from firstfix_offline.wire import NoNetwork, Transport

Json = dict[str, Any]


class SignedOut(Exception):
    """The person has to sign in (again)."""


class DeviceSession:
    def __init__(self, transport: Transport, storage: Storage) -> None:
        self._transport = transport
        self._storage = storage

    def sign_in(self, username: str, password: str, device: Mapping[str, Any]) -> Limits:
        """Sign the person in and register this device (`device_id`, `platform`, `app_version`, …).

        Raises:
            SignedOut: the password is wrong.
            NoNetwork: nobody answered.
        """
        form = {"grant_type": "password", "username": username, "password": password, "device_id": device["device_id"]}
        granted = self._post("/oauth/token", urlencode(form), {})
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        given = self._post("/v1/devices", json.dumps({"rep": 1, **device}), headers)
        self._keep({"token": given["token"], "refresh_token": given["refresh_token"], "limits": given["limits"]})
        return self.limits()

    def token(self) -> str:
        return str(self._kept()["token"])

    def limits(self) -> Limits:
        told = self._kept()["limits"]
        return Limits(**{name: told[name] for name in Limits.__slots__ if name in told})

    def refresh(self) -> None:
        """Get a new token.

        Raises:
            SignedOut: the person has to sign in again.
            NoNetwork: nobody answered.
        """
        kept = self._kept()
        form = {"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]}
        given = self._post("/oauth/token", urlencode(form), {})
        renewed = given.get("refresh_token") or kept["refresh_token"]
        self._keep({**kept, "token": given["access_token"], "refresh_token": renewed})

    def sign_out(self) -> None:
        """End the session on this device; reports that were not sent stay where they are."""
        with self._storage.transaction() as tx:
            tx.delete("meta", "session")

    def _kept(self) -> Json:
        with self._storage.transaction() as tx:
            kept: Json | None = tx.get("meta", "session")
        if kept is None:
            raise SignedOut("Nobody is signed in.")
        return kept

    def _keep(self, kept: Json) -> None:
        with self._storage.transaction() as tx:
            tx.put("meta", "session", kept)

    def _post(self, path: str, body: str, headers: Mapping[str, str]) -> Json:
        type_ = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
        try:
            status, _, content = self._transport.send("POST", path, {"Content-Type": type_, **headers}, body.encode())
            given = json.loads(content)
        except (OSError, ValueError) as error:
            raise NoNetwork(str(error)) from error
        if status >= 500 or not isinstance(given, dict):
            raise NoNetwork(f"the server is not well: {status}")
        if status >= 400:
            raise SignedOut(given.get("detail") or given.get("error_description") or str(status))
        if not given.keys() & {"access_token", "token"}:
            raise NoNetwork("an answer without a token")
        return given
