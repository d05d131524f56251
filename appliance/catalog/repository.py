"""Queries on model versions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.catalog.tables import ModelVersionRow


def one(session: Session, version: UUID) -> ModelVersionRow | None:
    """One version."""
    return session.get(ModelVersionRow, version)


def known(session: Session, name: str, digest: str) -> ModelVersionRow | None:
    """The version of this name and digest."""
    query = select(ModelVersionRow).where(ModelVersionRow.name == name, ModelVersionRow.digest == digest)
    return session.scalars(query).one_or_none()


def some(session: Session, after: UUID | None, limit: int) -> Sequence[ModelVersionRow]:
    """Versions by id, those after ``after``."""
    query = select(ModelVersionRow).order_by(ModelVersionRow.id).limit(limit)
    return session.scalars(query.where(ModelVersionRow.id > after) if after else query).all()


def those(session: Session, versions: Sequence[UUID]) -> Sequence[ModelVersionRow]:
    """The versions with these ids."""
    return session.scalars(select(ModelVersionRow).where(ModelVersionRow.id.in_(versions))).all()
