"""What the customer reads, by language. A language is complete or it is not offered: `Texts` has no defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.kit.pages import language_among


@dataclass(frozen=True, slots=True)
class Texts:
    """`scale` names the ends of each kind of scale; `words` names every step where people say a word, not a number."""

    title: str
    intro: str
    csat: str
    nps: str
    ces: str
    text: str
    optional: str
    scale: Mapping[str, tuple[str, str]]
    words: Mapping[str, tuple[str, ...]]
    send: str
    change: str
    privacy: str
    please_choose: str
    form_too_old: str
    thanks_title: str
    thanks: str
    change_until: str
    change_title: str
    closed_title: str
    closed: str
    expired_title: str
    expired: str
    unknown_title: str
    unknown: str
    subject: str
    mail_greeting: str
    mail_why: str
    mail_button: str
    mail_or: str
    unsubscribe: str
    unsubscribe_title: str
    unsubscribe_ask: str
    unsubscribed_title: str
    unsubscribed: str
    report: str
    sms: str
    sms_report: str
    stop: str


EN = Texts(
    title="How did we do?",
    intro="{company} finished {work} for you. Your answer helps us do better.",
    csat="How satisfied are you with this visit?",
    nps="How likely are you to recommend us to a friend or colleague?",
    ces="How easy was it to get this done?",
    text="Anything you would like to tell us?",
    optional="(optional)",
    scale={
        "csat": ("Very dissatisfied", "Very satisfied"),
        "nps": ("Not at all likely", "Extremely likely"),
        "ces": ("Very difficult", "Very easy"),
    },
    words={"csat": ("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied")},
    send="Send answer",
    change="Send changed answer",
    privacy="Only {company} reads your answer.",
    please_choose="Please choose a number first.",
    form_too_old="This page was open for too long. Please send your answer once more.",
    thanks_title="Thank you!",
    thanks="We have your answer.",
    change_until="You can change it until {until}.",
    change_title="Change your answer",
    closed_title="Thank you, we have your answer",
    closed="It can no longer be changed.",
    expired_title="This link has expired",
    expired="Thank you for coming back. This survey is closed.",
    unknown_title="There is nothing here",
    unknown="Please check that you have copied the whole link.",
    subject="How did we do? {work}",
    mail_greeting="Hello {name},",
    mail_why="we have finished {work} for you. Would you tell us how it went? It takes less than a minute.",
    mail_button="Answer now",
    mail_or="Or open this link:",
    unsubscribe="Don't ask me again",
    unsubscribe_title="No more surveys?",
    unsubscribe_ask="We will no longer ask you how a visit went.",
    unsubscribed_title="Done",
    unsubscribed="We will not ask you again.",
    report="See what we did: your service report",
    sms="{company}: {work} is done. How did we do? {link}",
    sms_report="Report: {link}",
    stop="Reply STOP to opt out",
)

ES = Texts(
    title="¿Qué tal lo hicimos?",
    intro="{company} ha terminado {work}. Su respuesta nos ayuda a mejorar.",
    csat="¿Qué tan satisfecho está con esta visita?",
    nps="¿Qué probabilidad hay de que nos recomiende a un amigo o colega?",
    ces="¿Qué tan fácil fue resolverlo?",
    text="¿Quiere contarnos algo más?",
    optional="(opcional)",
    scale={
        "csat": ("Muy insatisfecho", "Muy satisfecho"),
        "nps": ("Nada probable", "Muy probable"),
        "ces": ("Muy difícil", "Muy fácil"),
    },
    words={"csat": ("Muy insatisfecho", "Insatisfecho", "Ni lo uno ni lo otro", "Satisfecho", "Muy satisfecho")},
    send="Enviar respuesta",
    change="Enviar respuesta cambiada",
    privacy="Solo {company} lee su respuesta.",
    please_choose="Elija primero un número.",
    form_too_old="Esta página estuvo abierta demasiado tiempo. Envíe su respuesta otra vez, por favor.",
    thanks_title="¡Gracias!",
    thanks="Hemos recibido su respuesta.",
    change_until="Puede cambiarla hasta el {until}.",
    change_title="Cambiar su respuesta",
    closed_title="Gracias, ya tenemos su respuesta",
    closed="Ya no se puede cambiar.",
    expired_title="Este enlace ha caducado",
    expired="Gracias por volver. Esta encuesta está cerrada.",
    unknown_title="Aquí no hay nada",
    unknown="Compruebe que ha copiado el enlace completo.",
    subject="¿Qué tal lo hicimos? {work}",
    mail_greeting="Hola, {name}:",
    mail_why="hemos terminado {work}. ¿Nos cuenta cómo fue? Le llevará menos de un minuto.",
    mail_button="Responder ahora",
    mail_or="O abra este enlace:",
    unsubscribe="No me pregunten más",
    unsubscribe_title="¿No más encuestas?",
    unsubscribe_ask="Ya no le preguntaremos cómo fue una visita.",
    unsubscribed_title="Hecho",
    unsubscribed="No volveremos a preguntarle.",
    report="Vea lo que hicimos: su informe de servicio",
    sms="{company}: {work} terminado. ¿Qué tal lo hicimos? {link}",
    sms_report="Informe: {link}",
    stop="Responda STOP para no recibir más",
)

DE = Texts(
    title="Wie waren wir?",
    intro="{company} hat {work} für Sie erledigt. Ihre Antwort hilft uns, besser zu werden.",
    csat="Wie zufrieden sind Sie mit diesem Besuch?",
    nps="Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
    ces="Wie einfach war es für Sie?",
    text="Möchten Sie uns noch etwas sagen?",
    optional="(freiwillig)",
    scale={
        "csat": ("Sehr unzufrieden", "Sehr zufrieden"),
        "nps": ("Unwahrscheinlich", "Sehr wahrscheinlich"),
        "ces": ("Sehr schwierig", "Sehr einfach"),
    },
    words={"csat": ("Sehr unzufrieden", "Unzufrieden", "Weder noch", "Zufrieden", "Sehr zufrieden")},
    send="Antwort senden",
    change="Geänderte Antwort senden",
    privacy="Nur {company} liest Ihre Antwort.",
    please_choose="Bitte wählen Sie zuerst eine Zahl.",
    form_too_old="Diese Seite war zu lange offen. Bitte senden Sie Ihre Antwort noch einmal.",
    thanks_title="Vielen Dank!",
    thanks="Wir haben Ihre Antwort erhalten.",
    change_until="Sie können sie bis {until} ändern.",
    change_title="Antwort ändern",
    closed_title="Danke, wir haben Ihre Antwort",
    closed="Sie kann nicht mehr geändert werden.",
    expired_title="Dieser Link ist abgelaufen",
    expired="Danke, dass Sie noch einmal vorbeischauen. Diese Umfrage ist geschlossen.",
    unknown_title="Hier ist nichts",
    unknown="Bitte prüfen Sie, ob Sie den ganzen Link kopiert haben.",
    subject="Wie waren wir? {work}",
    mail_greeting="Guten Tag {name},",
    mail_why="wir haben {work} für Sie erledigt. Sagen Sie uns, wie es war? Es dauert keine Minute.",
    mail_button="Jetzt antworten",
    mail_or="Oder öffnen Sie diesen Link:",
    unsubscribe="Nicht mehr fragen",
    unsubscribe_title="Keine Umfragen mehr?",
    unsubscribe_ask="Wir fragen Sie dann nicht mehr, wie ein Besuch war.",
    unsubscribed_title="Erledigt",
    unsubscribed="Wir fragen Sie nicht mehr.",
    report="Was wir gemacht haben: Ihr Servicebericht",
    sms="{company}: {work} ist erledigt. Wie waren wir? {link}",
    sms_report="Bericht: {link}",
    stop="Antworten Sie STOP, um keine mehr zu erhalten",
)

LANGUAGES: Mapping[str, Texts] = {"en": EN, "es": ES, "de": DE}


def texts_in(language: str | None) -> tuple[str, Texts]:
    """The language's code and texts; English when it is not offered (`de-AT` is offered: it is `de`)."""
    code = language_among(LANGUAGES, language)
    return code, LANGUAGES[code]
