"""Every table, for Alembic and for whoever needs the whole schema."""

from sqlmodel import SQLModel

import app.attachments.models
import app.certificates.models
import app.closure.models
import app.customers.models
import app.identity.models
import app.imports.models
import app.kit.outbox
import app.messages.models
import app.parts.models
import app.reports.models
import app.surveys.models
import app.sync.models
import app.visits.models
import app.work_orders.models  # noqa: F401

metadata = SQLModel.metadata
