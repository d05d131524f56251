"""Model versions: appliance-wide, immutable once verified."""

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment
from appliance.kit.database import Base


class ModelVersionRow(Base):
    """A set of weight files with a digest over its manifest."""

    __tablename__ = "model_versions"
    __table_args__ = (
        UniqueConstraint("name", "digest"),
        CheckConstraint("kind in ('language', 'encoder')", name="kind"),
        CheckConstraint("state in ('verified', 'tampered', 'missing')", name="state"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    kind: Mapped[str]
    digest: Mapped[str]
    directory: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    languages: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    licence: Mapped[str]
    manifest: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default=text("'verified'"))
    reason: Mapped[str | None]
    created_at: Mapped[Created]
    verified_at: Mapped[Moment]
