"""What is kept of licensing: whole files as they came, and one row of the clock guard. No tenant's."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id
from appliance.kit.database import Base


class LicenceFileRow(Base):
    """A licence file that was accepted. The newest is in force; the others tell what was."""

    __tablename__ = "licence_files"

    id: Mapped[Id]
    file: Mapped[str]
    installed_by: Mapped[UUID | None]
    created_at: Mapped[Created]


class RevocationFileRow(Base):
    """A list of revocations that was accepted. The highest sequence is in force."""

    __tablename__ = "revocation_files"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    file: Mapped[str]
    created_at: Mapped[Created]


class ClockRow(Base):
    """The clock guard's memory: one row. Times are seconds since 1970, ``elapsed`` since the boot."""

    __tablename__ = "licence_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    appliance_id: Mapped[UUID]
    first_start: Mapped[int] = mapped_column(BigInteger)
    looks: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[int] = mapped_column(BigInteger)
    floor: Mapped[int] = mapped_column(BigInteger)
    boot: Mapped[str]
    base: Mapped[int] = mapped_column(BigInteger)
    elapsed: Mapped[int] = mapped_column(BigInteger)
    suspicion: Mapped[str | None]
    since: Mapped[int | None] = mapped_column(BigInteger)
