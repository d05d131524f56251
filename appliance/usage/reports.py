"""What was used, told: records, sums by what one asks for, and the month's account of a tenant.

Works in a session of the operator, or of the app login for the tenant's own people. Sums are of the hours, so they are
behind by a sweep of the worker; :attr:`Totals.waiting` counts the records that are not in them yet.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.kit import clock, paging
from appliance.kit.settings import UsageSettings
from appliance.tenants.settings import settings_of
from appliance.usage import cost, reading
from appliance.usage.measures import Window, month
from appliance.usage.reading import Asked, Sums


class By(StrEnum):
    """What sums are told apart by."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    USER = "user"
    KEY = "key"
    ROUTE = "route"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Record:
    """One request."""

    request_id: UUID
    started_at: datetime
    user_id: UUID
    key_id: UUID | None
    route: str
    model_digest: str
    adapter_digest: str | None
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_seconds: float
    first_token_seconds: float | None
    total_seconds: float
    gpu_seconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """A sum. ``name``: what it is of, as :class:`By` says; ``cost`` None: not known."""

    name: str
    sums: Sums
    cost: float | None


@dataclass(frozen=True, slots=True)
class CloudPrice:
    """What a cloud would list for the same tokens."""

    provider: str
    model: str
    price: float


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant's month: the sum, its parts by user, key, route and model, and clouds' list prices beside it."""

    tenant: UUID
    month: str
    window: Window
    time_zone: str
    total: Line
    users: tuple[Line, ...]
    keys: tuple[Line, ...]
    routes: tuple[Line, ...]
    models: tuple[Line, ...]
    per_million: float | None
    clouds: tuple[CloudPrice, ...]
    waiting: int


class Reports:
    """The usage of one tenant."""

    def __init__(self, session: Session, tenant: UUID, settings: UsageSettings) -> None:
        self._session = session
        self._tenant = tenant
        self._settings = settings

    def records(self, asked: Asked, cursor: str | None, limit: int) -> paging.Page[Record]:
        """A page of requests, newest first."""
        rows = reading.records(self._session, self._tenant, asked, paging.decode(cursor), limit + 1)
        return paging.page([Record(**row) for row in rows], limit, [row["request_id"] for row in rows])

    def sums(self, by: By, asked: Asked) -> tuple[Line, ...]:
        """Sums told apart by one thing, in the tenant's time zone."""
        zone = settings_of(self._session, self._tenant).zone.key
        found = reading.sums(self._session, self._tenant, by, asked, zone)
        return tuple(Line(name, sums, cost.of_seconds(self._settings, sums.gpu_seconds)) for name, sums in found)

    def waiting(self) -> int:
        """Records that are in no sum yet."""
        return reading.waiting(self._session, self._tenant)

    def account(self, which: date | None = None) -> Account:
        """The account of a month, by any day of it: of the present one by default."""
        zone = settings_of(self._session, self._tenant).zone
        day = datetime(which.year, which.month, 15, tzinfo=zone) if which else clock.now()
        within = month(day, zone)
        asked = Asked(since=within.start, until=within.end)
        whole = self.sums(By.MONTH, asked)
        total = whole[0] if whole else Line("", Sums(), cost.of_seconds(self._settings, 0.0))
        sums = total.sums
        return Account(
            tenant=self._tenant,
            month=within.start.astimezone(zone).strftime("%Y-%m"),
            window=within,
            time_zone=zone.key,
            total=total,
            users=self.sums(By.USER, asked),
            keys=self.sums(By.KEY, asked),
            routes=self.sums(By.ROUTE, asked),
            models=self.sums(By.MODEL, asked),
            per_million=cost.of_million(self._settings, sums.gpu_seconds, sums.prompt_tokens + sums.completion_tokens),
            clouds=tuple(
                CloudPrice(one.provider, one.model, one.of(sums.prompt_tokens, sums.completion_tokens))
                for one in cost.list_prices().models
            ),
            waiting=self.waiting(),
        )
