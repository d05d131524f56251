"""Handlers by kind."""

import pytest
from sqlalchemy.orm import Session

from appliance.jobs.errors import KindUnknown
from appliance.jobs.job import Ended
from appliance.jobs.registry import Registry, renewal
from appliance.jobs.run import Run
from appliance.kit.settings import JobSettings


def nothing(run: Run) -> None:
    """A handler."""


def told(session: Session, ended: Ended) -> None:
    """An ending."""


def test_a_kind_has_its_handler_limit_and_ending() -> None:
    registry = Registry()
    registry.add("b", nothing, longest=5)
    registry.add("a", nothing, ended=told)
    assert registry.kinds == ("a", "b")
    assert registry.entry("b").longest == 5
    assert registry.entry("a").handler is nothing
    assert registry.endings == {"a": told}


def test_a_kind_has_one_handler() -> None:
    registry = Registry()
    registry.add("a", nothing)
    with pytest.raises(ValueError, match="two handlers"):
        registry.add("a", nothing)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KindUnknown):
        Registry().entry("a")


def test_five_heartbeats_may_be_lost_before_the_lease() -> None:
    assert renewal(JobSettings(lease_seconds=30)) == 5
