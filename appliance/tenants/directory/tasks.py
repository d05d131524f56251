"""The slice's kind of job, and the chore that asks for it when it is due: translation only.

Its events hold counts and codes, no names: whoever may see jobs need not know who left. The audit has each change.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.kit import clock, crypto
from appliance.kit.crypto import Seal
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.licensing.asking import Licences
from appliance.licensing.place import Place
from appliance.tenants.directory import repository
from appliance.tenants.directory.configuring import opened
from appliance.tenants.directory.errors import DirectoryNotSetUp
from appliance.tenants.directory.ldap_source import Reach, reach, read
from appliance.tenants.directory.settings import LdapSettings, stored
from appliance.tenants.directory.syncing import KIND, By, Sync, here, plan
from appliance.tenants.room import Room

SYNC: Final = "directory_sync"
PURPOSE: Final = "directory"
_AT_ONCE: Final = 50
_LONGEST: Final = 3600.0


def sealed_by(settings: Settings) -> Seal:
    """What seals the secrets of directories on this appliance."""
    return Seal(crypto.kept(settings.layout.secret("directory-key")), PURPOSE)


def register(registry: Registry, configured: Callable[[], Settings], reach: Reach = reach) -> None:
    """Add the sync. The settings are read when the first job runs."""

    def sync(run: Run) -> Mapping[str, Any]:
        settings = configured()
        with closing(Database(address(settings, "system"), pool_size=1)) as system:  # it counts the seats
            room = Room(Licences(system, Place.of(settings)), system)
            return _Syncing(run, sealed_by(settings), reach, room)()

    registry.add(SYNC, sync, longest=_LONGEST)


def ask(session: Session, tenant: TenantId, by: UUID | None = None) -> UUID:
    """Write the job, in this transaction; one that is open already is given instead of a second.

    It goes on when its asker is suspended: that may be what it does.
    """
    return Jobs(session, tenant).ask(SYNC, {"by": str(by) if by else None}, KIND, outlives=True)


def due(session: Session) -> int:
    """Ask for every sync whose time has come, and set the next; how many. For the ``system`` login."""
    rows = repository.due(session, clock.now())
    for row in rows:
        ask(session, TenantId(row.tenant_id))
    return len(rows)


class _Syncing:
    """One run of the job."""

    def __init__(self, run: Run, seal: Seal, reach: Reach, room: Room) -> None:
        self._run = run
        self._seal = seal
        self._reach = reach
        self._by = By(room, UUID(run.args["by"]) if run.args.get("by") else None)

    def __call__(self) -> Mapping[str, Any]:
        """Read the directory, then change what differs, some at a time."""
        run = self._run
        with run.transaction() as session:
            row = repository.directory(session, run.tenant, KIND)
            if row is None:
                raise DirectoryNotSetUp
            kept = opened(row, self._seal)
        settings = stored(LdapSettings, kept.settings)
        run.progress(0, None, "reading")
        found = read(self._reach(settings, kept.secret or ""), settings)
        with run.transaction() as session:
            changes = plan(settings, found, here(session, run.tenant))
        done, refused = Counter[str](), Counter[str]()
        for begin in range(0, len(changes), _AT_ONCE):
            with run.transaction() as session:
                sync = Sync(session, run.tenant, settings, self._by)
                for change in changes[begin : begin + _AT_ONCE]:
                    code = sync.carry_out(change)
                    (done if code is None else refused)[change.act.value if code is None else code] += 1
            run.progress(min(begin + _AT_ONCE, len(changes)), len(changes), "changing")
        with run.transaction() as session:
            repository.synced(session, run.tenant, KIND, clock.now())
        for code, count in refused.items():
            run.log("changes were refused; the audit names them", "warning", code=code, count=count)
        return {
            "people": len(found.members),
            "groups": found.groups,
            "unusable": found.unusable,
            "done": dict(done),
            "refused": dict(refused),
        }
