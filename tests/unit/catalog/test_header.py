"""A safetensors header is believed only as far as the file bears it out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalog import header
from appliance.catalog.header import BadWeights, Tensor
from tests.factories.models import PLAIN, safetensors


def one(**changes: object) -> dict[str, object]:
    return {"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


def test_tensors_are_read_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    told = {
        "b": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [8, 16]},
        "empty": {"dtype": "F32", "shape": [0], "data_offsets": [16, 16]},
        **PLAIN,
    }
    path.write_bytes(safetensors(told, b"\0" * 16))
    assert header.read(path) == (
        Tensor("weight", "F32", (2,), 0, 8),
        Tensor("b", "BF16", (2, 2), 8, 16),
        Tensor("empty", "F32", (0,), 16, 16),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95",
        safetensors(b""),
        (2**63).to_bytes(8, "little") + b"{}",
        safetensors(b"{"),
        safetensors(b"\xff\xfe"),
        safetensors(b"[" * 100_000),
        safetensors([]),
        safetensors({"weight": 1}),
        safetensors({"weight": {}}),
        safetensors(b'{"a": {}, "a": {}}'),
        safetensors(one(dtype="PICKLE")),
        safetensors(one(dtype=[])),
        safetensors(one(shape=[3])),
        safetensors(one(shape=[-2])),
        safetensors(one(shape=[True, 2])),
        safetensors(one(shape=[2.0])),
        safetensors(one(shape=[2] + [1] * 8)),
        safetensors(one(shape=[2**62, 2**62])),
        safetensors(one(data_offsets=[0])),
        safetensors(one(data_offsets=[8, 0])),
        safetensors(one(data_offsets=[4, 12])),
        safetensors(PLAIN, b"\0" * 9),
        safetensors(PLAIN, b"\0" * 7),
        safetensors({**PLAIN, "twice": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
    ],
)
def test_a_file_that_lies_about_itself_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadWeights):
        header.read(path)


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes, framed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    path.write_bytes(safetensors(raw) if framed else raw)
    with pytest.raises(BadWeights):
        header.read(path)
