"""`/v1/imports`: historic records from elsewhere, a table at a time."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response

from app.identity.access import Db, Me, api_router
from app.imports import commands, queries
from app.imports.reading import Format, HeaderNotWellFormed
from app.imports.schemas import ImportOut, ImportSummaryOut, ImportTotalsOut
from app.imports.tables import TableName
from app.kit import clock
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotFound, TooLarge, UnsupportedMedia, refuses
from app.kit.schemas import Page

router = api_router("/v1/imports", "imports")

FORMATS = {"text/csv": Format.CSV, "application/x-ndjson": Format.NDJSON}


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    form: Format


async def _file(request: Request) -> File:
    """The posted file and its format; UTF-8 whatever the header says of it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in FORMATS:
        raise UnsupportedMedia("Send text/csv or application/x-ndjson.", accepted=list(FORMATS))
    return File(await request.body(), FORMATS[media_type])


Posted = Annotated[File, Depends(_file)]
Prefer = Annotated[str, Header(max_length=200, description="`respond-async`: the worker takes the file.")]

REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "description": "UTF-8. CSV with a header line, or one JSON object a line; an empty value is an absent one.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "ref,name,is_contractor\nnorth,North,false\n"},
            "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"ref": "north", "name": "North"}\n'},
        },
    }
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": ImportOut,
        "description": "The worker takes it; ask `Location` how far it is.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "",
    response_model=ImportOut,
    responses={**ACCEPTED, **refuses(HeaderNotWellFormed, TooLarge, UnsupportedMedia)},
    openapi_extra=REQUEST_BODY,
)
def import_records(
    table: Annotated[TableName, Query(description="What the rows are.")],
    file: Posted,
    me: Me,
    db: Db,
    response: Response,
    prefer: Prefer = "",
) -> Any:
    """Take historic records of another system, with their own times; the report has a reason for each refused row.

    Rows are upserted by their external id, so the same file can be sent again. Send the tables in the order of `table`:
    what a work order refers to may also come later, what belongs to a work order may not come before it.
    """
    if "respond-async" in (preference.strip().lower() for preference in prefer.split(",")):
        run = commands.import_later(db, table, file.form, file.body, by=me, at=clock.now())
        response.status_code = 202
        response.headers["Location"] = f"/v1/imports/{run.id}"
        return run
    return commands.import_now(db, table, file.form, file.body, by=me, at=clock.now())


@router.get("", response_model=Page[ImportSummaryOut], responses=refuses(CursorUnreadable))
def list_imports(page: Paging, me: Me, db: Db) -> Any:
    """Imports, the newest first."""
    return queries.imports_of(db, me, page)


@router.get("/totals", response_model=ImportTotalsOut)
def get_import_totals(me: Me, db: Db) -> Any:
    """How many records came from elsewhere."""
    return queries.totals_of(db, me)


@router.get("/{import_id}", response_model=ImportOut, responses=refuses(NotFound))
def get_import(import_id: UUID, me: Me, db: Db) -> Any:
    """How far an import is, and its report."""
    return queries.import_for(db, me, import_id)
