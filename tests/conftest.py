"""What holds for every test: nothing reaches past loopback, and no test sees this machine's appliance."""

import os

import pytest
from pytest_socket import socket_allow_hosts


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Loopback and Unix sockets only; a unit test that opens anything else is not one."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> None:
    """No setting of the person who runs the tests leaks in; the model store is the one that set-up made."""
    for name in [name for name in os.environ if name.startswith("APPLIANCE_") and name != "APPLIANCE_MODELS"]:
        del os.environ[name]
