"""The API's documentation in a browser: Swagger UI from this server, with nothing fetched from elsewhere."""

from pathlib import Path

from fastapi import APIRouter, Response

from app.kit.problems import NotFound

STATIC = Path(__file__).parent / "static" / "swagger-ui"
FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "start.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Firstfix API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="swagger-ui"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

router = APIRouter(include_in_schema=False)


@router.get("/")
def get_welcome() -> Response:
    """The front door leads to the documentation."""
    return Response(status_code=307, headers={"Location": "/docs"})


@router.get("/docs")
def get_documentation() -> Response:
    """The API's documentation, to read and to try."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@router.get("/docs/{name}")
def get_documentation_file(name: str) -> Response:
    if name not in FILES:
        raise NotFound("There is nothing here.")
    caching = {"Cache-Control": "public, max-age=3600"}
    return Response((STATIC / name).read_bytes(), media_type=FILES[name], headers=caching)
