"""What a running process holds: settings, the pool, the queue, who reacts to what. Built once, by `app.main`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import procrastinate
import sqlalchemy as sa
from itsdangerous import URLSafeSerializer
from sqlmodel import Session

from app.kit.changes import Hook, work_off
from app.kit.database import enter
from app.kit.fcm import Fcm, service_account
from app.kit.objects import Objects, make_objects
from app.kit.senders import Senders, make_senders
from app.kit.settings import Settings

Reaction = Callable[[Session, Any], None]


class UnitOfWork(Session):
    """A session whose commit first works off what the transaction has touched."""

    def commit(self) -> None:
        self.flush()
        work_off(self, runtime_of(self).before_commit)
        super().commit()

    def rollback(self) -> None:
        self.info.pop("changes", None)
        super().rollback()


@dataclass
class Runtime:
    settings: Settings
    engine: sa.Engine
    dsn: str
    secret: str = field(repr=False)
    previous_secrets: Sequence[str] = field(default=(), repr=False)
    reactions: Mapping[type, Sequence[Reaction]] = field(default_factory=dict)
    before_commit: Sequence[Hook] = ()
    """Who works off what a transaction has touched."""
    composers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Who composes which kind of message to customers."""
    queue: procrastinate.App = None  # type: ignore[assignment]

    @property
    def secrets(self) -> Sequence[str]:
        """The program's secret, and those of before."""
        return (self.secret, *self.previous_secrets)

    def session(self) -> Session:
        """A session that knows this process; the caller commits or rolls back."""
        session = UnitOfWork(self.engine, expire_on_commit=False)
        session.info["runtime"] = self
        session.info["reactions"] = self.reactions
        return session

    @contextmanager
    def transaction(self, organization_id: UUID | None) -> Iterator[Session]:
        """One transaction in one organization: committed when the block ends, undone when it raises."""
        with self.session() as db:
            if organization_id is not None:
                enter(db, organization_id)
            yield db
            db.commit()

    @cached_property
    def senders(self) -> Senders:
        """Who carries our messages, by the settings."""
        return make_senders(self.settings, self.transaction)

    @cached_property
    def fcm(self) -> Fcm | None:
        """Who wakes phones; None without an account."""
        if self.settings.fcm_credentials is None:
            return None
        account = service_account(self.settings.fcm_credentials.get_secret_value())
        return Fcm(account, base_url=self.settings.fcm_base_url)

    @cached_property
    def objects(self) -> Objects:
        """Where uploaded bytes are kept, by the settings."""
        return make_objects(self.settings)

    def signer(self, purpose: str) -> URLSafeSerializer:
        """Signs what goes out and must come back unchanged (cursors, form nonces), for one purpose."""
        return URLSafeSerializer(self.secret, salt=purpose)


def runtime_of(db: Session) -> Runtime:
    runtime: Runtime = db.info["runtime"]
    return runtime
