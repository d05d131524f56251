"""A folder of this machine, or of what is mounted on it. Nothing outside of the root is ever opened.

The walk holds directories by descriptor and follows no symbolic link, neither in the path below the root nor in a name;
a file is opened the same way, step by step. So a link that is put in place between two looks leads nowhere.
"""

import grp
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from appliance.drivers.sources.port import Entry, ItemRefused, Skip, SourceUnreachable
from appliance.kit import clock

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us
_ACL: Final = "system.posix_acl_access"

Groups = frozenset[str] | None
"""Whose members may read; None: everybody."""

LEAVES: Final = Skip("leaves_root", "It is a link that leads out of the folder.", how="drop")
LINK: Final = Skip("link", "It is a link; what it leads to is taken where it lies.", how="drop")
SPECIAL: Final = Skip("no_file", "It is neither a file nor a directory.", how="drop")
NO_TEXT: Final = Skip("bad_name", "Its name is no UTF-8.")
WRITTEN: Final = Skip("still_written", "It was changed a moment ago; it is taken once it rests.", how="wait")
VANISHED: Final = Skip("vanished", "It is not there any more.", how="wait")
UNREADABLE: Final = Skip("unreadable", "The appliance may not read it.")


class Folder:
    """What lies in ``root / below``. ``stable``: seconds that a file must have rested; ``modes``: tell who may read."""

    def __init__(self, root: Path, below: PurePosixPath, *, stable: float = 2.0, modes: bool = False) -> None:
        self._root = root.resolve()
        self._below = below
        self._stable = stable
        self._modes = modes
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether every directory could be read."""
        return self._complete

    def close(self) -> None:
        """Nothing is held between two calls."""

    def check(self) -> str:
        """The folder is there and may be listed."""
        top = self.top()
        try:
            with os.scandir(top) as entries:
                return f"The folder is there; {sum(1 for _ in entries)} entries lie in it."
        except OSError as error:
            raise SourceUnreachable(f"The folder cannot be read: {error.strerror}.") from error
        finally:
            os.close(top)

    def entries(self) -> Iterator[Entry]:
        """Every file below, whatever its name; filters are the caller's."""
        self._complete, whole = False, True
        top = self.top()

        def lost(_: OSError) -> None:
            nonlocal whole
            whole = False

        try:
            may: dict[str, Groups] = {}
            for at, _, files, descriptor in os.fwalk(".", dir_fd=top, follow_symlinks=False, onerror=lost):
                place = at.removeprefix(".").removeprefix("/")
                if self._modes:
                    above = may.get(place.rpartition("/")[0]) if place else None
                    may[place] = _both(above, _readers(os.fstat(descriptor), descriptor, None, traverse=True))
                for name in sorted(files):
                    yield self._entry(f"{place}/{name}" if place else name, name, descriptor, may.get(place))
        except OSError as error:
            raise SourceUnreachable(f"The folder cannot be read: {error.strerror}.") from error
        finally:
            os.close(top)
        self._complete = whole

    @contextmanager
    def fetch(self, entry: Entry) -> Iterator[BinaryIO]:
        """The file, if it is still the one that was listed, and stays so until it is read."""
        descriptor = self._open(entry.external)
        with os.fdopen(descriptor, "rb") as file:
            self._same(descriptor, entry)
            yield file
            self._same(descriptor, entry)

    def _same(self, descriptor: int, entry: Entry) -> None:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ItemRefused(SPECIAL)
        if _token(about) != entry.token:
            raise ItemRefused(WRITTEN)

    def _entry(self, path: str, name: str, descriptor: int, above: Groups) -> Entry:
        shown = path.encode("utf-8", "backslashreplace").decode()
        if shown != path:
            return Entry(shown, shown, "", skip=NO_TEXT)
        try:
            about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return Entry(path, path, "", skip=VANISHED)
        if stat.S_ISLNK(about.st_mode):
            return Entry(path, path, "", skip=LINK if self._inside(path) else LEAVES)
        if not stat.S_ISREG(about.st_mode):
            return Entry(path, path, "", skip=SPECIAL)
        groups = _both(above, _readers(about, descriptor, name)) if self._modes else None
        rested = clock.now().timestamp() - max(about.st_mtime, about.st_ctime) >= self._stable
        return Entry(path, path, _token(about), about.st_size, groups, None if rested else WRITTEN)

    def _inside(self, path: str) -> bool:
        """Whether a link's end lies in the root: only told, never followed."""
        with suppress(OSError, RuntimeError):
            return (self._root / self._below / path).resolve(strict=True).is_relative_to(self._root / self._below)
        return False

    def top(self) -> int:
        """A descriptor of the folder, step by step from the root. Raises SourceUnreachable."""
        try:
            return _down(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), self._below.parts)
        except OSError as error:
            raise SourceUnreachable(f"The folder cannot be opened: {error.strerror}.") from error

    def _open(self, path: str) -> int:
        *directories, name = PurePosixPath(path).parts
        if ".." in directories or name == "..":
            raise ItemRefused(LEAVES)
        try:
            directory = _down(self.top(), tuple(directories))
        except OSError as error:
            raise ItemRefused(VANISHED) from error
        try:
            return os.open(name, _FILE, dir_fd=directory)
        except PermissionError as error:
            raise ItemRefused(UNREADABLE) from error
        except OSError as error:
            raise ItemRefused(VANISHED) from error
        finally:
            os.close(directory)


def _down(descriptor: int, steps: tuple[str, ...]) -> int:
    for step in steps:
        try:
            inner = os.open(step, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _token(about: os.stat_result) -> str:
    return f"{about.st_mtime_ns}-{about.st_size}-{about.st_ino}"


def _readers(about: os.stat_result, descriptor: int, name: str | None, *, traverse: bool = False) -> Groups:
    """Who may read by the mode: everybody, the owning group, nobody. With an access list of its own: nobody."""
    everybody, group = (stat.S_IXOTH, stat.S_IXGRP) if traverse else (stat.S_IROTH, stat.S_IRGRP)
    place = f"/proc/self/fd/{descriptor}" + (f"/{name}" if name else "")
    with suppress(OSError):  # most have none, and some file systems know none
        os.getxattr(place, _ACL)
        return frozenset()
    if about.st_mode & everybody:
        return None
    return frozenset({_group(about.st_gid)}) if about.st_mode & group else frozenset()


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _both(one: Groups, other: Groups) -> Groups:
    """Who may pass both. Members of two groups at once cannot be told here: then nobody."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
