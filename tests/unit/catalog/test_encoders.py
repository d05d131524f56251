"""What is known of an encoder without loading it."""

from pathlib import Path

import pytest

from appliance.catalog import encoders
from appliance.catalog.manifest import BadManifest
from appliance.drivers.encoder.port import About
from tests.factories.models import ENCODER, LANGUAGE, seal, store


def test_an_encoder_is_described_by_its_files(tmp_path: Path) -> None:
    found = encoders.about(store(tmp_path), ENCODER)
    assert found == About(found.name, 384, frozenset({"en"}), 254)
    assert found.name.startswith(f"{ENCODER}@")


def test_what_is_no_encoder_is_refused(tmp_path: Path) -> None:
    models = store(tmp_path)
    with pytest.raises(BadManifest, match="a language model, not an encoder"):
        encoders.about(models, LANGUAGE)
    with pytest.raises(BadManifest, match=r"no readable manifest\.json"):
        encoders.about(models, "absent")
    (models / ENCODER / "sentence_bert_config.json").write_text("{}")
    seal(models / ENCODER, "encoder")
    with pytest.raises(BadManifest, match="max_seq_length"):
        encoders.about(models, ENCODER)
