"""Why somebody may or may not read a document, or one passage of it: every rule that a search obeys, one by one."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.audit.service import Audit
from appliance.knowledge import lists
from appliance.knowledge.errors import ChunkNotFound
from appliance.knowledge.lists import Listed
from appliance.knowledge.tables import ChunkRow
from appliance.tenants import viewing
from appliance.tenants.viewing import Viewed


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule. ``allows`` False: this alone is enough to keep the text from the person."""

    code: str
    allows: bool
    told: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """May this person read it? Yes, if every reason allows it."""

    document: str
    login: str
    reasons: tuple[Reason, ...]
    pending_since: datetime | None

    @property
    def may_read(self) -> bool:
        """Whether a search of this person may find it now."""
        return all(reason.allows for reason in self.reasons)


class Explaining:
    """Explains access within one tenant, to who manages it."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._tenant = principal.tenant
        self._audit = Audit(session, principal.tenant, principal.user)

    def document(self, document: UUID, user: UUID, chunk: UUID | None = None) -> Explanation:
        """For this person. Raises DocumentNotFound, UserNotFound; ChunkNotFound for one that is not the document's."""
        listed = lists.document(self._session, document)
        who = viewing.viewed(self._session, self._tenant, user)
        reasons = [*_of_person(who), self._of_list(listed, who), *self._of_state(listed, chunk)]
        self._audit.record("document.explain", document, user=str(user))
        return Explanation(listed.name, who.login, tuple(reasons), listed.pending_since)

    def _of_list(self, listed: Listed, who: Viewed) -> Reason:
        whose = "the document's own list" if listed.own else "the list of its collection"
        entries = who.principal.readers & set(listed.readers)
        if not entries:
            return _against("not_listed", f"{whose} names neither the person nor a group that the person is in")
        named = Readers.of(entries)
        known = viewing.names(self._session, self._tenant, named)
        parts = ["everyone"] if named.everyone else []
        parts += [f"the group '{one.name}'" for one in known.groups] + [f"'{one.name}'" for one in known.users]
        return _for("listed", f"{whose} names {', '.join(parts)}")

    def _of_state(self, listed: Listed, chunk: UUID | None) -> list[Reason]:
        if listed.state == "deleting":
            return [_against("being_deleted", "the document is being deleted")]
        if listed.current_revision is None:
            return [_against("not_ready", f"no revision of the document can be found yet: it is {listed.state}")]
        served = _for("served", "a revision of the document is served")
        if chunk is None:
            return [served]
        query = select(ChunkRow.revision_id).where(ChunkRow.id == chunk, ChunkRow.document_id == listed.document)
        revision = self._session.execute(query).scalar_one_or_none()
        if revision is None:
            raise ChunkNotFound.about(chunk)
        if revision != listed.current_revision:
            return [_against("other_revision", "the passage is of a revision that is not served")]
        return [served, _for("current", "the passage is of the revision that is served")]


def _of_person(who: Viewed) -> list[Reason]:
    role = who.principal.role
    may = allowed(replace(who.principal, scopes=None), Action.READ_DOCUMENTS)
    return [
        _for("active", "the person may sign in") if who.active else _against("suspended", "the person is suspended"),
        Reason("role", may, f"the role {role} may {'' if may else 'not '}read documents"),
    ]


def _for(code: str, told: str) -> Reason:
    return Reason(code, allows=True, told=told)


def _against(code: str, told: str) -> Reason:
    return Reason(code, allows=False, told=told)
