"""What the documents say is what the program does."""

import re
from pathlib import Path

from app.cli import app as commands
from app.kit.settings import Settings

ROOT = Path(__file__).parents[2]


def settings_table() -> list[str]:
    """The rows of the settings table of docs/operating.md, as the settings themselves have them."""
    lines = []
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"FIRSTFIX_{name.upper()}"
        default = "" if field.default is None else f"`{field.default}`".replace("'", '"')
        lines.append(f"| `{variable}` | {default} | {field.description} |")
    return lines


def test_every_setting_is_listed_with_its_default() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    listed = [line for line in text.splitlines() if re.match(r"\| `(FIRSTFIX|DATABASE)_", line)]

    assert listed == settings_table()


def test_every_command_is_listed() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    names = {command.name or command.callback.__name__ for command in commands.registered_commands if command.callback}

    assert {re.sub("_command$", "", name).replace("_", "-") for name in names} <= set(
        re.findall(r"^\| `([a-z-]+)", text, re.M)
    )


def test_links_between_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (document.name, target)
