"""What `scripts/closure-vectors` writes: openapi/closure-vectors, and the texts of the TypeScript client."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.domain.checklist import expanded, follow_ups, items_of, judge
from app.domain.closure import draw_of
from app.domain.closure_case import evaluate_case
from app.domain.closure_texts import TEXTS, number_text
from app.domain.conditions import BLANKS, holds
from tests.domain.vectors import checklists, conditions, generated
from tests.domain.vectors.flow import ORDER, REVIEWS, a_case, rule, rules
from tests.domain.vectors.oddities import LANGUAGES, ODD
from tests.domain.vectors.rules import ROWS
from tests.domain.vectors.waivers import WAIVERS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "openapi" / "closure-vectors"
TEXTS_TS = ROOT / "clients" / "typescript" / "src" / "closure" / "texts.ts"

Vector = tuple[str, Any, Any]
NUMBERS = (
    0, -0.0, 1, -1, 1.0, 1.5, 0.1, 0.1 + 0.2, 100, 1e15, 1e20, 123456789012345680000, 1e21, 1.5e21, -1e21, 1e-6,
    0.000123, 1e-7, 1.25e-7, 5e-324, 1.7976931348623157e308, 9007199254740993, 4.35, 1e2, 33.33,
)  # fmt: skip


def of_conditions() -> Iterator[Vector]:
    for name, (condition, _) in conditions.CONDITIONS.items():
        values = conditions.VALUES
        yield name, {"condition": condition, "values": values}, holds(condition, values)


def of_checklists() -> Iterator[Vector]:
    for name, (item, answer, _) in checklists.ANSWERS.items():
        answers = {**checklists.OTHER, **({} if answer is None else {"i": answer})}
        yield name, *_judged([{"id": "i", **item}], answers, "en")
    for name, (items, answers, language) in checklists.FOLLOW_UPS.items():
        yield name, *_judged(items, answers, language)


def _judged(items: list[Any], answers: dict[str, Any], language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    values, known = {**checklists.VALUES, "answers": answers}, items_of(items)
    sheet = judge(known, answers, values, checklists.EVIDENCE)
    opened = follow_ups(known, answers, values, checklists.EVIDENCE, language=language)
    case = {"items": items, "values": values, "evidence": checklists.EVIDENCE, "language": language}
    return case, {**asdict(sheet), "follow_ups": [asdict(one) for one in opened]}


def of_forms() -> Iterator[Vector]:
    for name, (key, items) in checklists.FORMS.items():
        yield name, {"form": key, "items": items}, expanded(key, items)


def of_numbers() -> Iterator[Vector]:
    for number in NUMBERS:
        yield f"{number!r} in a text", number, number_text(number)


def of_draws() -> Iterator[Vector]:
    for number in range(8):
        work_order = f"0197a1e0-0000-7000-8000-00000000000{number}"
        yield f"Lot {number}", {"salt": "a secret:", "work_order_id": work_order}, draw_of(b"a secret:", work_order)


def of_rules() -> Iterator[Vector]:
    """Each row as it is, and as a warning; what is not met also waived, by each role."""
    for name, (kind, params, submission, facts, met) in ROWS.items():
        yield _evaluated(name, a_case(rules(rule(kind, severity="block", params=params)), submission, facts))
        if met == "yes":
            continue
        warning = rule(kind, severity="warn", params=params)
        yield _evaluated(f"{name}: a warning", a_case(rules(warning), submission, facts, "de"))
        waivable = rule(kind, severity="block", params=params, waivable_by="technician")
        mine = {**submission, "waivers": [{"rule_id": "r", "reason": "The boiler is locked away"}]}
        yield _evaluated(f"{name}: waived by the technician", a_case(rules(waivable), mine, facts))
        waivable = rule(kind, severity="block", params=params, waivable_by="supervisor")
        theirs = {**facts, "waivers": [{"rule_id": "r", "reason": "Agreed", "role": "supervisor"}]}
        yield _evaluated(f"{name}: waived by a supervisor", a_case(rules(waivable), submission, theirs))


def of_verdicts() -> Iterator[Vector]:
    for table in (ORDER, REVIEWS, WAIVERS, LANGUAGES, ODD):
        for name, (case, _) in table.items():
            yield _evaluated(name, case)


def of_generated() -> Iterator[Vector]:
    for number, case in enumerate(generated.cases(), 1):
        yield _evaluated(f"Drawn at random, number {number}", case)


def _evaluated(name: str, case: dict[str, Any]) -> Vector:
    return name, case, evaluate_case(case)


#: File → what it is about, and its vectors.
FILES: Mapping[str, tuple[str, Any]] = {
    "conditions": ("Whether a condition holds of values.", of_conditions),
    "checklists": ("How answers are judged, and what bad ones open.", of_checklists),
    "forms": ("The items of a form, as part of a checklist.", of_forms),
    "numbers": ("How a number is written in a text.", of_numbers),
    "draws": ("The lot of a work order, 0 to 9999: who is in the sample. Servers only.", of_draws),
    "rules": ("Each kind of rule, met and not met, as a warning, and waived.", of_rules),
    "verdicts": ("What follows from the findings: order, reviews, waivers, languages, odd input.", of_verdicts),
    "generated": ("Cases drawn at random.", of_generated),
}


def vectors_of(name: str) -> list[dict[str, Any]]:
    _, make = FILES[name]
    return [{"name": title, "case": case, "expected": expected} for title, case, expected in make()]


def written() -> dict[Path, str]:
    """Every file with its text: one vector a line, so that a difference shows which."""
    texts = {}
    for name, (about, _) in FILES.items():
        lines = ",\n".join(_line(vector) for vector in vectors_of(name))
        texts[FOLDER / f"{name}.json"] = f'{{\n"about": {json.dumps(about)},\n"cases": [\n{lines}\n]\n}}\n'
    texts[TEXTS_TS] = _typescript()
    return texts


def _line(vector: dict[str, Any]) -> str:
    """Blanks that an editor might change, and line ends that are none in JSON, are written as escapes."""
    line = json.dumps(vector, ensure_ascii=False)
    for blank in BLANKS.replace(" ", "") + "\u0085":
        line = line.replace(blank, f"\\u{ord(blank):04x}")
    return line


def _typescript() -> str:
    table = json.dumps(TEXTS, ensure_ascii=False, indent=2)
    return (
        "// Made by scripts/closure-vectors from app/domain/closure_texts.py. Do not edit.\n\n"
        f"export const TEXTS: {{ readonly [language: string]: {{ readonly [key: string]: string }} }} = {table};\n"
    )


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
