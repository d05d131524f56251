"""A company's LDAP directory as a tenant sets it up."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.factories.slapd import ADMIN, BASE, PASSWORD, Slapd
from tests.integration.web.desk import Desk

PEOPLE = f"ou=people,{BASE}"
Sync = Callable[[], dict[str, Any]]


def settings_for(server: Slapd, **more: object) -> dict[str, Any]:
    usual = {"host": "127.0.0.1", "port": server.ldaps, "ca": server.ca, "bind_dn": ADMIN, "bind_password": PASSWORD}
    bases = {"user_base": PEOPLE, "group_base": f"ou=groups,{BASE}", "every_minutes": None}
    return {**usual, **bases, **more}


def set_up(desk: Desk, tenant: UUID, server: Slapd, **more: object) -> None:
    path = f"/{tenant}/directory/ldap"
    _, there = desk("GET", path)
    version = {"if_match": f'"{there["version"]}"'} if "version" in there else {}
    status, made = desk("PUT", path, settings_for(server, **more), **version)
    assert (status, made.get("has_secret")) == (200, True), made
    assert PASSWORD not in str(made)
