"""When this happens, do that. The one page that knows how the features meet."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from app.attachments import routes as attachments
from app.attachments import tasks as attaching
from app.attachments import upload_routes as uploads
from app.attachments.events import AttachmentMissing, AttachmentStored
from app.certificates import public_routes as certificate_pages
from app.certificates import reactions as certifying
from app.certificates import routes as certificates
from app.certificates import sealing
from app.closure import codes, confirmations
from app.closure import confirmation_tasks as confirming
from app.closure import customer_routes as customers_part
from app.closure import letters as closure_letters
from app.closure import policy_routes as trying_policies
from app.closure import reactions as closing
from app.closure import routes as closure
from app.closure import upkeep as escalating
from app.customers import place_routes as places
from app.customers import routes as customers
from app.identity import oauth, people_routes, setup, staff_routes
from app.identity import routes as identity
from app.imports import commands as importing
from app.imports import routes as imports
from app.kit import api_docs, pages
from app.kit.changes import Hook
from app.kit.queue import Sweep, Task
from app.kit.runtime import Reaction
from app.kpis import routes as kpis
from app.messages import routes as messages
from app.messages import sending as telling
from app.messages.letters import Composer
from app.parts import reactions as supplying
from app.parts import request_routes as part_requests
from app.parts import routes as parts
from app.reports import reactions as reporting
from app.reports import routes as reports
from app.reports.commands import SERVICE_REPORT
from app.reports.compose import report_letter
from app.surveys import outbox_page, sending
from app.surveys import reactions as asking
from app.surveys import routes as surveys
from app.sync import epochs, feeds, hints, metrics, push_hints, receipts, sandbox, upkeep
from app.sync import reactions as syncing
from app.sync import routes as sync
from app.sync.adapters import routes as adapters
from app.visits import issue_routes, jobs_routes
from app.visits import routes as visits
from app.visits.events import ChoiceMade, PartsNeeded, VisitDispatched
from app.work_orders import asset_history, form_routes, policy_routes, work_type_routes
from app.work_orders import routes as work_orders
from app.work_orders.events import WorkOrderClosed, WorkOrderCompleted

#: Looked through in this order: what every phone asks for comes first.
ROUTERS: Sequence[APIRouter] = (
    sync.router,
    metrics.router,
    hints.router,
    adapters.router,
    receipts.router,
    jobs_routes.router,
    visits.router,
    issue_routes.router,
    oauth.router,
    identity.router,
    people_routes.router,
    setup.router,
    staff_routes.router,
    customers.router,
    places.router,
    asset_history.router,
    work_type_routes.router,
    policy_routes.router,
    form_routes.router,
    trying_policies.router,
    work_orders.router,
    messages.router,
    parts.router,
    part_requests.router,
    attachments.router,
    attachments.bodies,
    uploads.router,
    uploads.options,
    closure.router,
    closure.evidence,
    customers_part.router,
    customers_part.links,
    reports.router,
    reports.links,
    reports.papers,
    certificates.router,
    certificate_pages.router,
    surveys.router,
    surveys.reports,
    surveys.links,
    imports.router,
    kpis.router,
    sandbox.router,
    outbox_page.router,
    pages.router,
    api_docs.router,
)

WHEN: Mapping[type, Sequence[Reaction]] = {
    VisitDispatched: [closing.give_customer_code],
    WorkOrderCompleted: [asking.invite_customer_early, closing.close_without_rules],
    WorkOrderClosed: [reporting.prepare_report, asking.invite_customer, certifying.note_closing],
    AttachmentStored: [closing.keep_attached_evidence],
    AttachmentMissing: [syncing.tell_of_missing_attachment],
    PartsNeeded: [supplying.request_parts],
    ChoiceMade: [syncing.redrive_when_chosen],
}

#: Looks at every new connection to the database.
greet = epochs.check_identity

#: What a transaction has touched is worked off by these, in this order, as the last thing before its commit.
BEFORE_COMMIT: Sequence[Hook] = (sealing.seal, feeds.flush)

#: Who composes which kind of message to customers.
MESSAGES: Mapping[str, Composer] = {
    codes.MESSAGE: closure_letters.compose_code,
    confirmations.MESSAGE: closure_letters.compose_confirmation,
    SERVICE_REPORT: report_letter,
}

TASKS: Sequence[Task] = (
    *sending.TASKS,
    *telling.TASKS,
    *importing.TASKS,
    *attaching.TASKS,
    *upkeep.TASKS,
    *push_hints.TASKS,
)

SWEEPS: Sequence[Sweep] = (
    *escalating.SWEEPS,
    *confirming.SWEEPS,
    *sending.SWEEPS,
    *telling.SWEEPS,
    *attaching.SWEEPS,
    *upkeep.SWEEPS,
    *push_hints.SWEEPS,
)
