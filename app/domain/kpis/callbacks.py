"""Callbacks: a new repair of what had just been repaired."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Repair(NamedTuple):
    """A repair that may be a callback of earlier work; ones marked unrelated are not among them."""

    id: UUID
    requested_at: datetime
    asset_id: UUID | None
    site_id: UUID | None
    problem_code: str | None
    callback_of: UUID | None


class Callbacks:
    """Finds the first later repair of the same asset, or of the same problem at the same site."""

    def __init__(self, repairs: Iterable[Repair]) -> None:
        self._by_key: dict[object, list[tuple[datetime, UUID]]] = defaultdict(list)
        for repair in sorted(repairs, key=lambda one: one.requested_at):
            keys = _keys(repair.asset_id, repair.site_id, repair.problem_code)
            for key in [*keys, *([("of", repair.callback_of)] if repair.callback_of else [])]:
                self._by_key[key].append((repair.requested_at, repair.id))

    def after(
        self,
        completed_at: datetime,
        work_order_id: UUID,
        asset_id: UUID | None,
        site_id: UUID | None,
        problem_code: str | None,
    ) -> datetime | None:
        """When the customer called again after the completion; None when they did not."""
        found = [
            at
            for key in [*_keys(asset_id, site_id, problem_code), ("of", work_order_id)]
            if (at := self._first(key, completed_at, work_order_id)) is not None
        ]
        return min(found, default=None)

    def _first(self, key: object, completed_at: datetime, work_order_id: UUID) -> datetime | None:
        calls = self._by_key.get(key, [])
        for at, repair_id in calls[bisect_left(calls, completed_at, key=lambda call: call[0]) :]:
            if repair_id != work_order_id:
                return at
        return None


def _keys(asset_id: UUID | None, site_id: UUID | None, problem_code: str | None) -> list[object]:
    keys: list[object] = [("asset", asset_id)] if asset_id else []
    return [*keys, ("site", site_id, problem_code)] if site_id and problem_code else keys
