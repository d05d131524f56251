"""Quotas of one tenant: its own, its users', its keys'. Works in a session of the operator, or of the tenant's people.

The tenant's own quota is the operator's to give; those of users and keys divide it up, which its administrators may do.
A change holds within two seconds; what was leased before it stays leased.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.access.permissions import Action, require
from appliance.access.principal import ASKING, Principal
from appliance.audit.service import Audit
from appliance.kit import clock, paging
from appliance.kit.canonical import digest_of
from appliance.tenants import etags
from appliance.tenants.errors import TenantNotFound
from appliance.tenants.service import Tenants
from appliance.tenants.settings import settings_of
from appliance.usage import repository
from appliance.usage.errors import QuotaExists, QuotaNotFound, SubjectMissing
from appliance.usage.measures import KEPT, Kind, Measure, window
from appliance.usage.rulebook import limits
from appliance.usage.stock import Taken
from appliance.usage.tables import QuotaRow

Amounts = Mapping[Measure, int | None]


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of one tenant, user or key. A measure that is not in ``amounts`` is not limited."""

    id: UUID
    kind: Kind
    subject: UUID
    amounts: Mapping[Measure, int]
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is used, with what workers hold of it. Minutes and slots are not told: ``used`` is None."""

    measure: Measure
    limit: int
    used: int | None
    resets_at: datetime | None


class Quotas:
    """The quotas of one tenant."""

    def __init__(self, session: Session, tenant: UUID, by: Principal) -> None:
        self._session = session
        self._tenant = tenant
        self._by = by
        self._audit = Audit(session, tenant, by.user)

    def create(self, kind: Kind, subject: UUID | None, amounts: Amounts) -> Quota:
        """A quota. Raises :class:`QuotaExists`; ``NotFound`` for a user or key that is not the tenant's."""
        found = self._subject(kind, subject)
        self._may(kind)
        row = QuotaRow(tenant_id=self._tenant, kind=kind, subject_id=found)
        _set(row, amounts)
        try:
            self._session.add(row)
            self._session.flush()
        except IntegrityError as error:
            raise QuotaExists(f"this {kind} has a quota already") from error
        self._audit.record("quota.create", row.id, after=_digest(row), kind=kind, of=found)
        return _quota(row)

    def list(self, cursor: str | None, limit: int, subject: UUID | None = None) -> paging.Page[Quota]:
        """A page of quotas, or the one of a subject."""
        rows = repository.page_of_quotas(self._session, self._tenant, paging.decode(cursor), limit + 1, subject)
        return paging.page([_quota(row) for row in rows], limit, [row.id for row in rows])

    def show(self, quota: UUID) -> Quota:
        """One quota. Raises :class:`QuotaNotFound`."""
        return _quota(self._one(quota))

    def standing(self, quota: UUID) -> tuple[Standing, ...]:
        """How each of its limits stands."""
        row = self._one(quota)
        zone, now = settings_of(self._session, self._tenant).zone, clock.now()
        told = []
        for limit in reversed(limits(row)):
            ends, used = None, None
            if limit.measure in KEPT:
                within = window(limit.measure, now, zone)
                ends = within.end
                used = repository.used(self._session, limit.subject, limit.measure, within.start)
            elif limit.measure in (Measure.DOCUMENTS, Measure.BYTES):
                used = Taken(*repository.stock(self._session, self._tenant, limit.subject)).of(limit.measure)
            told.append(Standing(limit.measure, limit.amount, used, ends))
        return tuple(told)

    def change(self, quota: UUID, if_match: str | None, amounts: Amounts) -> Quota:
        """Set the limits that are named; None takes one away. Raises as :mod:`appliance.tenants.etags` says."""
        row = self._one(quota, lock=True)
        self._may(Kind(row.kind))
        etags.check(row.version, if_match)
        before = _digest(row)
        _set(row, amounts)
        row.version += 1
        self._session.flush()
        self._audit.record("quota.change", row.id, before=before, after=_digest(row), changed=sorted(amounts))
        return _quota(row)

    def delete(self, quota: UUID, if_match: str | None) -> None:
        """Take the limits away."""
        row = self._one(quota, lock=True)
        self._may(Kind(row.kind))
        etags.check(row.version, if_match)
        self._audit.record("quota.delete", row.id, before=_digest(row), kind=row.kind, of=row.subject_id)
        self._session.delete(row)

    def _may(self, kind: Kind) -> None:
        if kind is Kind.TENANT:
            require(self._by, Action.MANAGE_TENANTS, self._tenant)

    def _subject(self, kind: Kind, subject: UUID | None) -> UUID:
        tenants = Tenants(self._session, self._by)
        match kind:
            case Kind.TENANT if subject in (None, self._tenant):
                return tenants.show(self._tenant).id
            case Kind.TENANT:
                raise TenantNotFound
            case Kind.USER if subject is not None:
                return tenants.people(self._tenant).show(subject).id
            case Kind.KEY if subject is not None:
                return tenants.keys(self._tenant).show(subject).id
        raise SubjectMissing(f"a quota of a {kind} needs the {kind}'s id")

    def _one(self, quota: UUID, *, lock: bool = False) -> QuotaRow:
        row = repository.quota(self._session, self._tenant, quota, lock=lock)
        if row is None:
            raise QuotaNotFound
        return row


def succeed(session: Session, former: UUID, key: UUID) -> None:
    """A key that is rotated leaves its limits to the one that follows; what it has used stays with it."""
    row = repository.quota_of_key(session, former)
    if row is None:
        return
    made = QuotaRow(tenant_id=row.tenant_id, kind=row.kind, subject_id=key)
    _set(made, _amounts(row))
    session.add(made)
    session.flush()
    audit = Audit(session, row.tenant_id, session.info.get(ASKING))
    audit.record("quota.create", made.id, after=_digest(made), kind=row.kind, of=key, follows=former)


def _set(row: QuotaRow, amounts: Amounts) -> None:
    for measure, amount in amounts.items():
        setattr(row, measure, amount)


def _amounts(row: QuotaRow) -> dict[Measure, int]:
    return {limit.measure: limit.amount for limit in reversed(limits(row))}


def _digest(row: QuotaRow) -> str:
    return digest_of({str(measure): amount for measure, amount in _amounts(row).items()})


def _quota(row: QuotaRow) -> Quota:
    return Quota(row.id, Kind(row.kind), row.subject_id, _amounts(row), row.version, row.created_at)
