"""openapi/openapi.json: written from the application, committed, and checked against it."""

from pathlib import Path

import orjson

from app.kit.settings import Settings
from app.main import build_runtime, create_app

FILE = Path(__file__).resolve().parent.parent / "openapi" / "openapi.json"


def rendered() -> bytes:
    settings = Settings(secret_key="not used for anything while writing a document", database_url="unused")
    runtime = build_runtime(settings, "postgresql://nowhere/nothing")
    document = create_app(runtime).openapi()
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def write() -> Path:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(rendered())
    return FILE


def check() -> str | None:
    """What is wrong with the committed document; None when it is current."""
    if not FILE.exists():
        return "it does not exist"
    return None if FILE.read_bytes() == rendered() else "it differs from the application"
