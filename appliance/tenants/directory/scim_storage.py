"""Where SCIM's resources lie: the tenant's users and groups that SCIM answers for.

scim2-server keeps the protocol (RFC 7644: bodies, PATCH, conditions, pages, errors) and calls this to read and write.
What the usual clients ask for (``userName eq``, ``externalId eq``, ``displayName eq``) is asked of the database; any
other filter is matched here, over one tenant's users or groups.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from scim2_models import (
    ConflictException,
    ForbiddenException,
    GroupMembership,
    InvalidValueException,
    Meta,
    NotFoundException,
    PreconditionFailedException,
    Reference,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimFilter,
    SearchRequest,
    UniquenessException,
)
from scim2_models.path.expressions import CompareOperator, Comparison
from scim2_server.storage import ScimStorage, SearchPage
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.kit.canonical import digest_of
from appliance.kit.errors import Conflict, Forbidden, Refused
from appliance.tenants.directory import repository
from appliance.tenants.directory.errors import LoginTaken
from appliance.tenants.directory.provisioning import Person, Provisioning
from appliance.tenants.directory.repository import Equal, Linked, LinkedGroup
from appliance.tenants.directory.scim_models import Email, Group, Member, PersonName, User
from appliance.tenants.errors import NameTaken
from appliance.tenants.tables import GroupRow, UserRow

KIND: Final = "scim"
Any_ = Resource[Any]


class Storage(ScimStorage):
    """The resources of one tenant, in the caller's transaction. Each operation has a savepoint of its own."""

    def __init__(self, session: Session, tenant: TenantId, hand: Provisioning) -> None:
        self._session = session
        self._tenant = tenant
        self._hand = hand

    def operation(self) -> AbstractContextManager[None]:
        """A savepoint: what is refused changes nothing, and the refusal can still be recorded."""
        return cast("AbstractContextManager[None]", self._session.begin_nested())

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,  # noqa: ARG002 - their signature
    ) -> Any_:
        """One resource; raises SCIM's 404."""
        if resource_type.name == "User":
            return self._user_views([self._user(resource_id)])[0]
        return self._group_views([self._group(resource_id)])[0]

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,  # noqa: ANN401, ARG002 - their signature; we page by index
    ) -> SearchPage:
        """A page of what matches, and how many match in all."""
        found = [resource for kind in resource_types for resource in self._matching(kind, search_request)]
        begin = max((search_request.start_index or 1) - 1, 0)
        count = len(found) if search_request.count is None else max(search_request.count, 0)
        return SearchPage(len(found), found[begin : begin + count])

    def create(self, resource_type: ResourceType, resource: Any_) -> Any_:
        """A new user or group."""
        with _told():
            if isinstance(resource, User):
                made = self._hand.admit(_person(resource))
                return self._user_views([made])[0]
            group = cast("Group", resource)
            row, _ = self._hand.group(_text(group.display_name), group.external_id)
            self._hand.set_members(row, _members(group))
        return self.get(resource_type, str(row.id))

    def update(self, resource_type: ResourceType, resource: Any_, *, expected_version: str | None = None) -> Any_:
        """The whole new state of a user or group."""
        self._expect(resource_type, str(resource.id), expected_version)
        with _told():
            if isinstance(resource, User):
                row, link = self._user(str(resource.id), lock=True)
                self._hand.change(row, link, _person(resource, row))
            else:
                group = cast("Group", resource)
                found, link = self._group(str(resource.id), lock=True)
                self._hand.change_group(found, link, _text(group.display_name), group.external_id)
                self._hand.set_members(found, _members(group))
        return self.get(resource_type, str(resource.id))

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """A user is suspended and no longer shown; a group is forgotten."""
        self._expect(resource_type, resource_id, expected_version)
        with _told():
            if resource_type.name == "User":
                self._hand.release(*self._user(resource_id, lock=True))
            else:
                self._hand.drop_group(self._group(resource_id, lock=True)[0])

    def _expect(self, kind: ResourceType, resource_id: str, version: str | None) -> None:
        """Look under a lock whether it is still what the request was made for."""
        if kind.name == "User":
            self._user(resource_id, lock=True)
        else:
            self._group(resource_id, lock=True)
        meta = self.get(kind, resource_id).meta
        if version is not None and (meta is None or meta.version != version):
            raise PreconditionFailedException

    def _matching(self, kind: ResourceType, wanted: SearchRequest[Any]) -> Iterator[Any_]:
        equal, match = _equal(wanted), _match(kind, wanted)
        if kind.name == "User":
            found: Sequence[Any_] = self._user_views(repository.users(self._session, self._tenant, KIND, equal))
        else:
            found = self._group_views(repository.groups(self._session, self._tenant, KIND, equal))
        for resource in found:
            if match is None or match.match(resource):
                yield resource

    def _user(self, resource_id: str, *, lock: bool = False) -> Linked:
        found = repository.users(self._session, self._tenant, KIND, Equal(id=_id(resource_id)), lock=lock)
        if not found:
            raise NotFoundException(detail="there is no such user")
        return found[0]

    def _group(self, resource_id: str, *, lock: bool = False) -> LinkedGroup:
        found = repository.groups(self._session, self._tenant, KIND, Equal(id=_id(resource_id)), lock=lock)
        if not found:
            raise NotFoundException(detail="there is no such group")
        return found[0]

    def _user_views(self, found: Sequence[Linked]) -> list[User]:
        inside: dict[UUID, list[GroupRow]] = {}
        for user, group in repository.memberships(self._session, self._tenant, [row.id for row, _ in found]):
            inside.setdefault(user, []).append(group)
        return [_user_view(pair, inside.get(pair[0].id, [])) for pair in found]

    def _group_views(self, found: Sequence[LinkedGroup]) -> list[Group]:
        inside: dict[UUID, list[UserRow]] = {}
        for group, user in repository.members(self._session, self._tenant, [row.id for row, _ in found]):
            inside.setdefault(group, []).append(user)
        return [_group_view(pair, inside.get(pair[0].id, [])) for pair in found]


@contextmanager
def _told() -> Iterator[None]:
    """Our refusals as SCIM's."""
    try:
        yield
    except (NameTaken, LoginTaken) as error:
        raise UniquenessException(detail=error.detail) from error
    except Conflict as error:
        raise ConflictException(detail=error.detail) from error
    except Forbidden as error:
        raise ForbiddenException(detail=error.detail) from error
    except Refused as error:
        raise InvalidValueException(detail=error.detail) from error


def _equal(wanted: SearchRequest[Any]) -> Equal:
    """What the database can look for, if the filter is one comparison for equality."""
    node = wanted.filter.ast if wanted.filter is not None else None
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq or not isinstance(node.value, str):
        return repository.ANY
    name = str(node.attr_path).rpartition(":")[2].casefold()
    if name == "id":
        return Equal(id=_id(node.value))
    if name == "username" or (name == "displayname" and wanted.filter is not None and wanted.filter.model is Group):
        return Equal(name=node.value)
    return Equal(external=node.value) if name == "externalid" else repository.ANY


def _match(kind: ResourceType, wanted: SearchRequest[Any]) -> ScimFilter[Any] | None:
    """The filter, read for this kind of resource: at the root it comes unread."""
    if wanted.filter is None or wanted.filter.models:
        return wanted.filter
    return ScimFilter[User](str(wanted.filter)) if kind.name == "User" else ScimFilter[Group](str(wanted.filter))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # nobody's


def _person(user: User, row: UserRow | None = None) -> Person:
    """``active`` left out is true for a new user; of one who is here it changes nothing, so it lets nobody in again."""
    name = user.name
    parts = (name.given_name, name.family_name) if name else ()
    spoken = " ".join(part for part in parts if part)
    formatted = name.formatted if name else None
    login = _text(user.user_name)
    active = (row is None or row.state == "active") if user.active is None else user.active
    kept = {
        "active": None if row is None else user.active is not None,
        "displayName": user.display_name,
        "name": name.model_dump() if name else None,
        "emails": [email.model_dump() for email in user.emails] if user.emails else None,
    }
    shown = user.display_name or formatted or spoken or login
    return Person(login, shown[:200], active, user.external_id, {k: v for k, v in kept.items() if v is not None})


def _text(value: str | None) -> str:
    """A name that stands for something: RFC 7643 forbids empty ones, and no name holds a NUL."""
    if value is None or not value.strip() or "\0" in value:
        raise InvalidValueException(detail="a name is empty or cannot be stored")
    return value


def _members(group: Group) -> frozenset[UUID]:
    return frozenset(_id(member.value or "") for member in group.members or ())


def _user_view(pair: Linked, groups: Sequence[GroupRow]) -> User:
    row, link = pair
    kept = link.attributes
    view = User(
        id=str(row.id),
        external_id=link.external,
        user_name=row.login,
        display_name=kept.get("displayName"),
        name=PersonName.model_validate(kept["name"]) if kept.get("name") else None,
        active=None if kept.get("active") is False else row.state == "active",
        emails=[Email.model_validate(email) for email in kept["emails"]] if kept.get("emails") else None,
        groups=[
            GroupMembership(value=str(group.id), ref=Reference(f"Groups/{group.id}"), display=group.name, type="direct")
            for group in groups
        ]
        or None,
    )
    view.meta = _meta("User", view, row.created_at, link.changed_at)
    return view


def _group_view(pair: LinkedGroup, members: Sequence[UserRow]) -> Group:
    row, link = pair
    view = Group(
        id=str(row.id),
        external_id=link.external,
        display_name=row.name,
        members=[Member(value=str(user.id), ref=Reference(f"Users/{user.id}"), type="User") for user in members]
        or None,
    )
    view.meta = _meta("Group", view, row.created_at, link.changed_at)
    return view


def _meta(kind: str, view: User | Group, created: datetime, changed: datetime) -> Meta:
    """The version is a digest of all that is told, so whoever changes it, by whatever way, changes the ETag."""
    return Meta(
        resource_type=kind, created=created, last_modified=changed, version=f'W/"{digest_of(view.model_dump())[:32]}"'
    )
