"""Whether something below a folder has changed, by the kernel's word (inotify). No thread: who asks is told.

Directories are held by descriptor while they are added, and links are not followed: a link to ``/`` would have all of
the machine watched. File systems of the network tell only of what this machine changes itself.
"""

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from inotify_simple import INotify, flags

from appliance.drivers.sources.folder import Folder
from appliance.drivers.sources.port import SourceUnreachable
from appliance.kit import log

MOST: Final = 50_000
"""Directories of one folder that are watched."""
_CHANGES: Final = (
    flags.CLOSE_WRITE
    | flags.ATTRIB
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.CREATE
    | flags.DELETE
    | flags.ONLYDIR
    | flags.EXCL_UNLINK
)
_MORE: Final = flags.CREATE | flags.MOVED_TO
_LOST: Final = flags.Q_OVERFLOW | flags.IGNORED | flags.UNMOUNT
_logger = log.get(__name__)


class Watch:
    """Of one folder, as :class:`Folder` reaches it. The first :meth:`changed` is true: nobody knows what was before."""

    def __init__(self, root: Path, below: PurePosixPath) -> None:
        self._folder = Folder(root, below)
        self._kernel = INotify()
        self._first = True
        try:
            self._add()
        except SourceUnreachable:
            self._kernel.close()
            raise

    def changed(self) -> bool:
        """Whether there was a change since the last call. Raises SourceUnreachable once the folder is not there."""
        events = list(self._kernel.read(timeout=0))
        if any(event.mask & _LOST or (event.mask & _MORE and event.mask & flags.ISDIR) for event in events):
            self._add()
        first, self._first = self._first, False
        return first or bool(events)

    def close(self) -> None:
        """Watch no more."""
        self._kernel.close()

    def _add(self) -> None:
        """Watch every directory that is there; those that are watched already stay so."""
        top = self._folder.top()
        try:
            for count, (_, _, _, descriptor) in enumerate(os.fwalk(".", dir_fd=top, follow_symlinks=False)):
                if count >= MOST:
                    _logger.warning("a folder has more directories than are watched", most=MOST)
                    return
                with suppress(FileNotFoundError):
                    self._kernel.add_watch(f"/proc/self/fd/{descriptor}", _CHANGES)
        except OSError as error:  # the kernel's limit, say: what is watched stays so
            _logger.warning("a folder cannot be watched as a whole", reason=error.strerror)
        finally:
            os.close(top)
