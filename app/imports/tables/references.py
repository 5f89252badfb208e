"""What work orders refer to: teams, technicians, customers, sites, assets. The reference is the key of a record.

An absent value leaves what is there; a record whose reference came with work orders before is linked to them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.money import minor_units
from app.imports.batch import Batch, Outcome, Record, to_json, unique_rows
from app.imports.ledger import link_visits
from app.imports.reading import Read
from app.kit.changes import Kind
from app.kit.database import next_numbers
from app.kit.ids import uuid7

#: What others keep copies of.
KINDS = {"sites": Kind.SITE, "assets": Kind.ASSET, "technicians": Kind.TECHNICIAN}


def store_teams(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    records = [
        {
            "external_ref": row.values["ref"],
            "name": row.values["name"],
            "is_contractor": row.values["is_contractor"],
            "territory": row.values["region"],
        }
        for row in unique_rows(given, ("ref",), outcome)
    ]
    added = _upsert(batch, "teams", records, {"name": "given.external_ref", "is_contractor": "false"}, outcome)
    _link_work_orders(batch, "team", "teams", added)
    return outcome


def store_technicians(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("ref",), outcome)
    teams = batch.linked("teams", (row.values["team_ref"] for row in kept))
    for row in kept:
        outcome.warn_unknown(row, "team_ref", teams)
    defaults = {
        "name": "given.external_ref",
        "employment": "'employee'",
        "skills": "'{}'",
        "active": "true",
    }
    records = [_technician(batch, row.values, teams.get(row.values["team_ref"])) for row in kept]
    added = _upsert(batch, "technicians", records, defaults, outcome)
    _link_work_orders(batch, "technician", "technicians", added)
    link_visits(batch, added)
    return outcome


def _technician(batch: Batch, values: Mapping[str, Any], team: Mapping[str, Any] | None) -> Record:
    rate, currency = values["hourly_rate"], values["currency"]
    if rate is not None:
        currency = currency or batch.currency
        rate = int(minor_units(rate, currency).to_integral_value())
    employment = values["employment"]
    if employment is None and team is not None and team["is_contractor"]:
        employment = "contractor"
    return {
        "external_ref": values["ref"],
        "name": values["name"],
        "team_id": team["id"] if team else None,
        "employment": employment,
        "skills": values["skills"],
        "hourly_rate_minor": rate,
        "currency": currency,
        "home_territory": values["home_region"],
        "time_zone": values["time_zone"],
        "active": values["active"],
    }


def store_sites(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("ref",), outcome)
    customers = batch.linked("customers", (row.values["customer_ref"] for row in kept))
    for row in kept:
        outcome.warn_unknown(row, "customer_ref", customers)
    records = [_site(row.values, customers.get(row.values["customer_ref"])) for row in kept]
    defaults = {"name": "given.external_ref", "address": "''", "access_notes": "''", "version": "1"}
    added = _upsert(batch, "sites", records, defaults, outcome)
    _link_work_orders(batch, "site", "sites", added)
    return outcome


def _site(values: Mapping[str, Any], customer: Mapping[str, Any] | None) -> Record:
    return {
        "external_ref": values["ref"],
        "customer_id": customer["id"] if customer else None,
        "name": values["name"],
        "address": values["address"],
        "postal_code": values["postal_code"],
        "latitude": values["latitude"],
        "longitude": values["longitude"],
        "territory": values["region"],
        "access_notes": values["access_notes"],
        "time_zone": values["time_zone"],
    }


def store_assets(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("ref",), outcome)
    sites = batch.linked("sites", (row.values["site_ref"] for row in kept))
    records = []
    for row in kept:
        outcome.warn_unknown(row, "site_ref", sites)
        if row.values["age_years"] is not None and row.values["installed_at"] is None:
            outcome.warn(
                row, "not-kept", "An age without a date says nothing later on: send installed_at.", "age_years"
            )
        site = sites.get(row.values["site_ref"])
        records.append(
            {
                "external_ref": row.values["ref"],
                "site_id": site["id"] if site else None,
                "name": row.values["name"],
                "model": row.values["model"],
                "serial": row.values["serial"],
                "installed_at": row.values["installed_at"],
            }
        )
    added = _upsert(batch, "assets", records, {"name": "given.external_ref", "version": "1"}, outcome)
    _link_work_orders(batch, "asset", "assets", added)
    return outcome


def store_customers(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("ref",), outcome)
    known = batch.linked("customers", (row.values["ref"] for row in kept))
    numbers = iter(next_numbers(batch.db, batch.organization_id, "customers", len(kept) - len(known)))
    records = [
        {
            "external_ref": row.values["ref"],
            "name": row.values["name"],
            "number": known[row.values["ref"]]["number"] if row.values["ref"] in known else f"C-{next(numbers):05d}",
        }
        for row in kept
    ]
    _upsert(batch, "customers", records, {"name": "given.external_ref", "version": "1"}, outcome)
    _add_contacts(batch, [row for row in kept if row.values["contact_name"] is not None])
    return outcome


def _add_contacts(batch: Batch, kept: Sequence[Read]) -> None:
    """The contact of a customer that has none of that name yet."""
    customers = batch.linked("customers", (row.values["ref"] for row in kept))
    batch.insert(
        "contacts",
        [
            {
                "organization_id": batch.organization_id,
                "id": uuid7(),
                "customer_id": customers[row.values["ref"]]["id"],
                "name": row.values["contact_name"],
                "email": row.values["contact_email"],
                "phone": row.values["contact_phone"],
                "language": row.values["contact_language"] or "en",
                "channel": row.values["contact_channel"] or "email",
                "time_zone": row.values["contact_time_zone"],
                "version": 1,
            }
            for row in kept
        ],
        tail="AS given WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.organization_id = given.organization_id "
        "AND c.customer_id = given.customer_id AND c.name = given.name)",
    )


def _upsert(
    batch: Batch, table: str, records: Sequence[Record], defaults: Mapping[str, str], outcome: Outcome
) -> list[str]:
    """Add or change records by their reference; `defaults` are SQL. Returns the references that are new."""
    if not records:
        return []
    names = [name for name in records[0] if name != "external_ref"]
    versioned = "version" in defaults
    columns = ["organization_id", "id", "external_ref", *names, *(["version"] if versioned else [])]
    values = [f"coalesce(given.{name}, kept.{name}, {defaults.get(name, 'NULL')})" for name in names]
    changes = [f"{name} = excluded.{name}" for name in names]
    if versioned:
        changes.append("version = was.version + 1")
    found = batch.fetch(
        f"INSERT INTO {table} AS was ({', '.join(columns)}) "
        f"SELECT %(organization_id)s, given.id, given.external_ref, {', '.join(values)}{', 1' if versioned else ''} "
        f"FROM json_populate_recordset(NULL::{table}, %(records)s::text::json) AS given "
        f"LEFT JOIN {table} AS kept ON kept.organization_id = %(organization_id)s "
        "AND kept.external_ref = given.external_ref ORDER BY given.external_ref "
        "ON CONFLICT (organization_id, external_ref) WHERE external_ref IS NOT NULL "
        f"DO UPDATE SET {', '.join(changes)} "
        f"WHERE ({', '.join(f'was.{name}' for name in names)}) "
        f"IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in names)}) "
        "RETURNING id, external_ref, xmax = 0 AS added",
        records=to_json([{"id": uuid7(), **record} for record in records]),
    )
    if table in KINDS:
        batch.touch(KINDS[table], (row["id"] for row in found))
    added = [row["external_ref"] for row in found if row["added"]]
    outcome.created += len(added)
    outcome.updated += len(found) - len(added)
    outcome.unchanged += len(records) - len(found)
    return added


def _link_work_orders(batch: Batch, what: str, table: str, added: Sequence[str]) -> None:
    """Work orders that named these records before they were here point at them now."""
    if not added:
        return
    customer = ", customer_id = coalesce(w.customer_id, found.customer_id)" if what == "site" else ""
    linked = batch.fetch(
        f"UPDATE work_orders AS w SET {what}_id = found.id, version = w.version + 1{customer} FROM {table} AS found "
        f"WHERE w.organization_id = %(organization_id)s AND w.{what}_id IS NULL AND w.{what}_ref = ANY(%(refs)s) "
        f"AND found.organization_id = w.organization_id AND found.external_ref = w.{what}_ref RETURNING w.id",
        refs=list(added),
    )
    batch.touch(Kind.WORK_ORDER, (row["id"] for row in linked))
