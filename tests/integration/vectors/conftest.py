"""Every vector index that we have, behind the same fixture."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from appliance.drivers.vectors.edge import EdgeVectors
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Reader, Vectors
from appliance.drivers.vectors.qdrant import QdrantVectors
from appliance.drivers.vectors.remote import RemoteVectors, handlers
from appliance.kit.ids import uuid7
from appliance.kit.wire import Client, Server

DIMENSIONS = 16
LIVE = os.environ.get("QDRANT_URL", "")
KINDS = ("memory", "edge", "edge-optimised", "qdrant-local", "remote", *(("qdrant-live",) if LIVE else ()))


class Bench:
    """An index under test: where to write, and where to read."""

    def __init__(self, writer: Vectors, reader: Reader, settle: Callable[[], object]) -> None:
        self.write, self.read, self.settle = writer, reader, settle


def _edge(kind: str, directory: Path, undo: ExitStack) -> Bench:
    edge = EdgeVectors.create(directory / "shard", DIMENSIONS)
    undo.callback(edge.close)
    if kind != "remote":
        return Bench(edge, edge, edge.optimise if kind == "edge-optimised" else lambda: None)
    server = Server(directory / "index.sock", handlers(edge))
    server.start()
    undo.callback(server.close)
    client = RemoteVectors(Client(directory / "index.sock"))
    undo.callback(client.close)
    return Bench(edge, client, lambda: None)


@pytest.fixture(params=KINDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    kind = str(request.param)
    with ExitStack() as undo:
        if kind == "memory":
            memory = MemoryVectors(DIMENSIONS)
            yield Bench(memory, memory, lambda: None)
        elif kind.startswith("qdrant"):
            name = f"contract-{uuid7()}"
            local = kind == "qdrant-local"
            made = (
                QdrantVectors.in_process(name, DIMENSIONS) if local else QdrantVectors.connect(LIVE, name, DIMENSIONS)
            )
            undo.callback(made.close)
            yield Bench(made, made, lambda: None)
        else:
            yield _edge(kind, tmp_path, undo)
