"""A phone in somebody's pocket: the example page in a Chromium profile of its own, behind a network of its own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.phones import Phones
from tests.clients.conftest import PROJECT
from tests.clients.network import LOST, Answer, Behaviour, Network, Request

PASSWORD = "correct horse battery staple"
EXAMPLE = PROJECT / "clients" / "typescript" / "example"
TYPES = {".html": "text/html", ".js": "text/javascript"}


def with_the_page(api: Behaviour, compiled: Path) -> Behaviour:
    """The page as if it were installed: it is always there, whatever becomes of the API."""

    def answer(request: Request) -> Answer:
        if not request.path.startswith("/app/"):
            return api(request)
        name = request.path.removeprefix("/app/")
        file = compiled / name.removeprefix("dist/") if name.startswith("dist/") else EXAMPLE / Path(name).name
        return Answer(200, {"Content-Type": TYPES[file.suffix]}, file.read_bytes())

    return answer


@dataclass
class Pocket:
    """`told`: (status, code, noop) of each report that the server answered, in the order of the answers."""

    phones: Phones
    name: str
    network: Network
    compiled: Path
    told: list[tuple[str, str | None, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = self.network.behaviour
        self._reach(self._asked)

    def order(self, do: str, *given: Any) -> Any:
        return self.phones.order(self.name, do, *given)

    def sign_in(self, email: str) -> None:
        self.order("goto", f"{self.network.url}/app/example/index.html")
        self.order("fill", "[name=username]", email)
        self.order("fill", "[name=password]", PASSWORD)
        self.order("click", "#sign-in button")
        self.order("see", "#connection", "Online")

    def press(self, *buttons: str) -> None:
        """Each in its turn, as soon as it is there."""
        for text in buttons:
            self.order("click", f'#work li button:text-is("{text}")')

    def write(self, text: str) -> None:
        self.order("fill", ".note textarea", text)
        self.press("Add note")

    def says(self, **texts: str) -> None:
        """Waits until each of these is all that the job's card says there, by the name of its class."""
        for name, text in texts.items():
            self.order("says", f"#jobs .{name}", text)

    def check(self, *, issues: Iterable[str] = (), news: Iterable[str] = (), **job: str) -> None:
        """Waits until the page shows this and nothing needs attention; without `job`, that it has none."""
        if job:
            self.says(**job)
        else:
            self.order("see", "#no-jobs", "No jobs on this device.")
            self.order("gone", "#jobs > li")
        for css, lines in {"#issues": issues, "#notice": news, "#attention": ()}.items():
            self.order("says", css, "\n".join(lines))

    def check_for_everybody(self) -> None:
        """Accessible, within the screen, reachable with a thumb."""
        assert self.order("look") == {"violations": [], "small_targets": [], "overflow_px": 0}

    def go_offline(self) -> None:
        self.order("offline", True)
        self.order("see", "#connection", "Offline")

    def restart(self) -> None:
        """The phone ran out of power where there is no network; ages of reports are unknown from now on."""
        self._reach(lambda _: LOST)
        self.order("offline", False)
        self.order("reload")

    def find_network(self) -> None:
        """After a restart; somebody presses the button."""
        self._reach(self._asked)
        self.catch_up()

    def come_back(self) -> None:
        """Into the network, which the page notices by itself."""
        self.order("offline", False)
        self.order("see", "#connection", "Online")

    def catch_up(self) -> None:
        """Twice, since the first sync may have been under way for a while."""
        for _ in range(2):
            self.order("click", "#sync:not([aria-busy])")
            self.order("see", "#sync:not([aria-busy])", "Sync now")

    def _reach(self, api: Behaviour) -> None:
        self.network.behaviour = with_the_page(api, self.compiled)

    def _asked(self, request: Request) -> Answer:
        answer = self._server(request)
        if request.operations and answer.status == 200:
            results = json.loads(answer.body)["results"]
            self.told += [(one["status"], one.get("code"), one.get("noop", False)) for one in results]
        return answer
