"""`/metrics`: figures of a running installation for whoever watches it, in the text format of Prometheus."""

import secrets

from fastapi import Request, Response

from app.identity.access import Db, Running, api_router, bearer_of
from app.identity.queries import organization_ids
from app.kit.database import enter, rows
from app.kit.problems import NotFound, NotSignedIn, refuses

router = api_router("", "system")

FIGURES = {
    "sync_feeds": "Feeds of technicians.",
    "sync_feed_drift": "Entries that were not what they should be at the last audit; must be 0.",
    "sync_operations_quarantined": "Operations that wait for somebody to look at them; should be 0.",
    "sync_operations_deferred": "Operations that wait for others.",
}
COUNT = """
SELECT (SELECT count(*) FROM feeds WHERE organization_id = %(o)s) AS sync_feeds,
       (SELECT coalesce(sum(drift), 0) FROM feeds WHERE organization_id = %(o)s) AS sync_feed_drift,
       (SELECT count(*) FROM operations WHERE organization_id = %(o)s AND status = 'quarantined'
        AND redriven_at IS NULL) AS sync_operations_quarantined,
       (SELECT count(*) FROM operations WHERE organization_id = %(o)s AND status = 'deferred'
        AND redriven_at IS NULL) AS sync_operations_deferred
"""


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Figures", "content": {"text/plain": {}}}, **refuses(NotFound, NotSignedIn)},
)
def get_metrics(request: Request, db: Db, running: Running) -> Response:
    """Figures over all organizations; for the token of the settings only."""
    token = running.settings.metrics_token
    if token is None:
        raise NotFound("There are no metrics: no token is set for them.")
    if not secrets.compare_digest(bearer_of(request).encode(), token.get_secret_value().encode()):
        raise NotSignedIn()
    totals = dict.fromkeys(FIGURES, 0)
    for organization_id in organization_ids(db):
        enter(db, organization_id, read_only=True)
        for name, value in rows(db, COUNT, o=organization_id)[0].items():
            totals[name] += int(value)
    lines = [
        f"# HELP firstfix_{name} {text}\n# TYPE firstfix_{name} gauge\nfirstfix_{name} {totals[name]}\n"
        for name, text in FIGURES.items()
    ]
    return Response("".join(lines), media_type="text/plain; version=0.0.4")
