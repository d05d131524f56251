"""What a tenant may choose. Kept as one JSON value of its row; other slices read it by :func:`settings_of`.

The form is strict in a request: an unknown member, or a number that is a text, is refused. What is read back may have
been written by another version, and no member of it keeps a tenant from working.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
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


CLOSED: Final[Mapping[str, Any]] = {"require_totp": True}
"""What holds of a member whose stored value cannot be read, where to choose nothing would open a door."""


def settings_of(session: Session, tenant: UUID) -> TenantSettings:
    """A tenant's settings, those of the appliance where there is no such tenant. Any login may read its own."""
    row = repository.tenant(session, tenant)
    return read(row.settings) if row else TenantSettings()


def choosing(session: Session, member: str) -> dict[UUID, Any]:
    """What tenants that are there have chosen for one member, of those who have. For the ``system`` login."""
    rows = repository.tenants_with_setting(session, member)
    chosen = {row.id: getattr(read(row.settings), member) for row in rows}
    return {tenant: value for tenant, value in chosen.items() if value is not None}


def read(stored: Mapping[str, Any]) -> TenantSettings:
    """What is stored, in its form.

    Another version of the appliance may have written it. A member that this one does not know is left alone; one whose
    value it cannot read is as if it were not chosen, or as :data:`CLOSED` says.
    """
    known = {name: value for name, value in stored.items() if name in TenantSettings.model_fields}
    try:
        return TenantSettings.model_validate(known)
    except ValidationError as error:
        unreadable = {str(each["loc"][0]) for each in error.errors()}
        readable = {name: value for name, value in known.items() if name not in unreadable}
        return TenantSettings.model_validate(readable | {name: CLOSED[name] for name in unreadable & CLOSED.keys()})


def written(stored: dict[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be stored: the members that are named change, null takes one away."""
    told = {name: value for name, value in {**stored, **chosen}.items() if value is not None}
    strangers = {name: value for name, value in told.items() if name not in TenantSettings.model_fields}
    return strangers | read(told).model_dump(exclude_none=True)
