"""When this happens, do that. The one page that knows how the features meet."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from app.closure import reactions as closing
from app.closure import routes as closure
from app.customers import place_routes as places
from app.customers import routes as customers
from app.identity import oauth, people_routes, setup, staff_routes
from app.identity import routes as identity
from app.imports import commands as importing
from app.imports import routes as imports
from app.kit import api_docs, pages
from app.kit.queue import Sweep, Task
from app.kit.runtime import Reaction
from app.kpis import routes as kpis
from app.parts import routes as parts
from app.surveys import outbox_page, sending
from app.surveys import reactions as asking
from app.surveys import routes as surveys
from app.visits import jobs_routes
from app.visits import routes as visits
from app.work_orders import asset_history, work_type_routes
from app.work_orders import routes as work_orders
from app.work_orders.events import WorkOrderClosed, WorkOrderCompleted

#: Looked through in this order: what every phone asks for comes first.
ROUTERS: Sequence[APIRouter] = (
    jobs_routes.router,
    visits.router,
    oauth.router,
    identity.router,
    people_routes.router,
    setup.router,
    staff_routes.router,
    customers.router,
    places.router,
    asset_history.router,
    work_type_routes.router,
    work_orders.router,
    parts.router,
    closure.router,
    surveys.router,
    surveys.reports,
    surveys.links,
    imports.router,
    kpis.router,
    outbox_page.router,
    pages.router,
    api_docs.router,
)

WHEN: Mapping[type, Sequence[Reaction]] = {
    WorkOrderCompleted: [asking.invite_customer_early, closing.close_without_rules],
    WorkOrderClosed: [asking.invite_customer],
}

TASKS: Sequence[Task] = (*sending.TASKS, *importing.TASKS)

SWEEPS: Sequence[Sweep] = (*sending.SWEEPS,)
