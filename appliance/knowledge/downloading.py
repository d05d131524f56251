"""The original file of a document, as it was uploaded, for who may read the document. Never whole in memory.

All of it is read once before the first byte is sent: what is damaged on disk is an error, and no file. No session is
open meanwhile, nor while it is sent.
"""

import hashlib
from dataclasses import dataclass
from io import BufferedReader
from typing import Final
from uuid import UUID

from sqlalchemy import select

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.drivers.blobs import BlobMissing, Blobs
from appliance.kit import log
from appliance.kit.database import Database
from appliance.knowledge.errors import DocumentNotFound, OriginalDamaged, RevisionNotFound
from appliance.knowledge.parsing.formats import FORMATS
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import RevisionRow

_logger = log.get(__name__)
_KNOWN: Final = frozenset(one.media_type for one in FORMATS)
_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Original:
    """A file of one revision. ``media_type`` is what its bytes were found to be, if they were read."""

    document: UUID
    name: str
    revision: UUID
    number: int
    sha256: str
    media_type: str


class Downloads:
    """For one person."""

    def __init__(self, database: Database, principal: Principal, blobs: Blobs) -> None:
        self._database = database
        self._principal = principal
        self._blobs = blobs

    def find(self, document: UUID, number: int | None = None, revision: UUID | None = None) -> Original:
        """Of the revision that is meant by number, by id or by both; of the one that is served, or else the newest.

        Raises DocumentNotFound, RevisionNotFound.
        """
        with self._database.session(self._principal.tenant) as session:
            found = Knowledge(session, self._principal).document(document)
            if found.state == "deleting":
                raise DocumentNotFound.about(document)
            query = select(RevisionRow).where(RevisionRow.document_id == document)
            if number is not None:
                query = query.where(RevisionRow.number == number)
            if revision is not None or number is None:
                query = query.where(RevisionRow.id == (revision or found.revision))
            row = session.execute(query).scalar_one_or_none()
            if row is None:
                raise RevisionNotFound.about(revision or number)
            kind = row.media_type if row.media_type in _KNOWN else _UNKNOWN
            return Original(document, found.name, row.id, row.number, row.sha256, kind)

    def open(self, original: Original) -> BufferedReader:
        """The file, at its beginning; it stays readable when the document is forgotten meanwhile. It is in the record.

        Raises OriginalDamaged, BlobMissing, and DocumentNotFound where it has just been forgotten.
        """
        tenant = self._principal.tenant
        try:
            with self._blobs.local(tenant, original.sha256) as path:
                file = _checked(path.open("rb"), original)
        except (BlobMissing, FileNotFoundError) as error:
            self.find(original.document, revision=original.revision)
            _logger.exception("an original is missing", document=str(original.document), sha256=original.sha256)
            raise BlobMissing(f"{original.sha256[:12]}…") from error
        with self._database.session(tenant) as session:
            audit = Audit(session, tenant, self._principal.user)
            audit.record("document.download", original.document, revision=original.number)
        return file


def _checked(file: BufferedReader, original: Original) -> BufferedReader:
    try:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    except OSError as error:
        file.close()
        found = str(error)
    if found == original.sha256:
        return file
    file.close()
    _logger.error("an original is damaged", document=str(original.document), sha256=original.sha256, found=found)
    raise OriginalDamaged
