"""What a source does to documents, one at a time, in the caller's transaction: rows of its items and of its log too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId, UserId
from appliance.access.readers import Readers
from appliance.drivers.blobs import Blobs, Staged
from appliance.drivers.sources.port import Entry, Skip
from appliance.kit import clock
from appliance.knowledge import lists
from appliance.knowledge.errors import DocumentNotFound, UnderHold
from appliance.knowledge.intake import Intake, Taken
from appliance.knowledge.repository import Documents
from appliance.knowledge.service import checked_name
from appliance.knowledge.sources import repository
from appliance.knowledge.sources.deciding import Act, Decision
from appliance.knowledge.sources.errors import NotItsOwn, SourceNotFound, SourcePaused
from appliance.knowledge.sources.tables import SourceItemRow, SourceLogRow, SourceRow
from appliance.knowledge.tables import DocumentRow
from appliance.tenants import viewing

GONE = Skip("gone", "It is not in the source any more.")
HELD = Skip("under_hold", "A legal hold keeps the document, though the source has it no more.")
_STATES = {Act.WAITING: "waiting", Act.FAILED: "failed", Act.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Account:
    """On whose account a source's documents are: who set it up."""

    user: UserId
    key: UUID | None = None


def entries_of(
    session: Session, tenant: TenantId, groups: Iterable[str], mapping: Mapping[str, str] | None
) -> tuple[str, ...]:
    """The access list for members of these groups of the source; nobody where none of them is known here."""
    names = set(groups) if mapping is None else {mapping[one] for one in groups if one in mapping}
    found = viewing.groups_named(session, tenant, names)
    return tuple(Readers(groups=frozenset(found.values())).entries)


class Taking:
    """One source at work. ``source``: its row as it is now; ``job``: the run that its log is of."""

    def __init__(self, session: Session, tenant: TenantId, source: SourceRow, job: UUID | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._source = source
        self._job = job
        self._intake = Intake(session, tenant, Account(UserId(source.created_by)))
        self._documents = Documents(session, tenant)

    @classmethod
    def of(cls, session: Session, tenant: TenantId, source: UUID, job: UUID | None = None) -> "Taking":
        """Raises SourceNotFound, SourcePaused."""
        row = repository.source(session, source)
        if row is None:
            raise SourceNotFound.about(source)
        if row.state != "active":
            raise SourcePaused
        return cls(session, tenant, row, job)

    def take(self, entry: Entry, staged: Staged, blobs: Blobs, readers: tuple[str, ...] | None) -> Taken:
        """A new document, or a new revision of the one that is there. Raises BadName, NotItsOwn, and as Intake.put."""
        name = checked_name(entry.name)
        item = repository.item(self._session, self._tenant, self._source.id, entry.external)

        def may(row: DocumentRow, new: bool) -> None:  # noqa: FBT001 - as Intake.put calls it
            if not new and row.id != item.document_id and row.state != "deleting":
                raise NotItsOwn.about(name)

        taken = self._intake.put(self._source.collection_id, name, staged, blobs, may)
        if item.document_id is not None and item.document_id != taken.document:
            self._forget(item.document_id)  # it has another name now
        shared = self._share(item, taken.document, readers)
        item.external, item.token, item.sha256 = entry.external, entry.token, staged.sha256
        item.document_id, item.state, item.reason_code = taken.document, "taken", None
        item.changed_at = clock.now()
        if not taken.unchanged:
            self.log(entry, Decision(Act.TAKEN if taken.new else Act.UPDATED), taken.document)
        elif shared:
            self.log(entry, Decision(Act.SHARED), taken.document)
        return taken

    def share(self, entry: Entry, readers: tuple[str, ...] | None) -> None:
        """The source says that others may read it."""
        item = repository.known_item(self._session, self._source.id, entry.external)
        if item is not None and item.document_id is not None and self._share(item, item.document_id, readers):
            self.log(entry, Decision(Act.SHARED), item.document_id)

    def leave(self, entry: Entry, decision: Decision) -> None:
        """It is not taken: remembered and told, once. What was taken of it before stays."""
        item = repository.item(self._session, self._tenant, self._source.id, entry.external)
        if item.state in ("gone", "forgotten"):
            return
        code = decision.skip.code if decision.skip else None
        news = (item.state, item.reason_code) != (_STATES[decision.act], code)
        item.external, item.state, item.reason_code = entry.external, _STATES[decision.act], code
        if news:
            item.changed_at = clock.now()
            self.log(entry, decision, item.document_id)

    def delete(self, external: str, why: Skip = GONE) -> Act | None:
        """It is gone from the source, or left out from now on: its document is forgotten, unless it is held."""
        item = repository.known_item(self._session, self._source.id, external)
        if item is None or item.state in ("gone", "forgotten"):
            return None
        if item.document_id is None:
            self._session.delete(item)
            return None
        act = Act.DELETED if self._forget(item.document_id) else Act.HELD
        if act is Act.HELD and item.state == "held":
            return act
        self.log(Entry(external, external, ""), Decision(act, why if act is Act.DELETED else HELD), item.document_id)
        item.state, item.token = ("gone" if act is Act.DELETED else "held"), None
        item.changed_at = clock.now()
        return act

    def log(self, entry: Entry, decision: Decision, document: UUID | None = None, *, dry: bool = False) -> None:
        """Tell what became of it, or would."""
        skip = decision.skip
        self._session.add(
            SourceLogRow(
                tenant_id=self._tenant,
                source_id=self._source.id,
                job_id=self._job,
                dry=dry,
                key=repository.key_of(entry.external),
                name=entry.name,
                document_id=document,
                act=decision.act.value,
                reason_code=skip.code if skip else None,
                reason=skip.reason if skip else None,
            )
        )

    def _share(self, item: SourceItemRow, document: UUID, readers: tuple[str, ...] | None) -> bool:
        wanted = None if readers is None else list(readers)
        if wanted == item.readers:
            return False
        try:
            lists.set_document(self._session, document, wanted)
        except DocumentNotFound:  # it is being deleted
            return False
        item.readers = wanted
        return True

    def _forget(self, document: UUID) -> bool:
        row = self._documents.lock(document)
        if row is None or row.state == "deleting":
            return True
        try:
            self._intake.forget(row)
        except UnderHold:
            return False
        return True
