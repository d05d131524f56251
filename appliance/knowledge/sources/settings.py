"""What each kind of source needs to be told. Which places may be reached at all, the operator's settings say."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from appliance.knowledge.sources.errors import SourceUnreadable

Short = Annotated[str, Field(min_length=1, max_length=255)]
Patterns = Annotated[
    list[Short], Field(max_length=50, description="As a shell matches names, * over / too; of the whole path")
]
Groups = Annotated[
    dict[Short, Short] | None,
    Field(max_length=1000, description="Our group by the source's; null: each under its own name"),
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


AnySettings = Annotated[FolderSettings | PushSettings, Field(discriminator="kind")]
_ANY: TypeAdapter[FolderSettings | PushSettings] = TypeAdapter(AnySettings)
Form = TypeVar("Form", bound=BaseModel)


def stored(kept: Mapping[str, Any]) -> FolderSettings | PushSettings:
    """What is stored, in its form. Raises SourceUnreadable, which names members, never their values."""
    try:
        return _ANY.validate_python(dict(kept))
    except ValidationError as error:
        members = sorted({str(each["loc"][-1]) for each in error.errors() if each["loc"]})
        raise SourceUnreadable(members=members) from None


def groups_of(settings: AnySettings) -> Mapping[str, str] | None:
    """Our groups by the source's; None: each under its own name."""
    return settings.groups if isinstance(settings, FolderSettings) else None
