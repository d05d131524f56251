"""States, enforcement points, and what an entitlement says."""

from dataclasses import replace

import pytest

from appliance.licensing.entitlement import Entitlement, entitled
from appliance.licensing.errors import LimitReached, NotLicensed
from appliance.licensing.licence import DAY, Licence, read_licence
from appliance.licensing.points import POINTS, Point, is_open
from appliance.licensing.states import EVALUATION, OVER, Standing, State, of_evaluation, of_licence, standing
from tests.factories.licences import NOW, Vendor

VENDOR = Vendor()
LICENCE: Licence = read_licence(VENDOR.licence(), VENDOR.keys)
NONE: frozenset[str] = frozenset()
END = LICENCE.expires


@pytest.mark.parametrize(
    ("now", "state", "until"),
    [
        (NOW, State.VALID, END - 30 * DAY),
        (END - 30 * DAY - 1, State.VALID, END - 30 * DAY),
        (END - 30 * DAY, State.EXPIRING, END),
        (END - 1, State.EXPIRING, END),
        (END, State.GRACE, END + 30 * DAY),
        (END + 30 * DAY - 1, State.GRACE, END + 30 * DAY),
        (END + 30 * DAY, State.EXPIRED, None),
    ],
)
def test_states_by_time(now: int, state: State, until: int | None) -> None:
    assert of_licence(LICENCE, now, NONE) == (state, until)
    assert of_licence(LICENCE, now, frozenset({LICENCE.id})) == (State.REVOKED, None)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (NOW, (State.EVALUATION, NOW + 30 * DAY)),
        (NOW + 30 * DAY - 1, (State.EVALUATION, NOW + 30 * DAY)),
        (NOW + 30 * DAY, (State.EXPIRED, None)),
    ],
)
def test_the_evaluation_has_thirty_days(now: int, found: tuple[State, int | None]) -> None:
    assert of_evaluation(NOW, now) == found


# One row a point, one letter a state: x the act may begin, - it may not.
STATES = (State.EVALUATION, State.VALID, State.EXPIRING, State.GRACE, State.EXPIRED, State.REVOKED, State.TAMPERED)
TABLE = {
    Point.SEARCH: "xxxxxxx",
    Point.READING: "xxxxxxx",
    Point.ASKING: "xxxxxxx",
    Point.EXPORT: "xxxxxxx",
    Point.BACKUP: "xxxxxxx",
    Point.DELETING: "xxxxxxx",
    Point.WRITING: "xxxx---",
    Point.DEPLOYING: "xxxx---",
    Point.FINE_TUNING: "xxxx---",
    Point.ADDING_TENANT: "xxxx---",
    Point.ADDING_SEAT: "xxxx---",
    Point.ADDING_ADAPTER: "xxxx---",
}


@pytest.mark.parametrize("point", Point)
def test_every_point_in_every_state(point: Point) -> None:
    for state, cell in zip(STATES, TABLE[point], strict=True):
        assert is_open(point, state) is (cell == "x")
        for suspect in (False, True):  # the clock's state tells, the licence's decides
            found = entitled(standing(state, None, suspect=suspect), LICENCE)
            assert found.allows(point) is (cell == "x")
            assert found.state is (State.CLOCK_SUSPECT if suspect else state)


def test_the_list_names_every_point_and_every_state() -> None:
    assert set(POINTS) == set(Point) == set(TABLE)
    assert set(STATES) | {State.CLOCK_SUSPECT} == set(State)
    assert set(State) > OVER


def test_only_licensing_makes_an_entitlement() -> None:
    good = entitled(Standing(State.VALID, State.VALID, None), LICENCE)
    with pytest.raises(TypeError):
        Entitlement(good.standing, EVALUATION, None, None)
    with pytest.raises((TypeError, ValueError)):
        replace(good, limits=EVALUATION)
    with pytest.raises(AttributeError):
        good.limits = EVALUATION  # type: ignore[misc] # what the test is about


def test_numbers_features_and_models_are_asked() -> None:
    good = entitled(Standing(State.VALID, State.VALID, None), LICENCE)
    assert good.allows_writes()
    good.require(Point.ADDING_TENANT, used=4)
    good.require(Point.DEPLOYING, used=1, model="ab" * 32)
    with pytest.raises(LimitReached, match="allows 5 tenants, and there are 5"):
        good.require(Point.ADDING_TENANT, used=5)
    with pytest.raises(NotLicensed, match="model version"):
        good.require(Point.DEPLOYING, model="cd" * 32)
    bare = entitled(good.standing, replace(LICENCE, features=()))
    with pytest.raises(NotLicensed):
        bare.require(Point.FINE_TUNING)
    over = entitled(Standing(State.CLOCK_SUSPECT, State.EXPIRED, None), LICENCE)
    with pytest.raises(NotLicensed, match="clock suspect"):
        over.require(Point.WRITING)
    over.require(Point.EXPORT)


def test_without_a_file_any_model_on_one_gpu_for_ten_people_of_two_tenants() -> None:
    found = entitled(Standing(State.EVALUATION, State.EVALUATION, None), None)
    assert (found.limit(Point.DEPLOYING), found.limit(Point.ADDING_SEAT), found.limit(Point.ADDING_TENANT)) == (
        1,
        10,
        2,
    )
    assert found.allows_model("ab" * 32)
    assert found.allows(Point.FINE_TUNING)
