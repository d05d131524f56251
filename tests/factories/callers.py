"""Callers who never stop asking, and what each was told: by whom the answer says it is, and in which words."""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.factories.appliance import Appliance, wait

PATH = "/v1/chat/completions"
HELLO = "Say hello."


def ask(
    client: httpx.Client, route: str, conversation: str = "one", words: int = 4, content: str = HELLO
) -> httpx.Response:
    """One short question."""
    message = {"role": "user", "content": content}
    body = {"model": route, "messages": [message], "max_tokens": words, "temperature": 0, "user": conversation}
    return client.post(PATH, json=body)


@dataclass(frozen=True, slots=True)
class Told:
    """One answer. ``model`` and ``adapter``: the digests that it carries; ``said``: its words.

    Status 0: none came, and ``said`` is why.
    """

    status: int
    model: str | None
    adapter: str | None
    said: str
    retry_after: str | None = None

    @classmethod
    def of(cls, answer: httpx.Response) -> "Told":
        """What an answer told."""
        model, adapter = (answer.headers.get(f"x-appliance-{what}-digest") for what in ("model", "adapter"))
        said = answer.json()["choices"][0]["message"]["content"] if answer.is_success else ""
        return cls(answer.status_code, model, adapter, said, answer.headers.get("retry-after"))

    @property
    def who(self) -> tuple[str | None, str | None]:
        """Who answered."""
        return self.model, self.adapter


@dataclass(slots=True)
class Load:
    """Answers in the order in which they came."""

    answers: list[Told] = field(default_factory=list)

    @property
    def answered(self) -> list[Told]:
        """What was an answer."""
        return [told for told in self.answers if told.status == httpx.codes.OK]

    @property
    def failed(self) -> list[Told]:
        """What was none."""
        return [told for told in self.answers if told.status != httpx.codes.OK]

    @property
    def mixed(self) -> set[str]:
        """Words that were said under more than one name: temperature is 0, so each speaker has its own."""
        said: dict[str, set[tuple[str | None, str | None]]] = defaultdict(set)
        for told in self.answered:
            said[told.said].add(told.who)
        return {text for text, speakers in said.items() if len(speakers) > 1}

    def more(self, count: int, seconds: float = 60) -> None:
        """Wait for so many more answers."""
        goal = len(self.answers) + count
        wait(lambda: len(self.answers) >= goal, seconds, f"{count} more answers")


@contextmanager
def asking(
    connect: Callable[[str | None], httpx.Client],
    route: str,
    key: str | None = None,
    *,
    callers: int = 1,
    pause: float = 0,
    content: str = HELLO,
) -> Iterator[Load]:
    """Callers who ask again and again, each time in a new conversation, ``pause`` seconds after each answer."""
    load, stop = Load(), threading.Event()

    def call(number: int) -> None:
        with connect(key) as client:
            for turn in itertools.count():
                if stop.is_set():
                    return
                try:
                    told = Told.of(ask(client, route, f"{number}.{turn}", content=content))
                except httpx.HTTPError as error:
                    told = Told(0, None, None, repr(error))
                load.answers.append(told)
                time.sleep(pause)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def key_of(appliance: Appliance, tenant: str) -> str:
    """A key of somebody in this tenant."""
    with appliance.api() as client:
        items = client.get("/api/v1/tenants", params={"name": tenant}).json()["items"]
        at = f"/api/v1/tenants/{items[0]['id']}/users"
        user = client.post(at, json={"login": f"somebody of {tenant}", "name": "Somebody", "role": "member"}).json()
        return str(client.post(f"{at}/{user['id']}/keys", json={"name": "test"}).json()["key"])
