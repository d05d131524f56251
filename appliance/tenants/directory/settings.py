"""How a tenant's directory is set up. Only an operator sets it: it names hosts that this server reaches."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from appliance.access.principal import Role
from appliance.drivers.fetcher import AddressRefused, parse
from appliance.tenants.directory.errors import DirectoryUnreadable

Short = Annotated[str, Field(min_length=1, max_length=255)]
Roles = Annotated[
    dict[Short, Role],
    Field(
        max_length=100, description="Role by the directory's group; the highest counts. Empty: roles stay as they are"
    ),
]
Groups = Annotated[
    dict[Short, Annotated[str, Field(min_length=1, max_length=100)]] | None,
    Field(max_length=1000, description="Our group by the directory's; null: each under its own name"),
]
Pem = Annotated[
    str | None,
    Field(max_length=100_000, description="PEM of the authority that signed its certificate; null: the system's"),
]


class OidcSettings(BaseModel):
    """An OpenID Connect provider, and what its claims mean here."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str, Field(max_length=500, description="Exactly as the provider writes it")]
    client_id: Short
    public_url: Annotated[str, Field(max_length=500, description="The appliance as browsers see it")]
    scopes: Annotated[list[Short], Field(max_length=20)] = ["profile", "email"]
    login_claim: Literal["preferred_username", "email", "upn", "sub"] = "preferred_username"
    name_claim: Short = "name"
    groups_claim: Annotated[Short | None, Field(description="null: groups are not taken from it")] = "groups"
    groups: Groups = None
    roles: Roles = {}
    create: Annotated[bool, Field(description="Make the account of who signs in for the first time")] = True
    adopt: Annotated[bool, Field(description="Take over accounts made here by hand, of the same login")] = False
    hosts: Annotated[
        list[Short], Field(max_length=10, description="More hosts that the provider's addresses name")
    ] = []
    ca: Pem = None

    @field_validator("issuer", "public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            where = parse(value)
        except AddressRefused as error:
            raise ValueError(error.detail) from error
        if where.scheme != "https" and not (where.literal and where.literal.is_loopback):
            message = "only https, but for a loopback that is written as a number"
            raise ValueError(message)
        return value

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to; to be registered there."""
        return self.public_url.rstrip("/") + "/api/v1/oidc/callback"

    @property
    def reachable(self) -> frozenset[tuple[str, int]]:
        """The hosts that may be reached for it."""
        first = parse(self.issuer)
        more = (parse(f"https://{each}/") for each in self.hosts)
        return frozenset({(first.host, first.port), *((each.host, each.port) for each in more)})

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        for each in value:
            try:
                where = parse(f"https://{each}/")
            except AddressRefused as error:
                raise ValueError(error.detail) from error
            if where.target != "/":
                message = "a host is a name, and a port behind a colon if it is not 443"
                raise ValueError(message)
        return value


Dn = Annotated[str, Field(min_length=1, max_length=1000)]
Filter = Annotated[str, Field(min_length=3, max_length=1000, pattern=r"^\(.*\)$")]
Every = Annotated[int | None, Field(ge=1, le=10080, description="null: only when asked")]
Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9.;-]{0,99}$")]


class LdapSettings(BaseModel):
    """An LDAP server or Active Directory, and what its entries mean here. Always over TLS."""

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Field(min_length=1, max_length=255, description="A name that its certificate bears")]
    port: Annotated[int | None, Field(ge=1, le=65535, description="null: 636, or 389 with starttls")] = None
    security: Literal["ldaps", "starttls"] = "ldaps"
    ca: Pem = None
    bind_dn: Dn
    user_base: Dn
    user_filter: Filter = "(objectClass=inetOrgPerson)"
    login_attribute: Attribute = "uid"
    name_attribute: Attribute = "cn"
    id_attribute: Annotated[Attribute, Field(description="What never changes: objectGUID in Active Directory")] = (
        "entryUUID"
    )
    group_base: Annotated[Dn | None, Field(description="null: groups are not taken from it")] = None
    group_filter: Filter = "(objectClass=groupOfNames)"
    group_name_attribute: Attribute = "cn"
    member_attribute: Annotated[Attribute, Field(description="It holds the names (DN) of members")] = "member"
    groups: Groups = None
    roles: Roles = {}
    sign_in: Annotated[bool, Field(description="Let people sign in with the directory's password")] = True
    every_minutes: Every = 15

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        try:
            where = parse(f"https://{value}/")
        except AddressRefused as error:
            raise ValueError(error.detail) from error
        if where.host != value or where.target != "/":
            message = "a host is a name, without a port"
            raise ValueError(message)
        return value

    @property
    def reached_port(self) -> int:
        """The port, the usual one unless set."""
        return self.port or {"ldaps": 636, "starttls": 389}[self.security]


Form = TypeVar("Form", bound=BaseModel)
UNREADABLE: Final = timedelta(hours=1)
"""From one sync to the next where the stored pause cannot be read."""


def stored(form: type[Form], kept: Mapping[str, Any]) -> Form:
    """What is stored, in its form. Raises :class:`DirectoryUnreadable`, which names members, never their values.

    Another version of the appliance may have written it: after a step back, or before a rule was made tighter.
    """
    try:
        return form.model_validate(kept)
    except ValidationError as error:
        members = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        raise DirectoryUnreadable(members=members) from None  # the values are for no log


class _Paced(BaseModel):
    every_minutes: Every = None


def pause(kept: Mapping[str, Any]) -> timedelta | None:
    """How long from one sync to the next; None: only when asked. Where it cannot be read, the sync is to say so."""
    try:
        minutes = _Paced.model_validate(kept).every_minutes
    except ValidationError:
        return UNREADABLE
    return None if minutes is None else timedelta(minutes=minutes)


def highest(roles: Mapping[str, Role], groups: frozenset[str]) -> Role:
    """The role that these groups of the directory give: the one that may most, member if none."""
    found = {role for group, role in roles.items() if group in groups}
    return next((role for role in _ORDER if role in found), Role.MEMBER)


_ORDER = (Role.OPERATOR, Role.AUDITOR, Role.TENANT_ADMIN, Role.EDITOR)
