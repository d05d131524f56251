"""Callers who never stop asking, and what each was told: by whom the answer says it is, and by whom it was."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.integration.serving.conftest import Gateway

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Told:
    """One answer. ``model`` and ``adapter``: the digests that it carries; ``said``: the engine-side name that spoke."""

    status: int
    model: str | None
    adapter: str | None
    said: str
    retry_after: str | None = None


@dataclass(slots=True)
class Load:
    """Answers in the order in which they came."""

    answers: list[Told] = field(default_factory=list)

    @property
    def failed(self) -> list[Told]:
        """What was no answer."""
        return [told for told in self.answers if told.status != httpx.codes.OK]

    @property
    def mixed(self) -> list[Told]:
        """Answers whose digests are not those of what spoke: an engine-side name ends with the digest's beginning."""
        answered = (told for told in self.answers if told.status == httpx.codes.OK)
        return [told for told in answered if not _true(told)]

    def spoke(self) -> list[str]:
        """Who spoke, each once, in order of appearance."""
        return list(dict.fromkeys(told.said for told in self.answers if told.said))


def _true(told: Told) -> bool:
    digest = told.adapter or told.model or "none"
    return told.said.replace("@", ".").rpartition(".")[2] == digest[:12]


def ask(client: httpx.Client, route: str, conversation: str = "one") -> Told:
    """One question, answered by the name of whoever answers."""
    body = {"model": route, "messages": [{"role": "user", "content": "who:"}], "user": conversation}
    answer = client.post(PATH, json=body)
    said = answer.json()["choices"][0]["message"]["content"] if answer.is_success else ""
    model, adapter = (answer.headers.get(f"x-appliance-{what}-digest") for what in ("model", "adapter"))
    return Told(answer.status_code, model, adapter, said, answer.headers.get("retry-after"))


@contextmanager
def asking(gateway: Gateway, route: str, callers: int = 4, key: str | None = None) -> Iterator[Load]:
    """Callers with a conversation each who ask without a pause."""
    load, stop = Load(), threading.Event()

    def call(number: int) -> None:
        with gateway.client(key) as client:
            for turn in itertools.count():
                if stop.is_set():
                    return
                load.answers.append(ask(client, route, f"{number}.{turn}"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()
