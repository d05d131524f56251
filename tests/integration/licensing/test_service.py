"""The licence on a real database: installed, kept, revoked, refused by name."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from appliance.access.web import Databases
from appliance.kit.errors import ApplianceError
from appliance.licensing import marks
from appliance.licensing.asking import REMEMBERED, Licences
from appliance.licensing.errors import (
    BoundElsewhere,
    NotYetValid,
    ReplayedList,
    Revoked,
    Tampered,
    WrongKey,
)
from appliance.licensing.guard import HOUR
from appliance.licensing.licence import DAY
from appliance.licensing.points import Point
from appliance.licensing.signing import Keys, key_id
from appliance.licensing.states import State
from appliance.licensing.strict import moment
from tests.factories.licences import NOW, Vendor, terms
from tests.integration.licensing.conftest import Shop


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


def test_a_database_of_before_brings_no_revoked_licence_back(shop: Shop, superuser: Engine) -> None:
    """Also with a restore's marker: else whoever restores last month's backup has last month's revocations."""

    def put_back() -> None:
        with superuser.begin() as connection:
            connection.execute(text("delete from revocation_files where sequence = 5"))

    licence = shop.install(shop.vendor.licence()).licence
    assert licence is not None
    first, second = shop.vendor.revocations(4), shop.vendor.revocations(5, licence.id)
    shop.revoke(first)
    assert shop.revoke(second).standing.state is State.REVOKED
    put_back()
    marks.write_restored(shop.place.directory, shop.place.secret)
    found = shop.show()
    assert (found.standing.state, found.revocations, found.clock.suspicion) == (State.REVOKED, 5, None)
    with pytest.raises(ReplayedList):
        shop.revoke(shop.vendor.revocations(5))
    assert shop.revoke(first).revocations == 5
    assert shop.revoke(second).revocations == 5
    put_back()
    (shop.place.directory / "revocations.json").write_text("{")
    assert shop.show().standing.state is State.VALID, "what is damaged there is nobody's word"
    assert shop.revoke(second).standing.state is State.REVOKED


def test_a_revoked_key_takes_its_licences_with_it(shop: Shop) -> None:
    raw = shop.vendor.licence(shop.vendor.later, [shop.vendor.link])
    shop.install(raw)
    shop.revoke(shop.vendor.revocations(1, keys=(key_id(shop.vendor.later.public_key()),)))
    found = shop.show()
    assert (found.standing.state, found.reason) == (State.TAMPERED, "licence_wrong_key")
    with pytest.raises(WrongKey):
        shop.install(shop.vendor.licence(shop.vendor.later, [shop.vendor.link]))


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
