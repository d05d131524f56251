"""Callers of scripted engines, which say the engine-side name of what they answer as."""

from contextlib import AbstractContextManager

import httpx

from tests.factories import callers
from tests.factories.callers import Load, Told
from tests.integration.serving.conftest import Gateway

WHO = "who:"


def ask(client: httpx.Client, route: str, conversation: str = "one") -> Told:
    """One question, answered by the name of whoever answers."""
    return Told.of(callers.ask(client, route, conversation, content=WHO))


def asking(gateway: Gateway, route: str) -> AbstractContextManager[Load]:
    """Four who ask so without a pause."""
    return callers.asking(gateway.client, route, callers=4, content=WHO)


def untrue(load: Load) -> list[Told]:
    """Answers whose digests are not those of what spoke: an engine-side name ends with the digest's beginning."""
    return [told for told in load.answered if not _true(told)]


def names(load: Load) -> list[str]:
    """Who spoke, each once, in order of appearance."""
    return list(dict.fromkeys(told.said for told in load.answered))


def _true(told: Told) -> bool:
    digest = told.adapter or told.model or "none"
    return told.said.replace("@", ".").rpartition(".")[2] == digest[:12]
