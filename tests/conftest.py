"""What holds for every test: nothing reaches past loopback, and no test sees this machine's appliance."""

import gc
import os
import random
from collections import defaultdict

import pytest
from pytest_socket import socket_allow_hosts

COVERAGE = "COVERAGE_PROCESS_START"
COUNTING = os.environ.get("TESTS_COUNTED")
"""What tells a child to count its lines: it starts in three times the processor's time then, and forks in ten times it.
So only tests marked ``counted`` say it to theirs."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Loopback and Unix sockets only; a unit test that opens anything else is not one."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    if COUNTING is not None:
        if item.get_closest_marker("counted"):
            os.environ[COVERAGE] = COUNTING
        else:
            os.environ.pop(COVERAGE, None)


@pytest.fixture(autouse=True, scope="session")
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the person who runs the tests leaks in; the model store is the one that set-up made.

    No authority of the world is trusted: nothing goes that far, and each client of httpx would read them all anew.
    """
    for name in [name for name in os.environ if name.startswith("APPLIANCE_") and name != "APPLIANCE_MODELS"]:
        del os.environ[name]
    os.environ["SSL_CERT_DIR"] = str(tmp_path_factory.mktemp("authorities"))


SEED = 20261124
WHOLE = "TESTS_WHOLE"
"""Set by `bin/soak`: run every case of what is marked ``repeated``, and what is marked ``soak``."""


def tenth(cases: int) -> set[int]:
    """Which cases of so many a usual run takes: the same ones every time, and at least one."""
    return set(random.Random(SEED).sample(range(cases), max(1, cases // 10)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test marked ``repeated``, a fixed tenth of the cases, of one marked ``soak`` none.

    All of them under `bin/soak`, or when one is named.
    """
    if os.environ.get(WHOLE) or any("[" in argument for argument in config.args):
        return
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("repeated"):
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out = {id(item) for same in cases.values() for n, item in enumerate(same) if n not in tenth(len(same))}
    left_out |= {id(item) for item in items if item.get_closest_marker("soak")}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported stays: the collector need not look at it again after each few hundred objects of a test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
