"""The snapshot of routes: read anew before it ends, so that nobody who asks waits for that."""

import pytest

from appliance.access.web import Databases
from appliance.kit.database import Database
from appliance.kit.settings import Settings
from appliance.serving.directory import AHEAD, SECONDS, Directory
from appliance.serving.errors import RouteNotFound


def state(directory: Directory) -> tuple[bool, bool]:
    """Whether a look needs no query, and whether somebody should read it anew."""
    return directory.fresh, directory.ending


def test_it_is_worth_reading_shortly_before_its_end(databases: Databases) -> None:
    now = [100.0]
    directory = Directory(databases.system, now=lambda: now[0])
    assert state(directory) == (False, False)  # whoever asks first has to wait
    with pytest.raises(RouteNotFound):
        directory.find("nothing")
    assert state(directory) == (True, False)
    now[0] += SECONDS - AHEAD / 2
    assert state(directory) == (True, True)
    directory.refresh()
    now[0] += AHEAD
    assert state(directory) == (True, False)


def test_one_that_cannot_be_read_ends_when_it_would_have(databases: Databases, settings: Settings) -> None:
    now = [100.0]
    database = Database(databases.system.engine.url)
    directory = Directory(database, now=lambda: now[0])
    with pytest.raises(RouteNotFound):
        directory.find("nothing")
    database.close()
    database.engine = Database(databases.system.engine.url.set(query={"host": str(settings.data)})).engine
    now[0] += SECONDS - AHEAD / 2
    directory.refresh()
    assert state(directory) == (True, True)
    now[0] += AHEAD
    assert state(directory) == (False, True)
