"""What each kind of source needs to be told. Which places may be reached at all, the operator's settings say."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from appliance.drivers.fetcher import AddressRefused, Where, parse
from appliance.knowledge.sources.errors import SourceUnreadable

Short = Annotated[str, Field(min_length=1, max_length=255)]
Patterns = Annotated[
    list[Short], Field(max_length=50, description="As a shell matches names, * over / too; of the whole path")
]
Groups = Annotated[
    dict[Short, Short] | None,
    Field(max_length=1000, description="Our group by the source's; null: each under its own name"),
]


def _address(value: str) -> Where:
    try:
        return parse(value)
    except AddressRefused as error:
        raise ValueError(error.detail) from error


def _url(value: str) -> str:
    _address(value)
    return value


Url = Annotated[str, Field(max_length=1000), AfterValidator(_url)]
Pem = Annotated[
    str | None,
    Field(max_length=100_000, description="PEM of the authority that signed its certificate; null: the system's"),
]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    include: Patterns = []
    exclude: Patterns = []


class FolderSettings(_Settings):
    """A folder of the server, or of what is mounted there."""

    kind: Literal["folder"]
    path: Annotated[str, Field(min_length=1, max_length=1000, description="Below a directory that is allowed")]
    watch: Annotated[bool, Field(description="Sync soon after a change; not told of by network file systems")] = True
    modes: Annotated[bool, Field(description="Who may read is taken from owning group and mode")] = False
    groups: Groups = None

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        path = PurePosixPath(value)
        if not path.is_absolute() or ".." in path.parts or "\0" in value:
            message = "an absolute path without '..'"
            raise ValueError(message)
        return str(path)


class PushSettings(_Settings):
    """Programs send documents, and say when these are gone."""

    kind: Literal["push"]


class S3Settings(_Settings):
    """A bucket of S3, or of what speaks its protocol. The secret is the secret key."""

    kind: Literal["s3"]
    endpoint: Url
    bucket: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$")]
    prefix: Annotated[str, Field(max_length=1000)] = ""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,50}$")] = "us-east-1"
    access_key: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]
    ca: Pem = None


class SiteSettings(_Settings):
    """A web site, from its first pages on. Its robots.txt is obeyed."""

    kind: Literal["web"]
    start: Annotated[list[Url], Field(min_length=1, max_length=20)]
    depth: Annotated[int, Field(ge=0, le=20, description="Links from the first pages")] = 3
    pages: Annotated[int, Field(ge=1, le=20_000)] = 500
    megabytes: Annotated[int, Field(ge=1, le=2_000)] = 100
    hosts: Annotated[list[Short], Field(max_length=50, description="Followed too, beside the first pages'")] = []
    milliseconds: Annotated[int, Field(ge=0, le=60_000, description="Between two requests to a host")] = 500
    ca: Pem = None


class WebDavSettings(_Settings):
    """A collection of a WebDAV server, Nextcloud's or SharePoint's say. The secret is the password."""

    kind: Literal["webdav"]
    url: Url
    user: Short | None = None
    ca: Pem = None


class ImapSettings(_Settings):
    """Folders of a mailbox. The secret is the password."""

    kind: Literal["imap"]
    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int | None, Field(ge=1, le=65535, description="null: 993, or 143 without tls")] = None
    security: Literal["tls", "starttls", "none"] = "tls"
    user: Short
    folders: Annotated[list[Short], Field(min_length=1, max_length=100)] = ["INBOX"]
    ca: Pem = None

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        name = f"[{value}]" if ":" in value else value
        if _address(f"https://{name}/").target != "/":
            message = "a host is a name, without a port"
            raise ValueError(message)
        return value


Kinds = FolderSettings | PushSettings | S3Settings | SiteSettings | WebDavSettings | ImapSettings
AnySettings = Annotated[Kinds, Field(discriminator="kind")]
_ANY: TypeAdapter[Kinds] = TypeAdapter(AnySettings)


def stored(kept: Mapping[str, Any]) -> Kinds:
    """What is stored, in its form. Raises SourceUnreadable, which names members, never their values."""
    try:
        return _ANY.validate_python(dict(kept))
    except ValidationError as error:
        members = sorted({str(each["loc"][-1]) for each in error.errors() if each["loc"]})
        raise SourceUnreadable(members=members) from None


def groups_of(settings: AnySettings) -> Mapping[str, str] | None:
    """Our groups by the source's; None: each under its own name."""
    return settings.groups if isinstance(settings, FolderSettings) else None
