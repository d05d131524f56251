"""Documents survive kill -9 of whoever works on them, in every stage: none lost, none doubled, vectors equal chunks."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from appliance.kit.leash import family
from tests.factories.appliance import Appliance, gone
from tests.factories.shelf import Shelf, prose

RESUME_SECONDS = 60


@pytest.fixture
def shelf(running: Appliance) -> Shelf:
    """A collection in an appliance whose encoder is ready too."""
    running.wait_ready("encoder")
    return Shelf(running)


@contextmanager
def held(*pids: int) -> Iterator[None]:
    """Processes that do not move meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # it may have been the one to be killed
                os.kill(pid, signal.SIGCONT)


def kill_worker(made: Appliance) -> None:
    """All of its processes are gone; ``up`` starts another."""
    former = made.pid("worker")
    below = family(former)
    made.kill("worker")
    gone([former, *below], 10)


def finish(shelf: Shelf, document: str, seed: str) -> None:
    """The document becomes ready in time, once, as if nothing had happened."""
    shelf.wait_state(document, "ready", seconds=RESUME_SECONDS)
    shelf.assert_whole()
    assert shelf.found(f"Manual {seed}")[0] == f"{seed}.md"


def test_kill_9_of_the_worker_before_it_begins(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    former = shelf.appliance.kill("worker")
    document = shelf.add(f"{seed}.md", prose(20, seed))
    assert shelf.state(document) == "queued"
    shelf.appliance.restarted("worker", former)
    finish(shelf, document, seed)


def test_kill_9_of_the_worker_while_it_parses(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    document = shelf.add(f"{seed}.md", prose(3000, seed))
    shelf.wait_state(document, "parsing")
    kill_worker(shelf.appliance)
    assert shelf.state(document) == "parsing"
    shelf.wait_state(document, "encoding", seconds=RESUME_SECONDS)
    with shelf.appliance.api() as api:
        assert api.delete(f"/api/v1/documents/{document}").status_code == 202
    shelf.assert_gone(document)


def test_kill_9_of_the_worker_while_it_encodes(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    with held(shelf.appliance.pid("encoder")):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "encoding")
        kill_worker(shelf.appliance)
    assert shelf.state(document) == "encoding"
    finish(shelf, document, seed)


def test_kill_9_of_the_worker_while_the_index_takes_the_chunks_in(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    index = shelf.appliance.pid("index")
    with held(index, *family(index)):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "indexing")
        kill_worker(shelf.appliance)
    finish(shelf, document, seed)


def test_kill_9_of_the_encoder_while_it_encodes(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    former = shelf.appliance.pid("encoder")
    with held(former):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "encoding")
        shelf.appliance.kill("encoder")
    finish(shelf, document, seed)


def test_kill_9_of_the_index_while_chunks_wait_for_it(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    index = shelf.appliance.pid("index")
    below = family(index)
    with held(index, *below):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "indexing")
        shelf.appliance.kill("index")
        gone([index], 10)
    finish(shelf, document, seed)


def test_kill_9_of_postgresql_while_a_document_is_on_its_way(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    former = shelf.appliance.pid("postgres")
    with held(shelf.appliance.pid("encoder")):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "encoding")
        shelf.appliance.kill("postgres")
        shelf.appliance.restarted("postgres", former)
    finish(shelf, document, seed)


def test_kill_9_of_up_while_a_document_is_on_its_way(shelf: Shelf) -> None:
    seed, made = secrets.token_hex(4), shelf.appliance
    everyone = made.everyone()
    with held(made.pid("encoder")):
        document = shelf.add(f"{seed}.md", prose(20, seed))
        shelf.wait_state(document, "encoding")
        made.stop(signal.SIGKILL)
        gone(everyone, 10)
    made.start()
    made.wait_ready("encoder", "worker", "index", "web")
    finish(shelf, document, seed)


def test_with_the_broker_dead_requests_succeed_and_jobs_start_on_its_return(shelf: Shelf) -> None:
    seed = secrets.token_hex(4)
    with held(shelf.appliance.pid("valkey")):
        document = shelf.add(f"{seed}.md", prose(10, seed))
        assert shelf.found("anything at all") is not None
    finish(shelf, document, seed)
