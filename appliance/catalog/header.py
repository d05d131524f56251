"""The header of a safetensors file, read within bounds. A file that only looks like one is refused, never loaded.

The format: 8 bytes of little-endian header length, a JSON object, then the bytes of the tensors.
Sizes in the header are the file's own claim, so each is checked against the file: a loader that trusts them reads
beyond its buffer, as GGUF loaders have done.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from appliance.catalog.manifest import BadManifest

LARGEST_HEADER = 16 * 1024 * 1024
_LENGTH = 8
_DIMENSIONS = 8
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "F4": 4, "F8_E8M0": 8,
}  # fmt: skip


class BadWeights(BadManifest):
    """A file among the weights is not plain safetensors."""

    code = "bad_weights"
    advice = "Only safetensors made by a trusted tool are accepted; fetch the model again from its source."


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: where its bytes lie after the header, begin and end."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read(path: Path) -> tuple[Tensor, ...]:
    """The tensors of a file, in the order of their bytes, which they fill without gap or overlap.

    Raises :class:`BadWeights` with the reason, after reading at most ``LARGEST_HEADER`` bytes.
    """
    total = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if not 0 < length <= min(LARGEST_HEADER, total - _LENGTH):
            raise BadWeights(f"{path.name}: a header of {length} bytes cannot be in a file of {total}.")
        raw = file.read(length)
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
        tensors = sorted(_tensors(found), key=lambda tensor: (tensor.begin, tensor.end))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadWeights(f"{path.name}: the header is malformed: {error}.") from error
    _fill(path.name, tensors, total - _LENGTH - length)
    return tuple(tensors)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _tensors(header: dict[str, Any]) -> list[Tensor]:
    if not isinstance(header, dict):
        raise TypeError("it is no object")
    header.pop("__metadata__", None)
    return [_tensor(name, told) for name, told in header.items()]


def _tensor(name: str, told: dict[str, Any]) -> Tensor:
    begin, end = (_count(number) for number in told["data_offsets"])
    shape = tuple(_count(size) for size in told["shape"])
    bits = BITS[told["dtype"]]
    if len(shape) > _DIMENSIONS or prod(shape) * bits != (end - begin) * 8:
        raise ValueError(f"{name!r} does not have the size of its shape")
    return Tensor(name, told["dtype"], shape, begin, end)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _fill(name: str, tensors: list[Tensor], size: int) -> None:
    place = 0
    for tensor in tensors:
        if tensor.begin != place:
            raise BadWeights(f"{name}: the bytes of {tensor.name!r} do not follow the ones before.")
        place = tensor.end
    if place != size:
        raise BadWeights(f"{name}: the tensors have {place} bytes, the file {size}.")
