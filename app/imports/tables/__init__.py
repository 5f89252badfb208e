"""How the rows of each table are stored: in this order, later tables refer to earlier ones."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from app.imports.batch import Batch, Outcome
from app.imports.reading import Read
from app.imports.tables.events import store_events
from app.imports.tables.parts import store_parts
from app.imports.tables.references import (
    store_assets,
    store_customers,
    store_sites,
    store_teams,
    store_technicians,
)
from app.imports.tables.surveys import store_surveys
from app.imports.tables.visits import store_visits
from app.imports.tables.work_orders import store_work_orders


class TableName(StrEnum):
    TEAMS = "teams"
    TECHNICIANS = "technicians"
    CUSTOMERS = "customers"
    SITES = "sites"
    ASSETS = "assets"
    WORK_ORDERS = "work_orders"
    EVENTS = "events"
    VISITS = "visits"
    PARTS = "parts"
    SURVEYS = "surveys"


STORE: Mapping[TableName, Callable[[Batch, Sequence[Read]], Outcome]] = {
    TableName.TEAMS: store_teams,
    TableName.TECHNICIANS: store_technicians,
    TableName.CUSTOMERS: store_customers,
    TableName.SITES: store_sites,
    TableName.ASSETS: store_assets,
    TableName.WORK_ORDERS: store_work_orders,
    TableName.EVENTS: store_events,
    TableName.VISITS: store_visits,
    TableName.PARTS: store_parts,
    TableName.SURVEYS: store_surveys,
}
