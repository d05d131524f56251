"""Is it alive, is it ready, what is down: ``/healthz``, ``/readyz`` and ``/api/v1/status``."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import appliance
from appliance.access.web import Caller, Databases
from appliance.kit.errors import ApplianceError
from appliance.kit.wire import Client
from appliance.serving.deployments import untold

router = APIRouter(tags=["health"])
_WAITS: dict[str, Any] = {"schema": {"type": "object"}, "example": {"status": "waiting for index"}}
WAITING: dict[int | str, dict[str, Any]] = {
    503: {"description": "What it waits for", "content": {"application/json": _WAITS}},
}


class Part(BaseModel):
    """One part of the appliance."""

    name: str
    state: str
    detail: str = ""


class Status(BaseModel):
    """The whole appliance."""

    version: str
    parts: list[Part]


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The web process lives."""
    return {"status": "alive"}


@router.get("/readyz", responses=WAITING)
def readyz(request: Request, response: Response) -> dict[str, str]:
    """The web process can serve: the database and the index answer. 503 otherwise."""
    state = request.app.state  # open to everyone: it asks for no more than it tells
    needed = (_database(state.databases), _process("index", state.index_client))
    down = [part.name for part in needed if part.state != "ready"]
    response.status_code = 503 if down else 200
    return {"status": "waiting for " + ", ".join(down) if down else "ready"}


@router.get("/api/v1/status")
def status(request: Request, principal: Caller) -> Status:
    """Every part with its state. What is wrong with an engine that runs is for those who look after the appliance."""
    whole = principal.role.of_the_appliance
    return Status(version=appliance.__version__, parts=_parts(request.app.state, whole=whole))


def _parts(state: Any, *, whole: bool) -> list[Part]:  # noqa: ANN401 - Starlette's State
    databases: Databases = state.databases
    parts = [
        _database(databases),
        _process("index", state.index_client),
        _process("encoder", state.encoder_client),
    ]
    if parts[0].state == "ready":
        parts.extend(_engines(databases, enabled=state.settings.engine.enabled, whole=whole))
    return parts


def _database(databases: Databases) -> Part:
    try:
        with databases.app.session() as session:
            session.execute(text("select 1"))
    except SQLAlchemyError as error:
        return Part(name="database", state="down", detail=type(error).__name__)
    return Part(name="database", state="ready")


def _process(name: str, client: Client) -> Part:
    try:
        answer = client.call("ping", timeout=2)
    except ApplianceError as error:
        return Part(name=name, state="down", detail=error.detail)
    ready = not isinstance(answer, dict) or answer.get("ready", True)
    return Part(name=name, state="ready" if ready else "starting")


def _engines(databases: Databases, *, enabled: bool, whole: bool) -> list[Part]:
    """An engine that nobody wants to run is off, and nothing is wrong with that."""
    with databases.app.session() as session:
        rows = session.execute(text("select name, desired, actual, reason from deployments order by name")).all()
    states = {"running": "ready", "starting": "starting", "backing_off": "starting"}
    parts = []
    for row in rows:
        if not enabled or (row.desired, row.actual) == ("stopped", "stopped"):
            why = "stopped" if enabled else "switched off by APPLIANCE_ENGINE__ENABLED"
            parts.append(Part(name=f"engine {row.name}", state="off", detail=why))
        else:
            state = states.get(row.actual, "down")
            detail = row.reason if whole else untold(row.actual, row.reason)
            parts.append(Part(name=f"engine {row.name}", state=state, detail=detail or ""))
    return parts
