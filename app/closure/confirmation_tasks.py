"""Silence is an answer too, once its time is over; the clock says when."""

import structlog

from app.closure import confirmations
from app.closure.commands.confirming import note_silence
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.queue import Sweep
from app.kit.runtime import Runtime

log = structlog.get_logger("firstfix.closure")


def note_silences(runtime: Runtime) -> None:
    """Each in a transaction of its own: they lock work orders, and wait for nobody with one in hand.

    One that fails is tried again at the next turn and stops none of the others.
    """
    at = clock.now()
    for organization_id in every_organization(runtime):
        with runtime.transaction(organization_id) as db:
            silent = confirmations.silent(db, organization_id, at=at)
        for confirmation_id in silent:
            try:
                with runtime.transaction(organization_id) as db:
                    note_silence(db, organization_id, confirmation_id, at=at)
            except Exception:
                log.exception("a silence could not be noted", confirmation_id=str(confirmation_id))


SWEEPS = [Sweep("closure.confirmations", "* * * * *", note_silences)]
