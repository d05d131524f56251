"""Who calls: every role, a key that may little, nobody. Each has a credential that is good when it is needed."""

from collections.abc import Iterable
from typing import Final, Self

import requests
from sqlalchemy import text

from appliance.access.permissions import Action
from appliance.access.principal import Role, UserId
from appliance.serving.routes import DEFAULT
from appliance.tenants.keys import Limits
from appliance.tenants.service import Tenants
from tests.integration.isolation.places import Operation
from tests.integration.isolation.town import Household, Town

NOBODY: Final = "nobody"
NARROW: Final = "a key that may read"
WHO: Final = (NOBODY, NARROW, Role.MEMBER, Role.EDITOR, Role.AUDITOR, Role.TENANT_ADMIN, Role.OPERATOR)
"""Who may more comes later: what it destroys, the others have seen."""
SHARED: Final = ("select id from model_versions limit 1", "select id from deployments limit 1")
WORN_OUT: Final = frozenset({401, 429})


class Callers:
    """All of them before one address."""

    def __init__(self, town: Town, url: str) -> None:
        self.town = town
        self.url = url
        self._session = requests.Session()
        with town.databases.operator.session() as session:
            model, deployment = (session.scalar(text(query)) for query in SHARED)
        self._shared = {"model_id": str(model), "deployment_id": str(deployment), "route_name": DEFAULT}
        self._settled()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def _settled(self) -> None:
        self.home: Household = self.town.settle("a home")
        with self.town.databases.operator.session() as session:
            editor = UserId(self.home.ids["users"])
            keys = Tenants(session).keys(self.home.tenant)
            self._narrow = keys.create(editor, "narrow", Limits(scopes=frozenset({Action.READ_DOCUMENTS.value}))).secret

    def headers(self, who: str, operation: Operation) -> dict[str, str]:
        """What this caller signs in with."""
        if who == NOBODY:
            return {}
        role = Role(who) if who != NARROW else None
        key = self._narrow if role is None else self.town.officials.get(role) or self.home.key(role, operation.path)
        return {"authorization": f"Bearer {key}"}

    def own(self, operation: Operation) -> dict[str, str]:
        """What stands in the places of the path: ids of the caller's home, and of what the appliance has for all."""
        found = {}
        for place in operation.places:
            if place.where == "path":
                name = str(place.pointer[0])
                own = self.home.ids.get(place.table or "")
                found[name] = str(own) if own else self._shared.get(name) or _example(operation, name)
        return found

    def recorded(self, asked: Iterable[str]) -> set[str]:
        """Which of these requests, by id, the audit record knows."""
        with self.town.databases.operator.session() as session:
            query = text("select request_id from audit_entries where request_id = any(:asked)")
            return set(session.scalars(query, {"asked": list(asked)}))

    def refresh(self) -> None:
        """A new home when something took a credential of the old one's, or its budget."""
        for key in (*self.home.keys.values(), self._narrow):
            headers = {"authorization": f"Bearer {key}"}
            answer = self._session.get(f"{self.url}/api/v1/me", headers=headers, timeout=30)
            if answer.status_code in WORN_OUT:
                self._settled()
                return


def _example(operation: Operation, name: str) -> str:
    told = next(each for each in operation.told["parameters"] if each["name"] == name)
    return str(told["example"])
