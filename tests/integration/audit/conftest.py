"""A record of twenty entries of two tenants, chained, with its head; and a login that may do anything to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from appliance.access.web import Databases
from appliance.audit.chain import Head, Signer
from appliance.audit.reading import Reading
from appliance.audit.sequencer import Sequencer
from appliance.audit.service import Audit
from appliance.kit.settings import AuditSettings, Settings
from appliance.tenants.service import Tenants
from tests.integration.conftest import Cluster

Break_in = Callable[[str], None]
MANY = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """The record of a test."""

    databases: Databases
    tenant: UUID
    sequencer: Sequencer
    reading: Reading

    def write(self, count: int, action: str = "act") -> None:
        """Entries, each in a transaction of its own."""
        for number in range(count):
            with self.databases.app.session(self.tenant) as session:
                Audit(session, self.tenant, None).record(action, number, count=number)

    def head(self) -> Head:
        """Sequenced and signed now."""
        head = self.sequencer.head()
        assert head is not None
        return head


@pytest.fixture
def kept(databases: Databases) -> Kept:
    with databases.operator.session() as session:
        tenant = Tenants(session).create("one").id
    sequencer = Sequencer(databases.system, Signer("a secret of a test"), AuditSettings(head_entries=1000))
    made = Kept(databases, tenant, sequencer, Reading(databases.operator))
    made.write(MANY - 1)  # the tenant is an entry too
    assert made.head().seq == MANY
    return made


@pytest.fixture
def break_in(postgres: Cluster, settings: Settings) -> Iterator[Break_in]:
    """Runs a statement as the superuser, with triggers and foreign keys off."""
    with psycopg.connect(postgres.server.address(), dbname=settings.database.name, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")

        def run(statement: str) -> None:
            for part in statement.split(";"):
                connection.execute(part.encode())

        yield run
