"""A tenant is forgotten everywhere, whoever is killed in the middle; and the certificate tells what went.

Here beside the index's tests, since the index has to be a real one: what a shard keeps of a deleted point is its own.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.drivers.blobs import DirectoryBlobs
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.entry import forgetting
from appliance.jobs.job import JobId, Lease
from appliance.jobs.pulse import Pulse
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.jobs.states import State, Tries
from appliance.kit.database import Database, address
from appliance.kit.ids import uuid7
from appliance.kit.settings import JobSettings, Settings
from appliance.kit.wire import Client
from appliance.tenants.certificate import Signer, verified
from appliance.tenants.deleting import Deleting
from appliance.tenants.deletions import DELETE, Deletions
from appliance.tenants.forgetting import NotYet
from appliance.tenants.service import Tenants
from migrations.policies import KEPT
from tests.factories.corpus import Library
from tests.factories.tenant_rows import counts, fill
from tests.integration.conftest import Cluster
from tests.integration.index.conftest import Index, until
from tests.integration.jobs.work import Shop

CHUNKS = 60
"""Of each of two tenants: fewer than bring a hand-over by themselves, which would pause the projector."""
pytestmark = pytest.mark.timeout(600)
"""The index's successor comes at idle priority: on a busy machine it takes its time."""
AGAIN = 75
EVERY = 1 if os.environ.get("TESTS_WHOLE") else 10
"""How many transactions that write a life has."""
Superuser = psycopg.Connection[tuple[object, ...]]
_ACTIONS = text("select action from audit_entries where tenant_id = :t order by id")


@dataclass(frozen=True, slots=True)
class Town:
    """An operator of one tenant, and a tenant with a row in every table, files and vectors."""

    operator: Principal
    tenant: UUID
    before: dict[str, int]
    files: list[str]
    other: Library


@pytest.fixture
def superuser(postgres: Cluster, settings: Settings) -> Iterator[Superuser]:
    """Whom no row security hides anything from."""
    address = make_conninfo(postgres.server.address(), dbname=settings.database.name)
    with psycopg.connect(address, autocommit=True) as found:
        yield found


@pytest.fixture
def town(index: Index, library: Library, superuser: Superuser) -> Town:
    databases = index.databases
    with databases.operator.session() as session:
        house = Tenants(session).create("house")
        person = Tenants(session).people(house.id).add("operator", "Operator", Role.OPERATOR)
    operator = Principal(TenantId(house.id), UserId(person.id), Role.OPERATOR, "Operator")
    other = Library(databases, library.dimensions)
    for each in (library, other):
        each.ingest(CHUNKS)
    index.start()
    until("both are indexed", lambda: index.equal(library) and index.equal(other))
    blobs = DirectoryBlobs(index.layout.blobs)
    files = []
    for tenant in (library.tenant, library.tenant, other.tenant):
        staged = blobs.stage(tenant, BytesIO(uuid7().bytes), 100)
        blobs.keep(staged)
        files.append(staged.sha256)
    before = fill(superuser, library.tenant)
    assert all(before.values()), before
    fill(superuser, other.tenant)
    return Town(operator, library.tenant, before, files[:2], other)


@pytest.fixture
def shop(index: Index) -> Shop:
    """A worker with the real handler."""
    made = Shop(index.databases, JobSettings(attempts=1000))
    forgetting.register(made.registry, lambda: index.settings)
    return made


def confirmed(index: Index, town: Town) -> UUID:
    """The deletion asked for and confirmed; its job."""
    with index.databases.operator.session() as session:
        deletions = Deletions(session, town.operator)
        asked = deletions.request(town.tenant)
    assert asked.token
    with index.databases.operator.session() as session:
        job = Deletions(session, town.operator).confirm(town.tenant, asked.token, asked.name).job
    assert job
    return job


def finished(shop: Shop, town: Town, job: UUID, superuser: Superuser) -> None:
    """Run the job, as often as it is put off."""

    def done() -> bool:
        superuser.execute("update jobs set not_before = null where id = %s", (job,))
        shop.runner().run_next()
        with shop.databases.app.session(town.operator.tenant) as session:
            found = Jobs(session, town.operator.tenant).one(job)
        assert found.state is not State.FAILED, found.reason
        return found.state is State.SUCCEEDED

    until("the tenant is deleted", done, 300)


def gone_everywhere(index: Index, town: Town, superuser: Superuser) -> None:
    """Under the eyes of who sees all rows, all points and all files."""
    assert not any(counts(superuser, town.tenant).values())
    assert index.reader.ids(town.tenant, None, 10) == ()
    assert not list(index.layout.blobs.glob(f"{town.tenant}*"))
    state, name, chosen = superuser.execute(
        "select state, name, settings from tenants where id = %s", (town.tenant,)
    ).fetchone() or ("", "", None)
    assert (state, name, chosen) == ("deleted", f"deleted {town.tenant}", {})
    assert index.equal(town.other)
    others = counts(superuser, town.other.tenant)
    assert all(count for name, count in others.items() if name not in forgetting.ELSEWHERE), others
    assert len(DirectoryBlobs(index.layout.blobs).listed(town.other.tenant)) == 1


def expected(town: Town) -> dict[str, int]:
    """What a certificate counts: a job that waited was cancelled first, which is one event more."""
    rows = {name: count for name, count in town.before.items() if name not in forgetting.ELSEWHERE}
    return rows | {
        "job_events": rows["job_events"] + 1,
        "vectors": CHUNKS,
        "blobs": len(town.files),
        "exports": 0,
        "adapter_files": 0,
    }


def test_every_row_point_and_file_goes_and_the_certificate_counts_them(
    index: Index, town: Town, shop: Shop, superuser: Superuser
) -> None:
    job = confirmed(index, town)
    finished(shop, town, job, superuser)
    gone_everywhere(index, town, superuser)
    with index.databases.operator.session() as session:
        deletions = Deletions(session, town.operator)
        raw = deletions.certificate(town.tenant).encode()
        assert deletions.show(town.tenant).state == "done"
    key = Signer(index.layout.secret("certificate-key").read_text().strip()).key
    told = verified(raw, key)
    assert told["tenant"]["id"] == str(town.tenant)
    assert {kind: one["count"] for kind, one in told["deleted"].items()} == expected(town)
    assert told["kept"]["audit_entries"] >= 3
    assert set(told["kept"]) == set(KEPT)
    with index.databases.system.session() as session:
        assert list(session.execute(_ACTIONS, {"t": town.tenant}).scalars()) == [
            "tenant.deletion.request",
            "tenant.deletion.confirm",
            "tenant.delete",
        ]


class Mortal(Database):
    """Kills its process (-9) around a transaction that writes: just before its commit, or just after it."""

    def __init__(self, settings: Settings, *, before: bool) -> None:
        super().__init__(address(settings, "system"), pool_size=3)
        self._before = before
        self._wrote, self._writes = False, 0
        event.listen(self.engine, "after_cursor_execute", self._seen)

    @contextmanager
    def session(self, tenant: UUID | None = None) -> Iterator[Session]:
        self._wrote = False
        with super().session(tenant) as session:
            yield session
            session.flush()
            self._writes += self._wrote
            wrote = self._wrote and self._writes == EVERY
            if wrote and self._before:
                os.kill(os.getpid(), signal.SIGKILL)
        if wrote:
            os.kill(os.getpid(), signal.SIGKILL)

    def _seen(self, _connection: object, cursor: psycopg.Cursor[object], statement: str, *_: object) -> None:
        verb = statement.lstrip()[:6].lower()
        self._wrote |= verb in ("insert", "update", "delete") and cursor.rowcount > 0


def life(index: Index, tenant: UUID, *, before: bool) -> int:
    """One life of a worker that is at the deletion, in a fork of its own; minus the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _lived(index, tenant, before=before)
        finally:
            os._exit(code)  # whatever happens: this process must not go on as a second pytest
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _lived(index: Index, tenant: UUID, *, before: bool) -> int:
    try:
        system, line = Mortal(index.settings, before=before), Client(index.layout.index_socket)
        tools = forgetting.tools(index.settings, system, RemoteVectors(line), lambda: line.call("compact"), {})
        lease = Lease(JobId(uuid7()), TenantId(uuid7()), DELETE, {"tenant": str(tenant)}, 1, Tries(1))
        Deleting(Unheard(lease, system, Pulse()), tools)()
    except NotYet:
        return AGAIN
    return 0


class Unheard(Run):
    """A run whose progress nobody reads: what is killed here is the deletion, not its story."""

    def progress(self, done: int, total: int | None = None, stage: str | None = None) -> None:
        pass


@pytest.mark.repeated
def test_a_deletion_killed_before_and_after_its_commits_goes_on(
    index: Index, town: Town, shop: Shop, superuser: Superuser
) -> None:
    """Life after life, each killed (-9) by turns just before a commit and just after it: every tenth, or all."""
    job = confirmed(index, town)
    lives = 0
    while (ended := life(index, town.tenant, before=lives % 2 == 0)) in (-signal.SIGKILL, AGAIN):
        lives += 1
    assert ended == 0
    assert lives >= (2 if EVERY == 1 else 1) * len(forgetting.ROWS) // EVERY  # the tenth life does nine tables or ten
    finished(shop, town, job, superuser)
    gone_everywhere(index, town, superuser)
    with index.databases.operator.session() as session:
        told = json.loads(Deletions(session, town.operator).certificate(town.tenant))["body"]["deleted"]
    assert {kind: one["count"] for kind, one in told.items()} == expected(town)
