"""As whom PostgreSQL runs. It refuses to be root, and an appliance that root started must still find its files.

Decided in docs/decisions/0005-postgresql-as-root.md:

1. We are not root: as ourselves.
2. We are root, and a system user can reach the programs and the data directory: as that user, who owns the cluster.
3. They lie where only root may look (a clone under ``/root``, a directory of mode 0700): as ourselves, without any
   privilege, under another number in a user namespace of its own. No permission of any directory is changed.
4. Neither works (a container that forbids namespaces): a sentence that says what to do.

``nobody`` is never the owner: other services of the machine run as nobody too and could read the cluster's files.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from appliance.kit.children import ChildNotStarted, Identity, spawn
from appliance.kit.errors import Unavailable

OWNERS = ("postgres", "appliance", "uucp", "irc", "games")
"""System users without processes of their own, the first that exists is taken."""
MASKS = ("postgres", "nobody", "daemon")
"""Names for ourselves within a namespace; initdb wants a number that has a name."""
PROBE_SECONDS = 20.0


class NoUserForPostgres(Unavailable):
    """PostgreSQL cannot be run from here as any user."""

    code = "no_user_for_postgres"
    advice = (
        "Start the appliance as an ordinary user, or put it and its data directory where a system user named "
        "'postgres' can reach them."
    )


def choose(program: Path, data: Path) -> Identity:
    """As whom to run ``program`` on directories in ``data``. Raises :class:`NoUserForPostgres`."""
    if os.geteuid() != 0:
        return Identity()
    user, mask = first(OWNERS), first(MASKS)
    candidates = [Identity(user=(user.pw_uid, user.pw_gid))] if user else []
    candidates += [Identity(appear=mask.pw_uid)] if mask else []
    for candidate in candidates:
        if _works([program, "--version"], candidate) and _works(["/usr/bin/test", "-x", data], candidate):
            return candidate
    raise NoUserForPostgres(f"Neither a system user nor a user namespace can run {program} on {data}.")


def owner(identity: Identity) -> tuple[int, int]:
    """The uid and gid that files of this identity have, as we see them."""
    return identity.user or (os.geteuid(), os.getegid())


def give(directory: Path, identity: Identity) -> None:
    """Make a directory and all in it belong to this identity, where it does not yet."""
    uid, gid = owner(identity)
    if directory.stat().st_uid == uid:
        return
    for root, names, files in os.walk(directory):
        for name in (*names, *files):
            os.chown(Path(root) / name, uid, gid, follow_symlinks=False)
    os.chown(directory, uid, gid)  # last: it marks that the rest is done


def first(names: Iterable[str]) -> pwd.struct_passwd | None:
    """The first of these users that this machine has."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in names if name in known), None)


def _works(argv: list[str | Path], identity: Identity) -> bool:
    try:
        with spawn(argv, name="probe", identity=identity) as probe:
            return probe.wait(PROBE_SECONDS) == 0
    except ChildNotStarted:
        return False
