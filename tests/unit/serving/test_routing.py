"""Who is on trial and who is asked first: pure choices."""

from appliance.kit.ids import uuid7
from appliance.serving.routing import Replica, least_busy, on_trial

CONVERSATIONS = [f"conversation {number}" for number in range(4000)]


def test_a_share_of_conversations_is_on_trial_and_each_stays_where_it_is() -> None:
    tried = [one for one in CONVERSATIONS if on_trial("support", one, 20)]
    assert 0.17 < len(tried) / len(CONVERSATIONS) < 0.23
    assert tried == [one for one in CONVERSATIONS if on_trial("support", one, 20)]


def test_a_greater_share_keeps_who_was_in_the_smaller() -> None:
    small, great = ({one for one in CONVERSATIONS if on_trial("support", one, share)} for share in (5, 50))
    assert small < great


def test_none_and_all() -> None:
    assert not any(on_trial("support", one, 0) for one in CONVERSATIONS)
    assert all(on_trial("support", one, 100) for one in CONVERSATIONS)


def test_each_route_draws_its_own_lot() -> None:
    first, second = ({one for one in CONVERSATIONS if on_trial(route, one, 20)} for route in ("support", "sales"))
    assert first != second


def test_the_least_busy_is_asked_first() -> None:
    one, two, three = (Replica(uuid7()) for _ in range(3))
    assert least_busy((one, two, three), {one.id: 2, two.id: 1}) == [three, two, one]
    assert least_busy((one, two), {}) == [one, two]
