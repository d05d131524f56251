"""What other slices see of a job: frozen values, and the forms of its events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs.states import Reason, State, Tries

JobId = NewType("JobId", UUID)
Args = Mapping[str, Any]
"""JSON values only."""


class EventKind(StrEnum):
    """What an event tells.

    Its data: ``state`` {state, attempt, …}, ``progress`` {done, total, stage}, ``metric`` {name, value, step},
    ``log`` {level, message, …}, ``other`` {kind, …}: what another version of the appliance wrote.
    """

    STATE = "state"
    PROGRESS = "progress"
    METRIC = "metric"
    LOG = "log"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is; ``total`` None: not known."""

    done: int = 0
    total: int | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A durable piece of work, as it stands."""

    id: JobId
    tenant: TenantId
    kind: str
    key: str | None
    args: Args
    state: State
    progress: Progress
    result: Args
    reason: Reason | None
    tries: Tries
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job; ``seq`` rises within a job in the order in which they became visible."""

    seq: int
    kind: EventKind
    data: Args
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job until it expires, or until a higher token is given out."""

    job: JobId
    tenant: TenantId
    kind: str
    args: Args
    token: int
    tries: Tries


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that came to its end, whoever ended it: the handler, a cancel, or the sweep after its worker was lost."""

    job: JobId
    tenant: TenantId
    kind: str
    args: Args
    state: State
    reason: Reason | None


Ending = Callable[[Session, Ended], None]
"""Called in the very transaction that ends the job, so that what the job was for can never disagree with it."""
