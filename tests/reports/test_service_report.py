"""What the customer's copy says, played from a real job."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app.domain.lifecycle import Outcome, VisitStatus
from app.identity.models import Technician
from app.kit import clock
from app.visits.models import Visit
from app.work_orders.models import WorkOrder
from tests.conftest import Somebody
from tests.reports.conftest import POLICY, SECRETS, Play, readable

ALL_IN_GERMAN = """
Nord Service | Servicebericht | Heizung ist kalt | Kunde Cleo & Co | Einsatzort Bakery, Main St 1 | Anlage Boiler
Modell B-100 | Seriennummer SN1 | Gemeldet 22.11.2026 | Erledigt 22.11.2026 | Besuch 1 · 22.11.2026
Wer da war Ana, Ben
Ankunft 22.11.2026, 11:50 Uhr | Arbeitsbeginn 22.11.2026, 11:55 Uhr | Ende 22.11.2026, 13:05 Uhr
Zeit vor Ort 1 Std. 15 Min. | Ergebnis Erledigt: Teil ersetzt | Brenner gereinigt und Düse ersetzt.
Gas ist abgestellt Ja ✓ Bestanden | Pressure 1.234,5 mbar ✗ Nicht bestanden | State clean, worn
Nächste Wartung 05.11.2027 | Betriebsstunden 12.345,5 h | Zündung Bestanden | 1,5 Zündelektrode
Vorher 22.11.2026, 12:10 Uhr | Nachher 22.11.2026, 12:25 Uhr | Cleo Müller Kunde, 22.11.2026, 13:05 Uhr
Der Abschluss dieses Auftrags ist durch ein Zertifikat besiegelt. | /certificates/
Zeiten wie am Einsatzort (Europe/Berlin)
"""
ALL_IN_ENGLISH = """
Service report | Customer Cleo & Co | Equipment Boiler | Requested 22 November 2026 | Visit 1 · 22 November 2026
Arrived 22 November 2026, 11:50 | Time on site 1 h 15 min | Result Done: Part replaced | Gas is shut off Yes ✓ Passed
Pressure 1,234.5 mbar ✗ Failed | Next service 5 November 2027 | Betriebsstunden 12,345.5 h | Zündung Passed
Before 22 November 2026, 12:10 | Cleo Müller Customer, 22 November 2026, 13:05 | The closing of this job is sealed
"""


def missing(listed: str, text: str) -> list[str]:
    wanted = [part.strip() for line in listed.strip().splitlines() for part in line.split("|")]
    return [part for part in wanted if part not in text]


def test_the_report_says_all_that_was_done_in_the_language_of_the_contact(play: Play) -> None:
    answer = play(language="de").report()

    assert answer.status_code == 200
    assert answer.headers["content-language"] == "de"
    assert missing(ALL_IN_GERMAN, readable(answer.text)) == []
    assert answer.text.count("<img ") == 4


def test_who_asks_may_choose_another_language(play: Play) -> None:
    answer = play(language="de").report(lang="en-GB")

    assert answer.headers["content-language"] == "en"
    assert missing(ALL_IN_ENGLISH, readable(answer.text)) == []


@pytest.mark.parametrize("wished", ["xx", "", "en<script>"])
def test_a_language_that_is_not_offered_is_the_contacts(play: Play, wished: str) -> None:
    assert play(language="de-AT").report(lang=wished).headers["content-language"] == "de"


def test_nothing_internal_is_in_it(play: Play) -> None:
    story = play()

    text = story.text() + story.report().text.partition("<img")[0]

    assert [secret for secret in SECRETS if secret in text] == []
    assert story.who.person.email not in text


def test_questions_that_the_answers_hide_are_left_out(play: Play) -> None:
    assert "Where is the leak?" not in play().text()

    assert "Where is the leak? Under the sink" in play(answers={"gas": False, "leak": "Under the sink"}).text()


def test_before_and_after_stand_beside_each_other_and_the_rest_below(play: Play) -> None:
    html = play().report().text

    pair = html.partition('<div class="pair">')[2].partition("</div>")[0]
    assert (pair.count("<img"), "Vorher" in pair, "Nachher" in pair) == (2, True, True)
    assert html.partition('<ul class="photos">')[2].partition("</ul>")[0].count("<img") == 1


def test_a_signature_that_was_refused_is_told_with_the_reason(play: Play) -> None:
    rule = {"id": "sign", "kind": "signature", "params": {"role": "customer", "refusal_allowed": True}}
    refused = {"refused_signatures": [{"role": "customer", "reason": "Will erst den Chef fragen"}]}

    text = play(policy={**POLICY, "rules": [rule]}, closure=refused).text()

    assert "Kunde: nicht unterschrieben. Angegebener Grund: Will erst den Chef fragen" in text


def test_what_was_waived_is_told_in_our_words_and_the_reason_stays_inside(play: Play) -> None:
    rule = {"id": "list", "kind": "photo", "params": {"tag": "flue"}, "waivable_by": "technician"}
    waived = {"waivers": [{"rule_id": "list", "reason": "Cleo was rude"}]}

    text = play(policy={**POLICY, "rules": [*POLICY["rules"], rule]}, closure=waived).text()

    assert "Vereinbarte Ausnahmen Fotos wurden nicht wie geplant gemacht." in text
    assert "Cleo was rude" not in text


def test_work_that_follows_is_named(play: Play) -> None:
    story = play()
    with story.runtime.transaction(story.organization_id) as db:
        for number, more in (("WO-7", {}), ("WO-8", {"status": "canceled"})):
            order = {"number": number, "title": "Kamin fegen", "follow_up_of": story.id, **more}
            at = clock.now()
            db.add(WorkOrder(organization_id=story.organization_id, requested_at=at, recorded_at=at, **order))

    text = story.text()

    assert "Weitere Arbeiten WO-7 Kamin fegen" in text
    assert "WO-8" not in text


def test_a_correction_is_told_beside_what_was_closed(play: Play, ada: Somebody) -> None:
    story = play()
    said = {"id": str(uuid4()), "text": "Die Seriennummer heißt SN2.", "reason": "Wrong label"}
    story.scene.post(f"/v1/work-orders/{story.id}/amendments", said, by=ada, status=201)

    text = story.text()

    assert "Spätere Berichtigungen Die Seriennummer heißt SN2. 22.11.2026, 13:05 Uhr" in text
    assert "Seriennummer SN1" in text


def test_trips_that_came_to_nothing_are_told_only_when_somebody_was_there(play: Play) -> None:
    story = play()
    at = clock.now()
    with story.runtime.transaction(story.organization_id) as db:
        tom = Technician(organization_id=story.organization_id, name="Tom")
        db.add(tom)
        db.flush()
        fields: dict[str, Any] = {"work_order_id": story.id, "technician_id": tom.id, "recorded_at": at}
        fields["organization_id"] = story.organization_id
        ended = {"outcome": Outcome.NOT_RESOLVED, "incomplete_reason": "parts", "ended_at": at}
        db.add(Visit(number=2, status=VisitStatus.NO_SHOW, **fields))
        db.add(Visit(number=3, status=VisitStatus.INCOMPLETE, arrived_at=at - timedelta(hours=1), **ended, **fields))

    text = story.text()

    assert "Besuch 2" not in text
    assert "Besuch 3 · 22.11.2026 Wer da war Tom" in text
    assert "Ergebnis Noch nicht fertig: es werden Teile gebraucht" in text


def test_parts_that_were_put_back_were_not_used(play: Play) -> None:
    story = play(ends=False)
    back = {"occurred_at": clock.now().isoformat(), "part_number": story.part_number, "kind": "returned"}
    for quantity, left in ((0.25, "1,25 Zündelektrode"), (1.25, "")):
        body = {"id": str(uuid4()), "quantity": quantity, **back}
        story.scene.post(f"/v1/visits/{story.visit['id']}/parts", body, by=story.who, status=201)
        text = story.text()
        assert left in text
    assert "Zündelektrode" not in text


def test_a_job_that_nobody_has_been_to_is_a_report_too(play: Play, scene: Any) -> None:
    order = scene.work_order()

    answer = scene.api.get(f"/v1/work-orders/{order['id']}/service-report", headers=scene.office.headers)

    assert answer.status_code == 200
    assert "Nobody has been there yet." in answer.text


def test_work_that_was_opened_again_shows_no_certificate(play: Play, clock_stands: time_machine.Traveller) -> None:
    story = play()
    assert "/certificates/" in story.text()

    story.scene.act(str(story.id), "reopening", {"reason": "It is cold again"})

    assert "/certificates/" not in story.text()


def test_the_crew_reads_it_and_strangers_do_not(play: Play, ben: Somebody, tom: Somebody) -> None:
    story = play()
    path = f"/v1/work-orders/{story.id}/service-report"

    answers = [story.scene.api.get(path, headers=who.headers).status_code for who in (story.who, ben, tom)]

    assert answers == [200, 200, 404]
    assert story.scene.api.get(path, headers={}).status_code == 401
