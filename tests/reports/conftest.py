"""A real job, played through the API from the order to the closing, and its report."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.kit.tokens import derive
from app.reports.queries import REPORT
from tests.conftest import Somebody
from tests.scene import Scene

CHECKLIST = [
    {"id": "gas", "label": {"en": "Gas is shut off", "de": "Gas ist abgestellt"}, "kind": "yes_no", "pass": True},
    {"id": "pressure", "label": "Pressure", "kind": "measurement", "unit": "mbar", "min": 18, "max": 25},
    {"id": "co", "label": "CO in the flue gas", "kind": "number", "unit": "ppm", "max": 50},
    {"id": "state", "label": "State", "kind": "choices", "choices": ["clean", "worn", "rusty"]},
    {"id": "next", "label": {"en": "Next service", "de": "Nächste Wartung"}, "kind": "date"},
    {"id": "leak", "label": "Where is the leak?", "kind": "text", "show_if": {"eq": ["answers.gas", False]}},
    {"id": "shots", "label": "Photos of the burner", "kind": "photo"},
]
POLICY = {
    "id": "report",
    "version": 1,
    "rules": [{"id": "sign", "kind": "signature", "params": {"role": "customer", "name_required": True}}],
    "report": {"send": True},
    "auto_close": True,
}
#: A Sunday, eleven in the morning in Berlin.
MORNING = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECRETS = ("The customer never pays on time", "Ring twice", "+4915112345678", "cleo@example.org", "8765", "87.65")


def a_photo(words: str, color: str, *, size: tuple[int, int] = (1280, 960)) -> bytes:
    """A boiler on a wall, more or less."""
    picture = Image.new("RGB", size, "#cfd6da")
    draw = ImageDraw.Draw(picture)
    wide, high = size
    for line in range(0, high, 48):
        draw.line([(0, line), (wide, line)], fill="#c3cbd0", width=2)
    draw.rounded_rectangle(
        [wide * 0.3, high * 0.1, wide * 0.7, high * 0.75], 30, fill="#f7f7f2", outline="#8a949c", width=5
    )
    draw.ellipse([wide * 0.45, high * 0.5, wide * 0.55, high * 0.63], fill=color, outline="#444", width=4)
    for pipe in (0.38, 0.5, 0.62):
        draw.line([(wide * pipe, high * 0.75), (wide * pipe, high)], fill="#b0713b", width=18)
    draw.text((wide * 0.36, high * 0.2), words, fill="#333", font_size=int(high * 0.06))
    out = BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def a_signature() -> bytes:
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    points = [
        (40, 140),
        (90, 50),
        (120, 160),
        (170, 60),
        (210, 150),
        (260, 80),
        (300, 140),
        (380, 90),
        (430, 150),
        (560, 70),
    ]
    draw.line(points, fill=(20, 30, 90, 255), width=6, joint="curve")
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def clock_stands() -> Iterator[time_machine.Traveller]:
    """It is Sunday morning until the story goes on."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@dataclass
class Story:
    """What was played; `work_order` as it was when it was made."""

    scene: Scene
    runtime: Runtime
    organization_id: UUID
    work_order: dict[str, Any]
    visit: dict[str, Any]
    evidence: dict[str, str]
    part_number: str
    who: Somebody

    @property
    def id(self) -> UUID:
        return UUID(self.work_order["id"])

    @property
    def path(self) -> str:
        """Of the customer's page; only the message has it."""
        return f"/r/{derive(REPORT, self.organization_id, self.runtime.secret, self.id)}"

    def report(self, **params: Any) -> Any:
        """The whole report as the office gets it."""
        path = f"/v1/work-orders/{self.id}/service-report"
        return self.scene.api.get(path, headers=self.scene.office.headers, params=params)

    def text(self, **params: Any) -> str:
        return readable(self.report(**params).text)

    def report_time(self, who: Somebody, action: str) -> None:
        """The mate reports for herself."""
        self.scene.report(self.visit["id"], action, who)

    def write(self, text: str, *, by: Somebody, internal: bool = False) -> None:
        body = {"id": str(uuid4()), "occurred_at": clock.now().isoformat(), "text": text, "internal": internal}
        self.scene.post(f"/v1/visits/{self.visit['id']}/notes", body, by=by, status=201)

    def close(self, answers: dict[str, Any], **more: Any) -> None:
        given = {"gas": True, "pressure": 1234.5, "co": 12, "state": ["clean", "worn"], "next": "2027-11-05"}
        body = {
            "id": str(uuid4()),
            "occurred_at": clock.now().isoformat(),
            "resolution_code": "part_replaced",
            "answers": {**given, "leak": "a question that nobody saw", **answers},
            "readings": [{"label": "Betriebsstunden", "value": 12345.5, "unit": "h"}],
            "tests": [{"name": "Zündung", "value": True}],
            **more,
        }
        verdict = self.scene.post(f"/v1/visits/{self.visit['id']}/closure", body, by=self.who, status=201)
        assert verdict["verdict"] in ("verified", "waived"), verdict["findings"]

    def upload(self, kind: str, tag: str, at: datetime, **more: str) -> str:
        evidence_id = str(uuid4())
        red = {"before": "#b3261e"}
        data = a_signature() if kind == "signature" else a_photo(tag.upper(), red.get(tag, "#2e7d32"))
        mime = "image/png" if kind == "signature" else "image/jpeg"
        fields = {"id": evidence_id, "kind": kind, "tag": tag, "captured_at": at.isoformat(), **more}
        answer = self.scene.api.post(
            f"/v1/visits/{self.visit['id']}/evidence",
            data=fields,
            files={"file": ("x", data, mime)},
            headers=self.who.headers,
        )
        assert answer.status_code == 201, answer.text
        return evidence_id


def readable(html: str) -> str:
    """What stands on the page, without its markup and its pictures."""
    from html import unescape

    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<img[^>]*>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


Play = Callable[..., Story]


@pytest.fixture
def play(
    clock_stands: time_machine.Traveller,
    scene: Scene,
    runtime: Runtime,
    organization: Organization,
    ana: Somebody,
    ben: Somebody,
) -> Play:
    """Plays the job: Ana and Ben mend Cleo's boiler and she signs. What is given replaces what they say."""

    def later(minutes: int) -> datetime:
        clock_stands.shift(timedelta(minutes=minutes))
        return clock.now()

    def run(
        *,
        language: str = "de",
        title: str = "Heizung ist kalt",
        note: str = "Brenner gereinigt und Düse ersetzt.\nBitte in zwei Wochen den Druck prüfen.",
        part: str = "Zündelektrode",
        answers: dict[str, Any] | None = None,
        signer: str = "Cleo Müller",
        policy: dict[str, Any] | None = None,
        photos: tuple[str, ...] = ("before", "after", "serial"),
        closure: dict[str, Any] | None = None,
        ends: bool = True,
    ) -> Story:
        speak(scene, language)
        kind = scene.work_type(f"boiler_{uuid4().hex[:6]}", checklist=CHECKLIST, closure_policy=policy or POLICY)
        number = f"EL-{uuid4().hex[:5]}"
        priced = {"number": number, "name": part, "unit_cost_minor": 8765, "currency": "EUR"}
        scene.post("/v1/parts", priced, status=201)
        order = scene.work_order(title=title, work_type_id=str(kind))
        visit = scene.dispatched(ana, order)
        assert ben.technician is not None
        scene.plan(visit["id"], "crew", {"technician_id": str(ben.technician.id)})
        story = Story(scene, runtime, organization.id, order, visit, {}, number, ana)
        scene.report(visit["id"], "depart", ana, at=later(30))
        scene.report(visit["id"], "arrive", ana, at=later(20))
        story.report_time(ben, "arrive")
        scene.report(visit["id"], "start", ana, at=later(5))
        for tag in photos:
            story.evidence[tag] = story.upload("photo", tag, later(15))
        later(25)
        story.write(note, by=ana)
        story.write(SECRETS[0], by=scene.office, internal=True)
        used = {"id": str(uuid4()), "occurred_at": clock.now().isoformat(), "part_number": number, "quantity": 1.5}
        scene.post(f"/v1/visits/{visit['id']}/parts", used, by=ana, status=201)
        if ends:
            refused = [one["role"] for one in (closure or {}).get("refused_signatures", [])]
            if "customer" not in refused:
                story.evidence["signature"] = story.upload("signature", "customer", clock.now(), signer_name=signer)
            story.close(answers or {}, **(closure or {}))
        return story

    return run


def speak(scene: Scene, language: str) -> None:
    """What Cleo speaks from now on."""
    path, headers = f"/v1/contacts/{scene.contact_id}", scene.office.headers
    contact = scene.get(path)
    answer = scene.api.patch(
        path, json={"language": language}, headers={**headers, "If-Match": f'"{contact["version"]}"'}
    )
    assert answer.status_code == 200, answer.text


class Web:
    """A browser without scripts or cookies: the pages are not part of the API's document."""

    def __init__(self, api: TestClient) -> None:
        self._api = api

    def get(self, path: str, **more: Any) -> Any:
        return TestClient.request(self._api, "GET", path, **more)

    def head(self, path: str, **more: Any) -> Any:
        return TestClient.request(self._api, "HEAD", path, **more)


@pytest.fixture
def web(api: TestClient) -> Web:
    return Web(api)
