"""Who asks, and the room they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app

from konio.web.audit import Audit
from konio.web.database import Database
from konio.web.jobs import Queue
from konio.web.sessions import Sessions
from konio.web.settings import Settings
from konio.web.storage import Storage
from konio.web.tables import Account, SignedIn
from konio.web.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Room:
    """Everything one installation consists of.

    Args:
        settings: as they were checked.
        database: accounts, cases, jobs, readings, audit.
        storage: films and pictures.
        audit: the log.
        throttle: tries of passwords.
        sessions: who is signed in.
        queue: the jobs.
        key: of this installation.
    """

    settings: Settings
    database: Database
    storage: Storage
    audit: Audit
    throttle: Throttle
    sessions: Sessions
    queue: Queue
    key: bytes


@dataclass(frozen=True, slots=True)
class Asker:
    """The account behind a request, and its session."""

    account: Account
    session: SignedIn

    @property
    def id(self) -> int:
        """Number of the account."""
        return self.account.id

    @property
    def is_administrator(self) -> bool:
        """Whether the account administrates."""
        return self.account.role == "administrator"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a view gets it.

    Args:
        room: the installation.
        query: the query string, checked by the route's model.
        body: the JSON body, checked likewise; ``None`` where the route takes none.
        who: who asks; ``None`` on routes open to anyone.
    """

    room: Room
    query: Any
    body: Any
    who: Asker | None = None

    @property
    def asker(self) -> Asker:
        """Who asks, on routes that need an account (the gate has made sure of it)."""
        if self.who is None:
            raise RuntimeError("this route is open to anyone, so nobody in particular asks")
        return self.who


def room() -> Room:
    """The room of the application that is answering."""
    return cast(Room, current_app.extensions["konio"])
