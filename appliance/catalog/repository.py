"""Queries on model versions and adapters."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from appliance.catalog.tables import AdapterRow, ModelVersionRow

ADAPTER_LOCK = 0x6C6F7261
"""Advisory lock (``lora``): one import at a time, so that the licence's number holds and versions count up."""

PLACE_LOCK = 0x706C616365
"""Advisory lock (``place``): who gives a version its directory and row, and who takes away one that has no row."""


def one(session: Session, version: UUID) -> ModelVersionRow | None:
    """One version."""
    return session.get(ModelVersionRow, version)


def known(session: Session, name: str, digest: str) -> ModelVersionRow | None:
    """The version of this name and digest."""
    query = select(ModelVersionRow).where(ModelVersionRow.name == name, ModelVersionRow.digest == digest)
    return session.scalars(query).one_or_none()


def some(
    session: Session, after: UUID | None, limit: int, equal: Mapping[str, str | None]
) -> Sequence[ModelVersionRow]:
    """Versions by id, those after ``after``, that are equal in the fields that are given."""
    query = select(ModelVersionRow).order_by(ModelVersionRow.id).limit(limit)
    query = query.filter_by(**{name: value for name, value in equal.items() if value is not None})
    return session.scalars(query.where(ModelVersionRow.id > after) if after else query).all()


def those(session: Session, versions: Sequence[UUID]) -> Sequence[ModelVersionRow]:
    """The versions with these ids."""
    return session.scalars(select(ModelVersionRow).where(ModelVersionRow.id.in_(versions))).all()


def one_at_a_time(session: Session) -> None:
    """Wait for the import of another adapter, until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(ADAPTER_LOCK)))


def place_alone(session: Session) -> None:
    """Wait for who places another version, until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(PLACE_LOCK)))


def adapter(session: Session, tenant: UUID, wanted: UUID) -> AdapterRow | None:
    """One adapter of a tenant."""
    return session.scalars(
        select(AdapterRow).where(AdapterRow.tenant_id == tenant, AdapterRow.id == wanted)
    ).one_or_none()


def newest_adapter(session: Session, tenant: UUID, name: str) -> AdapterRow | None:
    """The newest version of a name."""
    query = select(AdapterRow).where(AdapterRow.tenant_id == tenant, AdapterRow.name == name)
    return session.scalars(query.order_by(AdapterRow.version.desc()).limit(1)).one_or_none()


def some_adapters(
    session: Session, tenant: UUID, after: UUID | None, limit: int, name: str | None
) -> Sequence[AdapterRow]:
    """A tenant's adapters by id, those after ``after``."""
    query = select(AdapterRow).where(AdapterRow.tenant_id == tenant).order_by(AdapterRow.id).limit(limit)
    if after is not None:
        query = query.where(AdapterRow.id > after)
    return session.scalars(query if name is None else query.where(AdapterRow.name == name)).all()


def adapters_of(session: Session, wanted: Collection[UUID]) -> Sequence[AdapterRow]:
    """The adapters with these ids."""
    return session.scalars(select(AdapterRow).where(AdapterRow.id.in_(wanted))).all()


def all_adapters(session: Session) -> set[UUID]:
    """The ids of all tenants' adapters, as system."""
    return set(session.scalars(select(AdapterRow.id)))


def count_adapters(session: Session) -> int:
    """How many there are of all tenants, as system."""
    return session.execute(select(func.count()).select_from(AdapterRow)).scalar_one()


def record_adapter(session: Session, wanted: UUID, **values: object) -> None:
    """Change what was found of its files."""
    session.execute(update(AdapterRow).where(AdapterRow.id == wanted).values(**values))


def forget_adapters(session: Session, tenant: UUID) -> int:
    """Delete a tenant's, as system; how many there were."""
    gone = session.execute(delete(AdapterRow).where(AdapterRow.tenant_id == tenant).returning(AdapterRow.id))
    return len(gone.all())
