"""Programs push documents to a source, by the name that they know each by: pushing the same again changes nothing."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.drivers.blobs import Blobs, Staged
from appliance.drivers.sources.port import Entry
from appliance.knowledge.sources import repository
from appliance.knowledge.sources.deciding import Act
from appliance.knowledge.sources.errors import ItemNotFound, NotPushed, SourceNotFound
from appliance.knowledge.sources.taking import Taking
from appliance.tenants import viewing


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of it; ``job`` reads it, if one must."""

    document: UUID
    job: UUID | None
    act: Act


class Pushing:
    """To the push sources of one tenant. Who pushes need not be able to read what is pushed."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._tenant = principal.tenant

    def put(self, source: UUID, entry: Entry, staged: Staged, blobs: Blobs, readers: Readers | None) -> Pushed:
        """Take it in; ``readers`` None: the source's list. What was forgotten here is taken anew.

        Raises SourceNotFound, SourcePaused, NotPushed, GroupNotFound, UserNotFound, and as ``Taking.take``.
        """
        own = self._pushed_to(source)
        if readers is not None:
            viewing.check(self._session, self._tenant, readers)
            own = tuple(readers.entries)
        taken = Taking.of(self._session, self._tenant, source).take(entry, staged, blobs, own)
        act = Act.UNCHANGED if taken.unchanged else Act.TAKEN if taken.new else Act.UPDATED
        return Pushed(taken.document, taken.job, act)

    def delete(self, source: UUID, external: str) -> Act:
        """It is gone where it came from. Raises SourceNotFound, SourcePaused, NotPushed, ItemNotFound."""
        self._pushed_to(source)
        act = Taking.of(self._session, self._tenant, source).delete(external)
        if act is None:
            raise ItemNotFound.about(external)
        return act

    def _pushed_to(self, source: UUID) -> tuple[str, ...] | None:
        row = repository.source(self._session, source)
        if row is None:
            raise SourceNotFound.about(source)
        if row.kind != "push":
            raise NotPushed
        return None if row.readers is None else tuple(row.readers)
