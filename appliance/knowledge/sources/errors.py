"""What the appliance answers about sources."""

from appliance.kit.errors import Conflict, NotFound, Refused


class SourceNotFound(NotFound):
    """There is no such source in this tenant."""

    code = "source_not_found"
    advice = "List the sources with 'appliance sources list'."


class SourceExists(Conflict):
    """A source of this name is there already."""

    code = "source_exists"
    advice = "Change it, or choose another name."


class KindFixed(Conflict):
    """A source keeps its kind."""

    code = "source_kind_fixed"
    advice = "Make another source."


class FolderNotAllowed(Refused):
    """The folder does not lie in a directory that the operator allows for this tenant."""

    code = "folder_not_allowed"
    advice = "Ask the operator for the setting 'sources.folders'."


class SourceUnreadable(Conflict):
    """What is stored of this source cannot be read: another version of the appliance wrote it."""

    code = "source_unreadable"
    advice = "Set it up again: 'appliance sources change'."


class SourcePaused(Conflict):
    """The source is paused, or about to be removed."""

    code = "source_paused"
    advice = "Let it go on: 'appliance sources change --resume'."


class NothingToSync(Conflict):
    """Nothing is fetched from this source: programs push to it."""

    code = "nothing_to_sync"
    advice = "Push documents to it: 'appliance sources push'."


class NotPushed(Conflict):
    """Documents are fetched from this source; nobody pushes to it."""

    code = "not_pushed"
    advice = "Make a source of the kind 'push'."


class ItemNotFound(NotFound):
    """The source holds nothing of this name."""

    code = "item_not_found"
    advice = "See 'appliance sources log'."


class NothingFound(Conflict):
    """The source shows nothing, where much was taken from it before; nothing was deleted."""

    code = "nothing_found"
    advice = "Is the folder mounted, the address right? To forget all, remove the source with its documents."


class NotItsOwn(Conflict):
    """A document of this name is in the collection already, and did not come from this source."""

    code = "not_its_own"
    advice = "Rename one of the two, or give the source a collection of its own."


class BadReaders(Refused):
    """The access list is not one."""

    code = "bad_readers"
    advice = 'Send a JSON object: {"everyone": false, "groups": ["…"], "users": []}.'
