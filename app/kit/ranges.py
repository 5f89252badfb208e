"""Parts of objects: `Range`, `If-None-Match` and `If-Range` (RFC 9110) for what never changes under its tag."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.kit.objects import Objects
from app.kit.problems import Refusal

#: A file is for whoever may see it, and can do nothing in anybody's browser.
FILE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=31536000, immutable",
}
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(Refusal):
    """The object has no such bytes."""

    status, code, title = 416, "range-not-satisfiable", "Range not satisfiable"


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that are asked for; None for all of them.

    Several ranges at once, other units and what cannot be read mean all of them, as RFC 9110 lets servers do.

    Raises:
        RangeNotSatisfiable: none of these bytes exist.
    """
    found = ONE_RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last), size - 1) + 1 if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable("There are no such bytes.", headers={"Content-Range": f"bytes */{size}"})
    return start, end


def object_response(
    request: Request, objects: Objects, key: str, *, sha256: str, mime: str, headers: Mapping[str, str]
) -> Response:
    """The object, or the part of it that is asked for, streamed; 304 when the client has it.

    Raises:
        FileNotFoundError: there is no such object.
        RangeNotSatisfiable: it has no such bytes.
    """
    tag = f'"{sha256}"'
    said = {**headers, "ETag": tag, "Accept-Ranges": "bytes"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=said)
    size = objects.size(key)
    if size is None:
        raise FileNotFoundError(key)
    whole = request.headers.get("if-range", tag) != tag
    part = None if whole else range_of(request.headers.get("range"), size)
    start, end = part or (0, size)
    said["Content-Length"] = str(end - start)
    if part is not None:
        said["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 200 if part is None else 206
    return StreamingResponse(objects.stream(key, start=start, end=end), status, said, media_type=mime)
