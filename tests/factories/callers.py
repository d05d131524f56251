"""Callers of a whole appliance who never stop asking, and what each was told: by whom, and in which words."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.factories.appliance import Appliance, wait

PATH = "/v1/chat/completions"


def ask(client: httpx.Client, route: str, conversation: str = "one", words: int = 4) -> httpx.Response:
    """One short question."""
    message = {"role": "user", "content": "Say hello."}
    body = {"model": route, "messages": [message], "max_tokens": words, "temperature": 0, "user": conversation}
    return client.post(PATH, json=body)


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: ``who`` are the digests of version and adapter that it carries, ``text`` is what was said.

    Status 0: none came, and ``text`` says why.
    """

    status: int
    who: tuple[str, str]
    text: str
    retry_after: str | None

    @classmethod
    def of(cls, answer: httpx.Response) -> "Told":
        """What an answer told."""
        model, adapter = (answer.headers.get(f"x-appliance-{what}-digest", "") for what in ("model", "adapter"))
        text = answer.json()["choices"][0]["message"]["content"] if answer.is_success else ""
        return cls(answer.status_code, (model, adapter), text, answer.headers.get("retry-after"))


@dataclass(slots=True)
class Load:
    """Answers in the order in which they came."""

    answers: list[Told] = field(default_factory=list)

    @property
    def failed(self) -> list[Told]:
        """What was no answer."""
        return [told for told in self.answers if told.status != httpx.codes.OK]

    @property
    def spoke(self) -> list[tuple[str, str]]:
        """Who answered, in order, each as often as it took over from another."""
        answered = [told.who for told in self.answers if told.status == httpx.codes.OK]
        return [who for number, who in enumerate(answered) if number == 0 or answered[number - 1] != who]

    @property
    def mixed(self) -> set[str]:
        """Words that were said under more than one name: temperature is 0, so each speaker has its own."""
        said: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for told in self.answers:
            if told.status == httpx.codes.OK:
                said[told.text].add(told.who)
        return {text for text, speakers in said.items() if len(speakers) > 1}

    def more(self, count: int, seconds: float = 300) -> None:
        """Wait for so many more answers."""
        goal = len(self.answers) + count
        wait(lambda: len(self.answers) >= goal, seconds, f"{count} more answers")


@contextmanager
def asking(appliance: Appliance, route: str, key: str | None = None, pause: float = 0) -> Iterator[Load]:
    """Somebody who asks again and again, ``pause`` seconds after each answer."""
    load, stop = Load(), threading.Event()

    def call() -> None:
        with appliance.api(key) as client:
            while not stop.is_set():
                try:
                    load.answers.append(Told.of(ask(client, route)))
                except httpx.HTTPError as error:
                    load.answers.append(Told(0, ("", ""), repr(error), None))
                time.sleep(pause)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()


def key_of(appliance: Appliance, tenant: str) -> str:
    """A key of somebody in this tenant."""
    with appliance.api() as client:
        items = client.get("/api/v1/tenants", params={"name": tenant}).json()["items"]
        at = f"/api/v1/tenants/{items[0]['id']}/users"
        user = client.post(at, json={"login": f"somebody of {tenant}", "name": "Somebody", "role": "member"}).json()
        return str(client.post(f"{at}/{user['id']}/keys", json={"name": "test"}).json()["key"])
