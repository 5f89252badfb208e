"""From the bytes of a file to its rows. What cannot be read is a row with a reason, never an error of the file."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.import_rows import RowRefused, TableRules, read_row
from app.kit.problems import Unprocessable

LONGEST_KEY = 200


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class HeaderNotWellFormed(Unprocessable):
    """The first line of a CSV file does not name columns of the table."""

    code = "header-not-well-formed"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken, or a remark about one that was."""

    line: int
    key: str
    code: str
    detail: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A row that was understood: `line` is where it begins in the file, 1 is the first.

    `occurrence` tells equal rows of one file apart in tables where a row may repeat.
    """

    line: int
    key: str
    values: Mapping[str, Any] = field(repr=False)
    occurrence: int = 1


def read_file(body: bytes, form: Format, rules: TableRules) -> Iterator[Read | Refused]:
    """The rows of the file, in its order.

    Raises:
        HeaderNotWellFormed: a CSV file without a header, or with a column that the table does not have.
    """
    raw = body.removeprefix(b"\xef\xbb\xbf")
    return _understood(_csv(raw, rules) if form is Format.CSV else _ndjson(raw), rules)


def _understood(
    found: Iterable[tuple[int, Mapping[str, Any] | RowRefused]], rules: TableRules
) -> Iterator[Read | Refused]:
    seen: Counter[tuple[Any, ...]] = Counter()
    for line, cells in found:
        if isinstance(cells, RowRefused):
            yield Refused(line, "", cells.code, cells.detail, cells.column)
            continue
        key = key_of(cells, rules)
        try:
            values = read_row(rules, cells)
        except RowRefused as refused:
            yield Refused(line, key, refused.code, refused.detail, printable(refused.column))
            continue
        if rules.repeats:
            said = tuple(values.values())
            seen[said] += 1
            yield Read(line, key, values, seen[said])
        else:
            yield Read(line, key, values)


def key_of(cells: Mapping[str, Any], rules: TableRules) -> str:
    return " ".join(printable(str(cells.get(name, ""))) or "" for name in rules.key)[:LONGEST_KEY]


def printable(value: str | None) -> str | None:
    """Text that can be stored and shown, whatever was sent."""
    if value is None:
        return None
    return value[:LONGEST_KEY].encode(errors="replace").decode().replace("\x00", "\ufffd")


def _csv(raw: bytes, rules: TableRules) -> Iterator[tuple[int, dict[str, Any] | RowRefused]]:
    lines = csv.reader(io.StringIO(raw.decode(errors="surrogateescape"), newline=""), strict=True)
    header = _header(lines, rules)
    return _csv_rows(lines, header)


def _header(lines: Any, rules: TableRules) -> list[str]:
    try:
        header: list[str] = next(lines, [])
    except csv.Error:
        raise HeaderNotWellFormed("The first line is not CSV.") from None
    unknown = [printable(name) for name in header if name not in rules.columns]
    missing = [name for name in rules.required if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1 and name in rules.columns})
    if unknown or missing or twice:
        raise HeaderNotWellFormed(
            "The first line must name columns of this table, each once.",
            unknown=unknown[:50],
            missing=missing,
            twice=twice,
            columns=list(rules.columns),
        )
    return header


def _csv_rows(lines: Any, header: list[str]) -> Iterator[tuple[int, dict[str, Any] | RowRefused]]:
    while True:
        line = lines.line_num + 1
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, RowRefused("not-csv", f"Not CSV: {error}.")
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            yield line, RowRefused("not-csv", f"The header names {len(header)} columns, this row has {len(cells)}.")
            continue
        yield line, dict(zip(header, cells, strict=True))


def _ndjson(raw: bytes) -> Iterator[tuple[int, dict[str, Any] | RowRefused]]:
    for line, written in enumerate(raw.split(b"\n"), start=1):
        if not written.strip():
            continue
        try:
            found = _decoder.decode(written.decode())
        except UnicodeDecodeError:
            yield line, RowRefused("not-text", "The line is not UTF-8.")
        except (ValueError, RecursionError):
            yield line, RowRefused("not-json", "The line is not JSON.")
        else:
            yield line, found if isinstance(found, dict) else RowRefused("not-json", "The line is not a JSON object.")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


#: Numbers stay the text they are, so that none is too large, too long or rounded.
_decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_number)
