"""A hundred answers labelled by hand: the half that nothing was tuned on, with the real encoder in its own process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.catalog import encoders
from appliance.chat.likeness import EncoderLikeness, Likeness
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.kit.settings import Settings
from bench.attribution.labelled import judged, tallies
from tests.factories.processes import until
from tests.integration.encoder.test_process import NAME, STORE, start

PRECISION = 0.95
RECALL = 0.85


@pytest.fixture
def likeness() -> Iterator[Likeness]:
    """By the real encoder."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        process = start(data, STORE)
        remote = RemoteEncoder(Settings(data=data).layout.encoder_socket, encoders.about(STORE, NAME))
        try:
            until(remote.ready, 100)
            yield EncoderLikeness(remote)
        finally:
            remote.close()
            process.terminate()
            process.communicate()


@pytest.mark.slow
def test_sentences_are_called_supported_where_the_documents_say_them(likeness: Likeness) -> None:
    tally = tallies("test", likeness)["all"]

    wrong = [
        f"{one.label['text']} → {one.said.evidence.text if one.said.evidence else None}"
        for one in judged("test", likeness)
        if one.wrong
    ]
    assert tally.precision >= PRECISION, "\n".join(wrong)
    assert tally.recall >= RECALL, "\n".join(wrong)
