"""One appliance's licensing on a real database, with clocks that the test sets."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.kit.settings import Settings
from appliance.licensing.guard import Reading
from appliance.licensing.place import Place
from appliance.licensing.service import Licensing, Status
from appliance.licensing.states import State
from appliance.tenants import bootstrap
from tests.factories.licences import NOW, Vendor


class Shop:
    """One appliance's licensing, with clocks that the test sets."""

    def __init__(self, databases: Databases, place: Place, vendor: Vendor) -> None:
        self.databases, self.place, self.vendor = databases, place, vendor
        self.at = Reading(NOW, "first boot", 1000)
        with databases.operator.session() as session:
            bootstrap.first_start(session)
            self.tenant: UUID = session.execute(text("select id from tenants")).scalar_one()

    def passes(self, seconds: int) -> None:
        self.at = Reading(self.at.wall + seconds, self.at.boot, self.at.elapsed + seconds)

    def jumps(self, seconds: int) -> None:
        self.at = replace(self.at, wall=self.at.wall + seconds)

    def _do(self, session: Session) -> tuple[Licensing, Audit]:
        return Licensing(session, self.place, lambda: self.at), Audit(session, self.tenant, None)

    def show(self) -> Status:
        with self.databases.operator.session() as session:
            return self._do(session)[0].show()

    def install(self, raw: bytes) -> Status:
        with self.databases.operator.session() as session:
            licensing, audit = self._do(session)
            return licensing.install(raw, audit)

    def revoke(self, raw: bytes) -> Status:
        with self.databases.operator.session() as session:
            licensing, audit = self._do(session)
            return licensing.revoke(raw, audit)

    def accept(self) -> Status:
        with self.databases.operator.session() as session:
            licensing, audit = self._do(session)
            return licensing.accept_clock(audit)

    def states(self) -> tuple[State, State]:
        found = self.show().standing
        return found.state, found.deciding

    def audited(self) -> list[str]:
        with self.databases.operator.session() as session:
            query = text("select action from audit_entries where action like 'licence.%' order by id")
            return list(session.execute(query).scalars())

    def sql(self, statement: str, **values: object) -> None:
        with self.databases.system.session() as session:
            session.execute(text(statement), values)


@pytest.fixture
def shop(databases: Databases, settings: Settings, tmp_path: Path) -> Shop:
    vendor = Vendor()
    layout = settings.layout
    return Shop(databases, Place(vendor.pin(tmp_path), layout.licensing, layout.secret("licensing"), "machine"), vendor)
