"""One forward pass at a time, urgent ones first, and nobody waits for ever."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.port import EncoderNotReady
from appliance.drivers.encoder.turns import Turns
from tests.factories.processes import until


class Held(HashedEncoder):
    """Waits in every pass until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(16)
        self.passes: list[list[str]] = []
        self.go = threading.Semaphore(0)

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:
        self.passes.append(list(texts))
        self.go.acquire()
        if "broken" in texts:
            raise ValueError("broken")
        return super().encode(texts, urgent=urgent)


def test_many_texts_come_back_in_their_own_order() -> None:
    turns = Turns(HashedEncoder(32), batch=3)
    texts = [" ".join(["word"] * (number % 7 + 1) + [str(number)]) for number in range(20)]
    assert np.allclose(turns.encode(texts), HashedEncoder(32).encode(texts))
    assert turns.encode([]).shape == (0, 32)
    turns.close()


def test_an_urgent_text_goes_before_the_rest_of_an_ingest() -> None:
    held = Held()
    turns = Turns(held, batch=1)
    with ThreadPoolExecutor() as pool:
        ingest = pool.submit(turns.encode, ["a", "b b", "c c c"])
        until(lambda: held.passes == [["a"]] and turns.waiting() == 2)
        query = pool.submit(turns.encode, ["query"], urgent=True)
        until(lambda: turns.waiting() == 3)
        held.go.release(4)
        query.result(5)
        ingest.result(5)
    assert held.passes == [["a"], ["query"], ["b b"], ["c c c"]]
    turns.close()


def test_a_pass_that_fails_fails_its_own_caller_only() -> None:
    held = Held()
    held.go.release(2)
    turns = Turns(held)
    with pytest.raises(ValueError, match="broken"):
        turns.encode(["broken"])
    assert turns.encode(["fine"]).shape == (1, 16)
    turns.close()


def test_texts_of_one_length_share_a_pass_whoever_sent_them_and_the_longest_wait_goes_first() -> None:
    held = Held()
    turns = Turns(held, batch=2)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(turns.encode, ["begin"])
        until(lambda: held.passes == [["begin"]])
        one = pool.submit(turns.encode, ["a " * 50, "short one"])
        until(lambda: turns.waiting() == 2)
        two = pool.submit(turns.encode, ["short two", "b " * 50])
        until(lambda: turns.waiting() == 4)
        held.go.release(3)
        for future, size in ((first, 1), (one, 2), (two, 2)):
            assert future.result(5).shape == (size, 16)
    assert held.passes[1:] == [["a " * 50, "b " * 50], ["short one", "short two"]]
    turns.close()


def test_who_shares_a_pass_with_a_text_that_breaks_it_gets_his_vectors() -> None:
    held = Held()
    turns = Turns(held)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(turns.encode, ["begin"])
        until(lambda: held.passes == [["begin"]])
        bad = pool.submit(turns.encode, ["broken", "other"])
        until(lambda: turns.waiting() == 2)
        good = pool.submit(turns.encode, ["fine"])
        until(lambda: turns.waiting() == 3)
        held.go.release(4)
        first.result(5)
        with pytest.raises(ValueError, match="broken"):
            bad.result(5)
        assert np.allclose(good.result(5), HashedEncoder(16).encode(["fine"]))
    assert turns.waiting() == 0
    turns.close()


def test_closing_finishes_the_pass_that_runs_and_refuses_the_others() -> None:
    held = Held()
    turns = Turns(held, batch=1)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(turns.encode, ["a"])
        until(lambda: held.passes == [["a"]])
        waiting = pool.submit(turns.encode, ["b"])
        until(lambda: turns.waiting() == 1)
        closing = pool.submit(turns.close)
        with pytest.raises(EncoderNotReady):
            waiting.result(5)
        held.go.release()
        assert running.result(5).shape == (1, 16)
        closing.result(5)
    with pytest.raises(EncoderNotReady):
        turns.encode(["late"])


def test_another_models_pass_has_its_turn_after_urgent_texts_and_before_an_ingest() -> None:
    held = Held()
    turns = Turns(held, batch=1)
    with ThreadPoolExecutor() as pool:
        ingest = pool.submit(turns.encode, ["a", "b b"])
        until(lambda: held.passes == [["a"]] and turns.waiting() == 1)
        errand = pool.submit(turns.do, lambda: len(held.passes))
        query = pool.submit(turns.encode, ["query"], urgent=True)
        until(lambda: turns.waiting() == 2 and len(turns._errands) == 1)
        held.go.release(3)
        assert errand.result(5) == 2
        for future in (query, ingest):
            future.result(5)
    assert held.passes == [["a"], ["query"], ["b b"]]
    turns.close()


def test_an_errand_that_fails_fails_its_own_caller_only_and_none_is_taken_at_the_end() -> None:
    held = Held()
    turns = Turns(held)
    with pytest.raises(ZeroDivisionError):
        turns.do(lambda: 1 // 0)
    assert turns.do(lambda: "fine") == "fine"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(turns.encode, ["a"])
        until(lambda: held.passes == [["a"]])
        waiting = pool.submit(turns.do, lambda: "late")
        until(lambda: len(turns._errands) == 1)
        closing = pool.submit(turns.close)
        with pytest.raises(EncoderNotReady):
            waiting.result(5)
        held.go.release()
        running.result(5)
        closing.result(5)
    with pytest.raises(EncoderNotReady):
        turns.do(lambda: "later")
