"""The real model in its own process, started as the appliance starts it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.catalog import encoders
from appliance.drivers.encoder.port import EncoderNotReady
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.drivers.encoder.reranking import RemoteReranker
from appliance.kit.layout import Layout
from appliance.kit.settings import Settings
from tests.factories import cross, models
from tests.factories.processes import until

STORE = Path(__file__).parents[3] / ".cache" / "models"
NAME = "all-minilm-l6-v2"


def start(data: Path, store: Path, reranker: str = "") -> subprocess.Popen[bytes]:
    Layout(data).make()
    env = {**os.environ, "APPLIANCE_DATA": str(data), "APPLIANCE_MODELS": str(store)}
    env["APPLIANCE_ENCODER__RERANKER"] = reranker
    return subprocess.Popen([sys.executable, "-m", "appliance.entry.encoder"], env=env, stderr=subprocess.PIPE)


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.mark.counted
@pytest.mark.slow
def test_the_model_counts_at_once_then_encodes_by_meaning_and_stops_on_request(data: Path) -> None:
    process = start(data, STORE)
    remote = RemoteEncoder(Settings(data=data).layout.encoder_socket, encoders.about(STORE, NAME))
    try:
        until(remote.path.exists)
        assert remote.tokens(["word " * 1000, "", "年假"]) == [1000, 0, 2]
        with pytest.raises(EncoderNotReady):
            remote.encode(["too early"])
        until(remote.ready, 100)
        near, far, query = remote.encode(
            ["Staff get twenty days of holiday a year.", "The pump weighs 40 kg.", "How much annual leave is there?"]
        )
        assert query @ near > query @ far + 0.2
        assert np.isclose(np.linalg.norm(query), 1, atol=1e-5)
        long = remote.encode(["leave " * 254, "leave " * 2000])
        assert np.allclose(long[0], long[1], atol=1e-5)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        remote.close()
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_model_that_was_tampered_with_is_never_loaded(data: Path) -> None:
    store = data / "models"
    shutil.copytree(STORE / NAME, store / NAME)
    weights = store / NAME / "model.safetensors"
    weights.chmod(0o600)
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    _, told = start(data, store).communicate(timeout=100)
    assert b"model.safetensors does not have its recorded digest" in told


@pytest.mark.slow
def test_a_reranker_is_loaded_beside_the_encoder_and_one_that_is_none_is_told(data: Path) -> None:
    store = data / "models"
    shutil.copytree(STORE / NAME, store / NAME)
    cross.build(store / "ranks", STORE / NAME)
    models.seal(store / "ranks", "reranker")
    process = start(data, store, "ranks")
    settings = Settings(data=data)
    remote = RemoteReranker(settings.layout.encoder_socket)
    texts = ["Staff get twenty days of holiday a year.", "The pump weighs 40 kg. " * 200, "年假"] * 4
    try:
        until(lambda: scored(remote, texts) is not None, 100)
        scores = scored(remote, texts)
        assert scores is not None
        assert all(0 < score < 1 for score in scores)
        assert len(set(scores[:3])) == 3
        assert np.allclose(scores, scores[:3] * 4, atol=1e-5)
    finally:
        remote.close()
        process.kill()
        process.communicate()
    process = start(data, store, NAME)
    encoder = RemoteEncoder(settings.layout.encoder_socket, encoders.about(STORE, NAME))
    try:
        until(encoder.ready, 100)
        assert scored(remote, texts) is None
    finally:
        remote.close()
        encoder.close()
        process.terminate()
        told = process.communicate(timeout=30)[1]
    assert b"is no reranker: its kind is encoder" in told


def scored(remote: RemoteReranker, texts: list[str]) -> list[float] | None:
    try:
        return remote.scores("How much annual leave is there?", texts)
    except EncoderNotReady:
        return None
