"""The encoder over its socket: ready or not, present or not."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.overlap import OverlapReranker
from appliance.drivers.encoder.port import EncoderNotReady
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.drivers.encoder.reranking import RemoteReranker
from appliance.drivers.encoder.server import EncoderServer
from appliance.drivers.encoder.turns import Turns
from appliance.kit.wire import WireRefused


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:  # tmp_path may be longer than a socket's path may
        yield Path(directory) / "encoder.sock"


@pytest.fixture
def server(path: Path) -> Iterator[EncoderServer]:
    server = EncoderServer(path, HashedEncoder())
    server.start()
    yield server
    server.close()


@pytest.fixture
def remote(path: Path) -> Iterator[RemoteEncoder]:
    remote = RemoteEncoder(path, HashedEncoder().about)
    yield remote
    remote.close()


def test_a_loading_encoder_says_so_and_counts_tokens_already(server: EncoderServer, remote: RemoteEncoder) -> None:
    assert not remote.ready()
    assert remote.tokens(["two words", ""]) == [2, 0]
    with pytest.raises(EncoderNotReady) as told:
        remote.encode(["a text"], urgent=True)
    assert told.value.status == 503
    assert told.value.retry_after


def test_a_ready_encoder_gives_the_same_vectors_as_at_home(server: EncoderServer, remote: RemoteEncoder) -> None:
    server.ready(HashedEncoder())
    texts = ["annual leave", "年假", ""]
    assert remote.ready()
    assert (remote.encode(texts) == HashedEncoder().encode(texts)).all()
    assert remote.encode(texts).dtype == np.float32
    assert remote.encode(texts).flags.writeable
    assert (remote.encode([]).shape, remote.tokens([])) == ((0, 384), [])


def test_an_absent_process_is_not_ready(remote: RemoteEncoder) -> None:
    assert not remote.ready()
    with pytest.raises(EncoderNotReady):
        remote.encode(["a text"])


def test_a_failure_inside_the_encoder_is_not_mistaken_for_loading(server: EncoderServer, remote: RemoteEncoder) -> None:
    server.ready(HashedEncoder())
    with pytest.raises(WireRefused):
        remote.encode([1])  # type: ignore[list-item] # wrong on purpose


def test_passages_are_reranked_over_the_socket_once_there_is_a_reranker(server: EncoderServer, path: Path) -> None:
    remote = RemoteReranker(path)
    with pytest.raises(EncoderNotReady):
        remote.scores("annual leave", ["a text"])
    turns = Turns(HashedEncoder())
    server.reranks(OverlapReranker(), turns)
    texts = [f"annual {'leave' * (number % 2)} {number}" for number in range(20)]
    assert remote.scores("annual leave", texts) == OverlapReranker().scores("annual leave", texts)
    assert remote.scores("annual leave", texts)[:2] == [0.5, 1.0]
    assert remote.scores("annual leave", []) == []
    turns.close()
    with pytest.raises(EncoderNotReady):
        remote.scores("annual leave", texts)
    remote.close()


def test_an_absent_process_reranks_nothing(path: Path) -> None:
    with pytest.raises(EncoderNotReady):
        RemoteReranker(path).scores("annual leave", ["a text"])
