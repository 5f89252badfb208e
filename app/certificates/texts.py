"""What a certificate's page says, by language. A language is complete or it is not offered: `Texts` has no defaults."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """`date`: how a day and a time are written (`strftime`). `verdicts`, `parts`, `what`: our words in people's."""

    title: str
    closed: str
    good: str
    good_text: str
    bad: str
    bad_text: str
    number: str
    kind_of_work: str
    requested: str
    completed: str
    closed_at: str
    verdict: str
    visits: str
    proof: str
    photos: str
    signatures: str
    refused: str
    waivers: str
    revision: str
    of_revisions: str
    newer: str
    newer_link: str
    later: str
    amendments: str
    amended: str
    sealed: str
    position: str
    sha256: str
    key: str
    keys: str
    code: str
    scan: str
    differences: str
    unknown_title: str
    unknown: str
    amendment_title: str
    amendment: str
    date: str
    verdicts: Mapping[str, str]
    what: Mapping[str, str]
    parts: Mapping[str, str]


EN = Texts(
    title="Certificate {code}",
    closed="Work order {number} is done",
    good="Verified",
    good_text="Everything that was sealed is unchanged. This was checked just now.",
    bad="Not as it was sealed",
    bad_text="Something has been changed since this certificate was sealed. This was checked just now.",
    number="Work order",
    kind_of_work="Kind of work",
    requested="Requested",
    completed="Completed",
    closed_at="Closed",
    verdict="Proof",
    visits="Visits",
    proof="Kept as proof",
    photos="photos: {n}",
    signatures="signatures: {n}",
    refused="refused signatures: {n}",
    waivers="Rules waived",
    revision="Revision",
    of_revisions="{n} of {total}",
    newer="The work was opened and closed again. This certificate is about the closing before.",
    newer_link="See the newest certificate",
    later="Recorded after the closing: {n}. Nothing of it changes what was sealed.",
    amendments="Amendments",
    amended="Amendment {n} of {at}",
    sealed="Sealed",
    position="Place in the chain",
    sha256="SHA-256",
    key="Key",
    keys="Public keys",
    code="Code",
    scan="This code leads to this page",
    differences="What is not as it was",
    unknown_title="There is no such certificate",
    unknown="Please check the code: four groups of four letters and digits.",
    amendment_title="An amendment",
    amendment="It was added to closed work that has no certificate of its own.",
    date="%-d %B %Y, %H:%M %Z",
    verdicts={
        "verified": "proven",
        "waived": "proven, with rules waived",
        "pending_review": "closed while waiting for a review",
        "awaiting_evidence": "closed while evidence was missing",
        "changes_requested": "closed after changes were asked for",
        "rejected": "rejected",
        "none": "closed without a list of proof",
    },
    what={"changed": "changed", "missing": "missing", "added": "added"},
    parts={
        "document": "the certificate",
        "certificate": "the certificate",
        "signature": "the certificate's signature",
        "key": "the key of the certificate",
        "chain": "the chain of certificates",
        "certificates": "a certificate",
        "events": "what happened",
        "work_order": "the work order",
        "subject": "the place or the device",
        "visits": "a visit",
        "closures": "what the technician submitted",
        "answers": "an answer of the checklist",
        "evidence": "a photo or signature",
        "signatures": "a signature",
        "bytes": "the picture of a photo or signature",
        "waivers": "a waiver",
        "codes": "the customer's code",
        "confirmations": "the customer's confirmation",
        "movements": "a used part",
        "terms": "the rules that counted",
        "amendments": "an amendment",
        "caches": "what is shown of the work order",
    },
)

DE = Texts(
    title="Zertifikat {code}",
    closed="Auftrag {number} ist erledigt",
    good="Geprüft",
    good_text="Alles, was besiegelt wurde, ist unverändert. Das wurde soeben geprüft.",
    bad="Nicht wie besiegelt",
    bad_text="Seit dieses Zertifikat besiegelt wurde, ist etwas verändert worden. Das wurde soeben geprüft.",
    number="Auftrag",
    kind_of_work="Art der Arbeit",
    requested="Angefragt",
    completed="Erledigt",
    closed_at="Abgeschlossen",
    verdict="Nachweis",
    visits="Besuche",
    proof="Als Nachweis aufbewahrt",
    photos="Fotos: {n}",
    signatures="Unterschriften: {n}",
    refused="verweigerte Unterschriften: {n}",
    waivers="Erlassene Regeln",
    revision="Fassung",
    of_revisions="{n} von {total}",
    newer="Die Arbeit wurde wieder geöffnet und erneut abgeschlossen. Dieses Zertifikat gilt dem Abschluss davor.",
    newer_link="Zum neuesten Zertifikat",
    later="Nach dem Abschluss festgehalten: {n}. Nichts davon ändert, was besiegelt wurde.",
    amendments="Nachträge",
    amended="Nachtrag {n} vom {at}",
    sealed="Besiegelt",
    position="Platz in der Kette",
    sha256="SHA-256",
    key="Schlüssel",
    keys="Öffentliche Schlüssel",
    code="Code",
    scan="Dieser Code führt auf diese Seite",
    differences="Was nicht mehr so ist",
    unknown_title="Dieses Zertifikat gibt es nicht",
    unknown="Bitte prüfen Sie den Code: vier Gruppen aus vier Buchstaben und Ziffern.",
    amendment_title="Ein Nachtrag",
    amendment="Er gehört zu abgeschlossener Arbeit, die selbst kein Zertifikat hat.",
    date="%d.%m.%Y, %H:%M %Z",
    verdicts={
        "verified": "nachgewiesen",
        "waived": "nachgewiesen, mit erlassenen Regeln",
        "pending_review": "abgeschlossen, während eine Prüfung ausstand",
        "awaiting_evidence": "abgeschlossen, während Nachweise fehlten",
        "changes_requested": "abgeschlossen, nachdem Änderungen verlangt waren",
        "rejected": "abgelehnt",
        "none": "ohne Nachweisliste abgeschlossen",
    },
    what={"changed": "verändert", "missing": "fehlt", "added": "hinzugefügt"},
    parts={
        "document": "das Zertifikat",
        "certificate": "das Zertifikat",
        "signature": "die Signatur des Zertifikats",
        "key": "der Schlüssel des Zertifikats",
        "chain": "die Kette der Zertifikate",
        "certificates": "ein Zertifikat",
        "events": "was geschehen ist",
        "work_order": "der Auftrag",
        "subject": "der Ort oder das Gerät",
        "visits": "ein Besuch",
        "closures": "was der Techniker eingereicht hat",
        "answers": "eine Antwort der Checkliste",
        "evidence": "ein Foto oder eine Unterschrift",
        "signatures": "eine Unterschrift",
        "bytes": "das Bild eines Fotos oder einer Unterschrift",
        "waivers": "ein Erlass",
        "codes": "der Code des Kunden",
        "confirmations": "die Bestätigung des Kunden",
        "movements": "ein verbautes Teil",
        "terms": "die Regeln, die galten",
        "amendments": "ein Nachtrag",
        "caches": "was vom Auftrag gezeigt wird",
    },
)

LANGUAGES: Mapping[str, Texts] = {"en": EN, "de": DE}
