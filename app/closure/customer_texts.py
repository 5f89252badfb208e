"""What customers read about their code and their confirmation, by language. `CustomerTexts` has no defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.kit.pages import language_among


@dataclass(frozen=True, slots=True)
class CustomerTexts:
    greeting: str
    or_open: str
    work_order: str
    date: str
    place: str
    technician: str
    what: str
    result: str
    parts: str

    code_subject: str
    code_title: str
    code_why: str
    code_when: str
    code_until: str
    code_button: str
    code_sms: str
    code_link_sms: str
    code_gone_title: str
    code_gone: str
    code_used_title: str
    code_used: str

    confirm_subject: str
    confirm_title: str
    confirm_mail: str
    confirm_button: str
    confirm_sms: str
    confirm_ask: str
    confirm_yes: str
    confirm_no: str
    confirm_text: str
    optional: str
    confirm_send: str
    confirm_choose: str
    form_too_old: str
    thanks_title: str
    thanks_yes: str
    thanks_no: str
    you_wrote: str
    over_title: str
    over: str
    unknown_title: str
    unknown: str
    privacy: str


EN = CustomerTexts(
    greeting="Hello {name},",
    or_open="Or open this link:",
    work_order="Work order",
    date="Date",
    place="Place",
    technician="Technician",
    what="Work",
    result="Result",
    parts="Parts",
    code_subject="Your code for {number}",
    code_title="Your code",
    code_why="somebody of ours is coming for work order {number}.",
    code_when="Tell our technician this code when the work is done, and not before.",
    code_until="It is good until {until}.",
    code_button="Show the code",
    code_sms="{company}: your code for {number} is {code}. Tell our technician when the work is done, not before.",
    code_link_sms="{company}: your code for {number}: {link} Tell our technician when the work is done, not before.",
    code_gone_title="This code is no longer good",
    code_gone="There is a newer one, or its time is over. Please look at our last message, or ask us.",
    code_used_title="Thank you",
    code_used="This code was used. There is nothing left to do.",
    confirm_subject="Is the work done? {number}",
    confirm_title="Is the work done?",
    confirm_mail="we have worked for you: {title} ({number}). Please tell us whether it is done.",
    confirm_button="Answer now",
    confirm_sms="{company}: we have worked for you ({number}). Is it done? Please tell us: {link}",
    confirm_ask="Is the work done to your satisfaction?",
    confirm_yes="Yes, it is done",
    confirm_no="No, something is not right",
    confirm_text="What should we know?",
    optional="(optional)",
    confirm_send="Send answer",
    confirm_choose="Please choose yes or no first.",
    form_too_old="This page was open for too long. Please send your answer once more.",
    thanks_title="Thank you!",
    thanks_yes="You told us that the work is done.",
    thanks_no="You told us that something is not right. Somebody of ours will look at it.",
    you_wrote="You wrote:",
    over_title="This question is closed",
    over="Thank you for coming back. We no longer need an answer. If something is not right, please call us.",
    unknown_title="There is nothing here",
    unknown="Please check that you have copied the whole link.",
    privacy="Only {company} reads your answer.",
)

DE = CustomerTexts(
    greeting="Guten Tag {name},",
    or_open="Oder öffnen Sie diesen Link:",
    work_order="Auftrag",
    date="Datum",
    place="Ort",
    technician="Techniker",
    what="Arbeit",
    result="Ergebnis",
    parts="Teile",
    code_subject="Ihr Code für {number}",
    code_title="Ihr Code",
    code_why="jemand von uns kommt zu Ihnen wegen Auftrag {number}.",
    code_when="Nennen Sie unserem Techniker diesen Code, wenn die Arbeit erledigt ist, und nicht früher.",
    code_until="Er gilt bis {until}.",
    code_button="Code anzeigen",
    code_sms="{company}: Ihr Code für {number} ist {code}. Nennen Sie ihn erst, wenn die Arbeit erledigt ist.",
    code_link_sms="{company}: Ihr Code für {number}: {link} Nennen Sie ihn erst, wenn die Arbeit erledigt ist.",
    code_gone_title="Dieser Code gilt nicht mehr",
    code_gone="Es gibt einen neueren, oder seine Zeit ist um. Bitte sehen Sie in unsere letzte Nachricht.",
    code_used_title="Vielen Dank",
    code_used="Dieser Code wurde benutzt. Es ist nichts mehr zu tun.",
    confirm_subject="Ist die Arbeit erledigt? {number}",
    confirm_title="Ist die Arbeit erledigt?",
    confirm_mail="wir haben für Sie gearbeitet: {title} ({number}). Bitte sagen Sie uns, ob alles erledigt ist.",
    confirm_button="Jetzt antworten",
    confirm_sms="{company}: Wir haben für Sie gearbeitet ({number}). Ist alles erledigt? Bitte antworten Sie: {link}",
    confirm_ask="Ist die Arbeit zu Ihrer Zufriedenheit erledigt?",
    confirm_yes="Ja, sie ist erledigt",
    confirm_no="Nein, etwas stimmt nicht",
    confirm_text="Was sollten wir wissen?",
    optional="(freiwillig)",
    confirm_send="Antwort senden",
    confirm_choose="Bitte wählen Sie zuerst Ja oder Nein.",
    form_too_old="Diese Seite war zu lange offen. Bitte senden Sie Ihre Antwort noch einmal.",
    thanks_title="Vielen Dank!",
    thanks_yes="Sie haben uns gesagt, dass die Arbeit erledigt ist.",
    thanks_no="Sie haben uns gesagt, dass etwas nicht stimmt. Wir kümmern uns darum.",
    you_wrote="Sie schrieben:",
    over_title="Diese Frage ist abgeschlossen",
    over="Wir brauchen keine Antwort mehr. Wenn etwas nicht stimmt, rufen Sie uns bitte an.",
    unknown_title="Hier ist nichts",
    unknown="Bitte prüfen Sie, ob Sie den ganzen Link kopiert haben.",
    privacy="Nur {company} liest Ihre Antwort.",
)

LANGUAGES: Mapping[str, CustomerTexts] = {"en": EN, "de": DE}


def texts_in(language: str | None) -> tuple[str, CustomerTexts]:
    """The language's code and texts; English when it is not offered (`de-AT` is offered: it is `de`)."""
    code = language_among(LANGUAGES, language)
    return code, LANGUAGES[code]
