"""What a tenant may choose. Kept as one JSON value of its row; other slices read it by :func:`settings_of`.

The form is strict, in the request and in what is read back: an unknown member, or a number that is a text, is refused.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from appliance.tenants import repository

Language = Literal["en", "zh-Hans", "zh-Hant"]


def _known(name: str) -> str:
    if name not in _zones():  # a list, not a look into the file system: a name from outside is no path
        raise ValueError("there is no time zone of this name")
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _once(languages: list[Language]) -> list[Language]:
    if len(set(languages)) != len(languages):
        raise ValueError("a language stands in it twice")
    return languages


class TenantSettings(BaseModel):
    """What a tenant may choose. What is null or left out is as the appliance has it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    time_zone: Annotated[
        Annotated[str, Field(max_length=64)] | None,
        AfterValidator(lambda name: name if name is None else _known(name)),
        Field(description="An IANA name; days and months of its quotas follow it. Null: UTC"),
    ] = None
    contact: Annotated[
        Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None,
        Field(description="Whom to ask"),
    ] = None
    languages: Annotated[
        Annotated[list[Language], Field(min_length=1), AfterValidator(_once)] | None,
        Field(description="Its people's languages, the usual one first"),
    ] = None
    require_totp: Annotated[
        bool | None, Field(description="Whether its people need a one-time code beside their password. Null: no")
    ] = None

    keep_conversations_days: Annotated[
        Annotated[int, Field(ge=1, le=36_500)] | None,
        Field(description="Days after its last message that a conversation is kept. Null: until its person deletes it"),
    ] = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that its days and months follow."""
        return ZoneInfo(self.time_zone or "UTC")


def settings_of(session: Session, tenant: UUID) -> TenantSettings:
    """A tenant's settings, those of the appliance where there is no such tenant. Any login may read its own."""
    row = repository.tenant(session, tenant)
    return read(row.settings) if row else TenantSettings()


def choosing(session: Session, member: str) -> dict[UUID, Any]:
    """What tenants that are there have chosen for one member, of those who have. For the ``system`` login."""
    return {row.id: getattr(read(row.settings), member) for row in repository.tenants_with_setting(session, member)}


def read(stored: dict[str, Any]) -> TenantSettings:
    """What is stored, in its form."""
    return TenantSettings.model_validate(stored)


def written(stored: dict[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be stored: the members that are named change, null takes one away."""
    told = {**stored, **chosen}
    return read({name: value for name, value in told.items() if value is not None}).model_dump(exclude_none=True)
