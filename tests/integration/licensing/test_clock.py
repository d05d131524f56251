"""Clocks that jump, and databases that are put back."""

from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.licensing import marks
from appliance.licensing.errors import (
    ClockSuspect,
)
from appliance.licensing.guard import Suspicion
from appliance.licensing.licence import DAY
from appliance.licensing.states import State
from appliance.licensing.strict import moment
from tests.factories.licences import NOW
from tests.integration.licensing.conftest import Shop


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
