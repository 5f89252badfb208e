"""What the evaluator says to people, by language. The office's own words for a rule stand above these.

The TypeScript client has the same table, written from this one by `scripts/closure-vectors`. A place holder is a word
in braces; what is put in is never searched for place holders again.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.domain.conditions import is_number, is_text

ENGLISH: Mapping[str, str] = {
    "checklist": "The checklist must be filled in.",
    "checklist.fix": "Answer, or put right: {items}.",
    "photo": "At least {needed} photo must be taken.",
    "photo.fix": "Take {more} more photo here and now.",
    "photo.tagged": "At least {needed} photo “{tag}” must be taken.",
    "photo.tagged.fix": "Take {more} more photo “{tag}” here and now.",
    "signature": "The {role} must sign.",
    "signature.fix": "Get the {role}'s signature.",
    "signature.fix.or_refused": "Get the {role}'s signature, or say why it is refused.",
    "signature.fix.name": "Write down the name of the person who signs.",
    "signature.fix.bound": "Show the {role} the summary as it is now, and let it be signed again.",
    "role.customer": "customer",
    "role.technician": "technician",
    "role.witness": "witness",
    "customer_code": "The customer's code must be given.",
    "customer_code.fix.none": "Ask the customer for the code.",
    "customer_code.fix.wrong": "The code is wrong: ask the customer for it again.",
    "customer_code.fix.expired": "The code is no longer good: have the office send a new one.",
    "customer_code.fix.locked": "Too many wrong codes: have the office send a new one.",
    "customer_code.fix.online": "The code must be checked by the server: send it when there is network.",
    "customer_confirm": "The customer must confirm that the work is done.",
    "customer_confirm.fix.no": "A supervisor talks to the customer.",
    "customer_confirm.fix.not_answered": "The customer has not answered: a supervisor decides.",
    "resolution_codes": "What was done must be coded.",
    "resolution_codes.fix": "Give a resolution code.",
    "resolution_codes.fix.listed": "Choose a resolution code: {codes}.",
    "resolution_codes.fix.cause": "Choose a cause code: {codes}.",
    "parts_declared": "Parts must be declared.",
    "parts_declared.fix": "Record the parts that were used, or say that none were.",
    "labor_present": "At least {minutes} min of work must be recorded.",
    "labor_present.fix": "Record when the work began and ended.",
    "duration_sanity": "The time worked must fit the estimate.",
    "duration_sanity.fix": "Check the times of work: {worked} min were recorded, {estimated} min were estimated.",
    "meter": "The reading “{label}” must be taken, {range}.",
    "meter.any": "The reading “{label}” must be taken.",
    "meter.fix": "Read “{label}” and write it down.",
    "meter.fix.range": "“{label}” is out of range: put it right and read it again.",
    "serial_scan": "The serial number must be scanned.",
    "serial_scan.fix": "Scan the serial number.",
    "serial_scan.fix.other": "That is another serial number: scan the one of this unit.",
    "functional_test": "The test “{name}” must be passed.",
    "functional_test.fix": "Do the test “{name}” and write down the result.",
    "functional_test.fix.failed": "“{name}” was not passed: put it right and test again.",
    "geo_presence": "The technician must have been at most {radius} m from the site.",
    "geo_presence.fix": "Report your arrival again at the site, with the location switched on.",
    "no_open_items": "Nothing may be left open.",
    "no_open_items.fix": "Finish first: {items}.",
    "open.tasks": "{count} open tasks",
    "open.returns": "{count} parts to return",
    "open.requests": "{count} open requests",
    "range.between": "between {min} and {max}",
    "range.from": "at least {min}",
    "range.to": "at most {max}",
    "evidence": "Photos or signatures are still on the device.",
    "evidence.fix": "Let the device upload.",
    "evidence.waived": "Photos or signatures never came.",
    "review": "A supervisor looks at this before it is closed.",
}
GERMAN: Mapping[str, str] = {
    "checklist": "Die Checkliste muss ausgefüllt werden.",
    "checklist.fix": "Beantworten oder berichtigen: {items}.",
    "photo": "Fotos nötig: mindestens {needed}.",
    "photo.fix": "Jetzt vor Ort noch aufnehmen: {more} Foto(s).",
    "photo.tagged": "Fotos „{tag}“ nötig: mindestens {needed}.",
    "photo.tagged.fix": "Jetzt vor Ort noch aufnehmen: {more} Foto(s) „{tag}“.",
    "signature": "Unterschrift nötig: {role}.",
    "signature.fix": "Unterschrift einholen: {role}.",
    "signature.fix.or_refused": "Unterschrift einholen ({role}) oder angeben, warum sie verweigert wird.",
    "signature.fix.name": "Den Namen der Person notieren, die unterschreibt.",
    "signature.fix.bound": "Die Zusammenfassung in ihrem jetzigen Stand zeigen und neu unterschreiben lassen: {role}.",
    "role.customer": "Kunde",
    "role.technician": "Techniker",
    "role.witness": "Zeuge",
    "customer_code": "Der Code des Kunden muss eingegeben werden.",
    "customer_code.fix.none": "Den Kunden nach dem Code fragen.",
    "customer_code.fix.wrong": "Der Code ist falsch: noch einmal beim Kunden nachfragen.",
    "customer_code.fix.expired": "Der Code gilt nicht mehr: vom Büro einen neuen senden lassen.",
    "customer_code.fix.locked": "Zu viele falsche Codes: vom Büro einen neuen senden lassen.",
    "customer_code.fix.online": "Der Server muss den Code prüfen: senden, sobald Netz da ist.",
    "customer_confirm": "Der Kunde muss bestätigen, dass die Arbeit erledigt ist.",
    "customer_confirm.fix.no": "Die Einsatzleitung spricht mit dem Kunden.",
    "customer_confirm.fix.not_answered": "Der Kunde hat nicht geantwortet: die Einsatzleitung entscheidet.",
    "resolution_codes": "Was getan wurde, muss mit einem Code angegeben werden.",
    "resolution_codes.fix": "Einen Lösungscode angeben.",
    "resolution_codes.fix.listed": "Einen Lösungscode wählen: {codes}.",
    "resolution_codes.fix.cause": "Einen Ursachencode wählen: {codes}.",
    "parts_declared": "Die verbrauchten Teile müssen angegeben werden.",
    "parts_declared.fix": "Die verbrauchten Teile erfassen oder angeben, dass keine verbraucht wurden.",
    "labor_present": "Arbeitszeit nötig: mindestens {minutes} min.",
    "labor_present.fix": "Beginn und Ende der Arbeit erfassen.",
    "duration_sanity": "Die Arbeitszeit muss zur Schätzung passen.",
    "duration_sanity.fix": "Die Arbeitszeiten prüfen: erfasst {worked} min, geschätzt {estimated} min.",
    "meter": "Messwert „{label}“ nötig, {range}.",
    "meter.any": "Messwert „{label}“ nötig.",
    "meter.fix": "„{label}“ ablesen und eintragen.",
    "meter.fix.range": "„{label}“ liegt außerhalb des Bereichs: in Ordnung bringen und neu ablesen.",
    "serial_scan": "Die Seriennummer muss gescannt werden.",
    "serial_scan.fix": "Die Seriennummer scannen.",
    "serial_scan.fix.other": "Das ist eine andere Seriennummer: die dieses Geräts scannen.",
    "functional_test": "Der Test „{name}“ muss bestanden werden.",
    "functional_test.fix": "Den Test „{name}“ durchführen und das Ergebnis eintragen.",
    "functional_test.fix.failed": "„{name}“ wurde nicht bestanden: in Ordnung bringen und neu testen.",
    "geo_presence": "Der Techniker muss höchstens {radius} m vom Einsatzort entfernt gewesen sein.",
    "geo_presence.fix": "Die Ankunft vor Ort mit eingeschalteter Ortung noch einmal melden.",
    "no_open_items": "Es darf nichts offen bleiben.",
    "no_open_items.fix": "Zuerst erledigen: {items}.",
    "open.tasks": "{count} offene Aufgaben",
    "open.returns": "{count} zurückzugebende Teile",
    "open.requests": "{count} offene Anfragen",
    "range.between": "zwischen {min} und {max}",
    "range.from": "mindestens {min}",
    "range.to": "höchstens {max}",
    "evidence": "Fotos oder Unterschriften sind noch auf dem Gerät.",
    "evidence.fix": "Das Gerät hochladen lassen.",
    "evidence.waived": "Fotos oder Unterschriften sind nie angekommen.",
    "review": "Die Einsatzleitung prüft dies vor dem Abschluss.",
}
TEXTS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}
_PLACE = re.compile(r"\{([a-z]+)\}")


def say(language: str, key: str, **values: Any) -> str:
    """The text in the language (`de-AT`: else in `de`, else in English), with the values put in."""
    table = TEXTS.get(language) or TEXTS.get(_first_part(language)) or ENGLISH
    return _PLACE.sub(lambda found: _in_text(values.get(found[1], "")), table[key])


def in_language(texts: Any, language: str) -> str:
    """What the office wrote: one text, or one by language: this one, its first part, English, else any.

    "Any" is the first by code points. Blank texts are none; without any it is empty.
    """
    if isinstance(texts, str):
        return texts if is_text(texts) else ""
    if not isinstance(texts, Mapping):
        return ""
    order = [language, _first_part(language), "en", *sorted(name for name in texts if isinstance(name, str))]
    return next((texts[name] for name in order if is_text(texts.get(name))), "")


def _first_part(language: str) -> str:
    return language.partition("-")[0]


def _in_text(value: Any) -> str:
    return number_text(value) if is_number(value) else str(value)


def number_text(value: float) -> str:
    """A number as JavaScript writes it: 3.0 is `3`, 1e21 is `1e+21`, 1e-7 is `1e-7`.

    Source: ECMA-262, Number::toString. Both languages take the fewest digits that give the same double.
    """
    number = float(value)
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    figures = (whole + fraction).lstrip("0")
    point = len(figures) - len(fraction) + int(exponent or 0)
    return sign + _placed(figures.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Digits with the decimal point before the one at `point`, or with an exponent where the number is far from 1."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    exponent = f"e{'+' if power > 0 else '-'}{abs(power)}"
    return (f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits) + exponent
