"""A key's list of models holds for whoever asks an engine, since all do it through one door."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.serving.directory import Directory
from appliance.serving.errors import ModelNotAllowed
from appliance.serving.reconcile import Phase
from appliance.serving.routing import Replica
from appliance.serving.service import Closing, Engines
from appliance.serving.target import Target

PERSON = Principal(TenantId(uuid7()), UserId(uuid7()), Role.MEMBER, "Ann")


class _Reached(Exception):
    """The engine would have been asked."""


def _reach(_replica: Replica) -> Closing:
    raise _Reached


async def _ask(engines: Engines, target: Target, principal: Principal) -> None:
    async with engines.ask(target, {}, principal):
        pass


def _engines(connect: Callable[[Replica], Closing]) -> Engines:
    return Engines(Directory(Database("postgresql+psycopg://")), connect, lambda _record: None, b"salt")


@pytest.mark.parametrize(("models", "refused"), [(None, False), ({"small"}, False), ({"large", "other"}, True)])
def test_only_a_model_of_the_list_is_asked(models: set[str] | None, refused: bool) -> None:
    now = clock.now()
    target = Target(
        "small", uuid7(), "m", "d", frozenset(), 1, Phase.RUNNING, None, now, now, "m@d", (Replica(uuid7()),)
    )
    principal = replace(PERSON, models=None if models is None else frozenset(models))
    with pytest.raises(ModelNotAllowed if refused else _Reached):
        asyncio.run(_ask(_engines(_reach), target, principal))
