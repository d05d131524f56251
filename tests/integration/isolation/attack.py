"""Requests with chosen ids in chosen places, and what an answer gives away."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2

from appliance.entry.samples import FORMATS
from appliance.kit.ids import uuid7
from tests.integration.isolation.places import Operation, Place, placed
from tests.integration.isolation.town import Household, Town

_fresh = itertools.count()
LISTS = "items"
CHANGING = re.compile(r"n-\d+|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.+Z-]*|sk-[\w-]+")
"""What differs between two answers that say the same: fresh names, ids and times."""


@dataclass(slots=True)
class Attack:
    """One request. ``chosen``: the id in each place; places that it does not name get the caller's own."""

    operation: Operation
    key: str
    own: Mapping[str, UUID]
    chosen: Mapping[Place, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, town: Town) -> httpx2.Response:
        """The answer."""
        operation, path = self.operation, self.operation.path
        query = {**operation.needed, **self.query}
        body = _named_afresh(operation.body)
        for place in operation.places:
            value = self.chosen.get(place) or self._own(place)
            if place.where == "path":
                path = path.replace(f"{{{place.pointer[0]}}}", value or str(uuid7()))
            elif value is not None and place.where == "body":
                body = placed(body, place.pointer, value)
            elif value is not None:
                query[str(place.pointer[0])] = value
        headers = {"authorization": f"Bearer {self.key}", **self.headers}
        if operation.takes("if-match"):
            headers.setdefault("if-match", "*")
        form = self._form(body)
        return town.client.request(operation.verb, path, params=query, headers=headers, **form)

    def _own(self, place: Place) -> str | None:
        """The caller's own id for a place that none was chosen for; a query that need not be asked is left out."""
        asked = place.where != "query" or self.operation.needs(str(place.pointer[0]))
        own = self.own.get(place.table or "") if asked else None
        return None if own is None else str(own)

    def _form(self, body: object) -> dict[str, Any]:
        if not self.operation.media:
            return {}
        if self.operation.media == "multipart/form-data":
            assert isinstance(body, dict)
            names = [name for name, value in body.items() if value == FORMATS["binary"]]
            files = {name: (f"{name}.txt", f"some words {next(_fresh)}".encode(), "text/plain") for name in names}
            fields = {name: value for name, value in body.items() if name not in files and value is not None}
            return {"files": files, "data": fields}
        return {"json": body}


def _named_afresh(body: object) -> object:
    """No two requests make things of the same name."""
    if isinstance(body, dict):
        return {
            name: f"n-{next(_fresh)}"
            if name in ("name", "login", "term") and isinstance(value, str)
            else _named_afresh(value)
            for name, value in body.items()
        }
    return [_named_afresh(each) for each in body] if isinstance(body, list) else body


def told(answer: httpx2.Response, sent: Mapping[Any, str]) -> str:
    """The answer without what must differ: the ids that were sent, fresh names, new ids, times."""
    text = answer.text
    for value in sent.values():
        text = text.replace(value, "?")
    return CHANGING.sub("?", text)


def leaked(answer: httpx2.Response, other: Household, sent: Mapping[Any, str], *, people: bool = True) -> set[str]:
    """What of another tenant's stands in an answer and was not sent to it. ``people``: whether names count too."""
    text = answer.text + str(answer.headers)
    secret = other.known if people else {other.planted.content}
    found = {each for each in secret if each in text or each.replace("-", "") in text}
    return {each for each in found if not any(each in value for value in sent.values())}
