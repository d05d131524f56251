"""What the appliance answers about collections and documents."""

from appliance.kit.errors import Broken, Conflict, Forbidden, NotFound, Refused
from appliance.knowledge.parsing.errors import FileRefused


class CollectionNotFound(NotFound):
    """There is no such collection in this tenant."""

    code = "collection_not_found"
    advice = "List the collections with 'appliance collections list'."


class CollectionExists(Conflict):
    """A collection of this name is there already."""

    code = "collection_exists"
    advice = "Use it, or choose another name."


class DocumentNotFound(NotFound):
    """There is no such document for you."""

    code = "document_not_found"
    advice = "List the documents with 'appliance documents list'."


class NotYourDocument(Forbidden):
    """You may not read what is added here under this name."""

    code = "not_your_document"
    advice = "Choose another name or collection, or ask your administrator for access."


class HoldsOthers(Forbidden):
    """The collection holds documents that you may not read."""

    code = "holds_others"
    advice = "Ask your administrator to delete it."


class NotAllYours(Forbidden):
    """The collection holds documents that you may not read; an export is of all of it."""

    code = "not_all_yours"
    advice = "Ask your administrator for access to them, or for the export."


class TooManyToExport(Refused):
    """The collection has more documents than one archive holds."""

    code = "too_many_to_export"
    advice = "Export the tenant, or divide the collection."


class NotACollection(Refused):
    """The file is no archive of a collection that this version reads."""

    code = "not_a_collection_archive"
    advice = "Give a file that 'appliance collections export' wrote; nothing was changed."


class ArchiveDamaged(Refused):
    """The archive is not as it was written."""

    code = "archive_damaged"
    advice = "Fetch it again, or export the collection anew; nothing was changed."


class ArchiveHostile(Refused):
    """The archive holds what no export writes."""

    code = "archive_hostile"
    advice = "Ask where the file comes from; nothing was changed."


class ArchiveGone(NotFound):
    """The archive waited for longer than a day and is not kept any more."""

    code = "archive_gone"
    advice = "Import it again."


class NoRule(Conflict):
    """The collection keeps its documents: it has no rule of retention."""

    code = "no_rule"
    advice = "Give the rule that is to be tried."


class RevisionNotFound(NotFound):
    """The document has no revision of this number."""

    code = "revision_not_found"
    advice = "List them with 'appliance documents revisions'."


class OriginalDamaged(Broken):
    """The stored file is not the one that was taken in."""

    code = "original_damaged"
    advice = "Upload the document again; look into the storage of the appliance."


class TooLongToCompare(Refused):
    """The texts have more lines than are compared."""

    code = "too_long_to_compare"
    advice = "Fetch both texts and compare them where you are."


class BatchNotFound(NotFound):
    """There is no such batch of yours, or not in this collection."""

    code = "batch_not_found"
    advice = "List them with 'appliance batches list'."


class BatchEnded(Conflict):
    """The batch has ended and takes no more files."""

    code = "batch_ended"
    advice = "Begin another one."


class ChunkNotFound(NotFound):
    """The document has no such chunk."""

    code = "chunk_not_found"


class UnderHold(Conflict):
    """A legal hold keeps it from being forgotten."""

    code = "under_hold"
    advice = "Ask an administrator: 'appliance documents holds'."


class NotHeld(NotFound):
    """The document is under no legal hold."""

    code = "not_held"


class DocumentBusy(Conflict):
    """The document is being deleted."""

    code = "document_busy"
    advice = "Wait until its deletion has ended, then upload it again."


class NothingToRetry(Conflict):
    """Only a document that failed can be tried again."""

    code = "nothing_to_retry"
    advice = "Look at its state with 'appliance documents show'."


class NoText(Conflict):
    """The document has not been read yet."""

    code = "document_not_read"
    advice = "Wait until it is ready."


class BadName(Refused):
    """A name must have 1 to 255 visible characters."""

    code = "bad_name"


class TypeUnknown(Refused):
    """No such type of document is read."""

    code = "type_unknown"
    advice = "Name a type by the suffix of its files, say 'pdf' or 'docx'; GET /api/v1/formats lists them."


class BadTag(Refused):
    """A tag has 1 to 50 visible characters and no comma, a document has at most 50 tags."""

    code = "bad_tag"


class GlossaryTermNotFound(NotFound):
    """The glossary has no such entry."""

    code = "glossary_term_not_found"


class GlossaryTermExists(Conflict):
    """The glossary has an entry for this term."""

    code = "glossary_term_exists"
    advice = "Change that one."


class BadGlossaryTerm(Refused):
    """A term and each of its 1 to 20 expansions have 2 to 100 characters and are no mere stopword."""

    code = "bad_glossary_term"


class GlossaryFull(Conflict):
    """A glossary holds 2,000 entries."""

    code = "glossary_full"
    advice = "Delete entries that nobody needs."


class EmptyUpload(Refused):
    """The file is empty."""

    code = "empty_file"
    advice = "Send a file with something in it."


class FileNotRead(Refused):
    """A file that could not be read, with the parser's own reason as its code."""

    advice = "Send the file again once this is put right."

    def __init__(self, refusal: FileRefused) -> None:
        super().__init__(str(refusal))
        self.code = refusal.code  # type: ignore[misc] # each refusal has its own
