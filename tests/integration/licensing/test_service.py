"""The licence on a real database: installed, kept, revoked; clocks that jump and databases that are put back."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.kit.errors import ApplianceError
from appliance.kit.settings import Settings
from appliance.licensing import marks
from appliance.licensing.asking import REMEMBERED, Licences
from appliance.licensing.errors import (
    BoundElsewhere,
    ClockSuspect,
    NotYetValid,
    ReplayedList,
    Revoked,
    Tampered,
    WrongKey,
)
from appliance.licensing.guard import HOUR, Reading, Suspicion
from appliance.licensing.licence import DAY
from appliance.licensing.place import Place
from appliance.licensing.points import Point
from appliance.licensing.service import Licensing, Status
from appliance.licensing.signing import Keys, key_id
from appliance.licensing.states import State
from appliance.licensing.strict import moment
from appliance.tenants import bootstrap
from tests.factories.licences import NOW, Vendor, terms


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


def test_without_a_file_there_are_thirty_days(shop: Shop) -> None:
    found = shop.show()
    assert (found.standing.state, found.licence, found.pinned) == (State.EVALUATION, None, False)
    assert (found.entitlement.limits.tenants, found.entitlement.limits.seats, found.entitlement.limits.gpus) == (
        2,
        10,
        1,
    )
    shop.passes(30 * DAY)
    after = shop.show()
    assert after.standing.state is State.EXPIRED
    assert not after.entitlement.allows_writes()
    assert after.entitlement.allows(Point.EXPORT)


def test_a_licence_goes_through_its_life(shop: Shop) -> None:
    raw = shop.vendor.licence()
    assert shop.install(raw).standing.state is State.VALID
    told = []
    for days in (334, 30, 30):
        shop.passes(days * DAY)
        told.append(shop.states()[0])
    assert told == [State.EXPIRING, State.GRACE, State.EXPIRED]
    assert shop.audited() == ["licence.install"]


def test_the_same_file_twice_is_one_installation(shop: Shop) -> None:
    raw = shop.vendor.licence()
    assert shop.install(raw).licence == shop.install(raw).licence
    assert shop.audited() == ["licence.install"]


def test_each_wrong_file_is_named_and_the_former_stays(shop: Shop) -> None:
    former = shop.install(shop.vendor.licence()).licence
    here = shop.show().fingerprint
    refused: list[tuple[bytes, type[ApplianceError]]] = [
        (shop.vendor.licence(customer="A").replace(b'"A"', b'"B"'), Tampered),
        (Vendor().licence(), WrongKey),
        (shop.vendor.licence(not_before=moment(NOW + DAY)), NotYetValid),
        (shop.vendor.licence(issued_at=moment(NOW + 2 * HOUR)), NotYetValid),
        (shop.vendor.licence(fingerprint="ef" * 32), BoundElsewhere),
    ]
    for raw, error in refused:
        with pytest.raises(error):
            shop.install(raw)
        assert shop.show().licence == former
    bound = shop.install(shop.vendor.licence(fingerprint=here)).licence
    assert bound is not None
    assert bound.fingerprint == here


def test_a_file_that_was_changed_in_the_database_is_tampered_and_closes_only_what_is_new(
    shop: Shop, databases: Databases
) -> None:
    shop.install(shop.vendor.licence())
    with databases.operator.session() as session:
        changed = shop.vendor.licence(customer="A").replace(b'"A"', b'"B"').decode()
        session.execute(
            text("insert into licence_files (id, file) values ('ffffffff-ffff-7fff-8fff-ffffffffffff', :file)"),
            {"file": changed},
        )
    found = shop.show()
    assert (found.standing.state, found.reason) == (State.TAMPERED, "licence_tampered")
    assert not found.entitlement.allows_writes()
    assert found.entitlement.allows(Point.SEARCH)


def test_a_licence_of_another_machine_does_not_hold_here(shop: Shop) -> None:
    shop.install(shop.vendor.licence(fingerprint=shop.show().fingerprint))
    shop.place = replace(shop.place, machine="another")
    found = shop.show()
    assert (found.standing.state, found.reason) == (State.TAMPERED, "licence_bound_elsewhere")


def test_revocations_are_numbered_and_an_older_list_is_refused(shop: Shop) -> None:
    raw = shop.vendor.licence()
    licence = shop.install(raw).licence
    assert licence is not None
    name = licence.id
    lists = {number: shop.vendor.revocations(number, *([name] if number == 5 else [])) for number in (3, 4, 5)}
    assert shop.revoke(lists[4]).revocations == 4
    with pytest.raises(ReplayedList):
        shop.revoke(lists[3])
    assert shop.revoke(lists[5]).standing.state is State.REVOKED
    for number in (3, 4):
        with pytest.raises(ReplayedList):
            shop.revoke(lists[number])
    with pytest.raises(ReplayedList):
        shop.revoke(shop.vendor.revocations(5))  # the same number with another content
    assert shop.revoke(lists[5]).revocations == 5
    shop.install(shop.vendor.licence())
    assert shop.states()[0] is State.VALID
    with pytest.raises(Revoked):
        shop.install(raw)
    with pytest.raises(Tampered):
        shop.revoke(lists[5].replace(b'"sequence":5', b'"sequence":6'))


def test_a_revoked_key_takes_its_licences_with_it(shop: Shop) -> None:
    raw = shop.vendor.licence(shop.vendor.later, [shop.vendor.link])
    shop.install(raw)
    shop.revoke(shop.vendor.revocations(1, keys=(key_id(shop.vendor.later.public_key()),)))
    found = shop.show()
    assert (found.standing.state, found.reason) == (State.TAMPERED, "licence_wrong_key")
    with pytest.raises(WrongKey):
        shop.install(shop.vendor.licence(shop.vendor.later, [shop.vendor.link]))


@pytest.mark.parametrize(("jump", "suspicion"), [(365 * DAY, Suspicion.AHEAD), (-365 * DAY, Suspicion.BEHIND)])
def test_a_jump_is_suspect_puts_changes_on_hold_and_stops_no_work(shop: Shop, jump: int, suspicion: Suspicion) -> None:
    first = shop.vendor.licence()
    shop.install(first)
    shop.jumps(jump)
    assert shop.states() == (State.CLOCK_SUSPECT, State.VALID)
    found = shop.show()
    assert found.clock.suspicion is suspicion
    assert found.clock.mark == NOW
    assert found.entitlement.allows_writes()
    with pytest.raises(ClockSuspect):
        shop.install(shop.vendor.licence())  # not newer than the one that is here
    shop.jumps(-jump)
    assert shop.states()[0] is State.CLOCK_SUSPECT  # it stays until somebody has looked
    assert shop.accept().standing.state is State.VALID
    assert shop.audited() == ["licence.install", "licence.accept_clock"]


def test_turning_the_clock_back_gains_no_day(shop: Shop) -> None:
    shop.install(shop.vendor.licence())
    for _ in range(200):
        shop.passes(2 * DAY)
        shop.jumps(-2 * DAY)
        shop.show()
    assert shop.states() == (State.CLOCK_SUSPECT, State.EXPIRED)


def test_a_newer_file_clears_a_suspect_clock_but_not_one_before_its_signing(shop: Shop) -> None:
    shop.install(shop.vendor.licence())
    shop.jumps(40 * DAY)  # it was off for so long
    assert shop.states()[0] is State.CLOCK_SUSPECT
    with pytest.raises(ClockSuspect):
        shop.install(shop.vendor.licence(issued_at=moment(NOW + 50 * DAY)))
    newer = shop.vendor.licence(issued_at=moment(NOW + 40 * DAY))
    assert shop.install(newer).standing.state is State.VALID
    shop.jumps(-2 * DAY)
    assert shop.show().clock.suspicion is Suspicion.BEHIND
    with pytest.raises(ClockSuspect):
        shop.accept()  # the newer file proves that it is later


def test_accepting_an_earlier_clock_is_no_rollback_of_the_database(shop: Shop) -> None:
    shop.show()
    shop.jumps(100 * DAY)
    shop.show()
    shop.accept()
    shop.jumps(-100 * DAY)
    shop.show()
    assert shop.accept().clock.suspicion is None
    shop.passes(60)
    assert shop.states() == (State.EVALUATION, State.EVALUATION)


def _memory(shop: Shop) -> dict[str, object]:
    with shop.databases.system.session() as session:
        return dict(
            session.execute(text("select looks, mark, boot, base, elapsed from licence_clock")).mappings().one()
        )


def _put_back(shop: Shop, memory: dict[str, object]) -> None:
    shop.sql(
        "update licence_clock set looks = :looks, mark = :mark, boot = :boot, base = :base, elapsed = :elapsed",
        **memory,
    )


@pytest.mark.parametrize("restored", [False, True])
def test_a_database_that_was_put_back_is_suspect_unless_a_restore_says_so(shop: Shop, restored: bool) -> None:
    shop.install(shop.vendor.licence())
    memory = _memory(shop)
    for _ in range(3):
        shop.passes(10 * DAY)
        shop.show()
    _put_back(shop, memory)
    if restored:
        marks.write_restored(shop.place.directory, shop.place.secret)
    found = shop.show()
    assert found.clock.suspicion is (None if restored else Suspicion.ROLLED_BACK)
    assert found.clock.mark >= NOW + 20 * DAY
    shop.passes(60)
    shop.show()
    _put_back(shop, memory)  # the marker was good once
    assert shop.show().clock.suspicion is Suspicion.ROLLED_BACK


def test_a_marker_of_another_appliance_or_a_forged_one_does_not_count(shop: Shop, tmp_path: Path) -> None:
    shop.show()
    memory = _memory(shop)
    shop.passes(DAY)
    shop.show()
    shop.show()
    _put_back(shop, memory)
    marks.write_restored(shop.place.directory, tmp_path / "another-secret")
    assert shop.show().clock.suspicion is Suspicion.ROLLED_BACK


def test_a_new_database_beside_an_old_mark_begins_no_second_evaluation(shop: Shop, databases: Databases) -> None:
    first = shop.show()
    shop.passes(20 * DAY)
    shop.show()
    shop.passes(60)
    shop.show()
    shop.sql("update licence_clock set looks = 0, first_start = mark")
    kept = marks.read(shop.place.directory)
    assert kept is not None
    assert kept.first_start == first.clock.mark
    assert shop.show().clock.suspicion is Suspicion.ROLLED_BACK


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mark": 1}', '{"appliance_id": "x"}'])
def test_a_damaged_mark_is_written_anew(shop: Shop, content: str) -> None:
    shop.show()
    shop.show()
    (shop.place.directory / "mark.json").write_text(content)
    assert shop.show().clock.suspicion is None
    assert marks.read(shop.place.directory) is not None


def test_others_ask_once_in_half_a_minute(shop: Shop) -> None:
    licences = Licences(shop.databases.system, shop.place, lambda: shop.at)
    found = licences.now()
    assert found.state is State.EVALUATION
    assert licences.now() is found
    shop.install(shop.vendor.licence())
    licences.forget()
    assert licences.now().state is State.VALID
    assert REMEMBERED <= 60


def test_what_the_vendor_may_sign_with(shop: Shop) -> None:
    assert shop.show().root == Keys(shop.vendor.root.public_key()).root
    assert terms()["customer"]
