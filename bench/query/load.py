"""Ingest until told to end: chunks, statistics and outbox rows, in a process of its own as a worker is.

``python -m bench.query.load TENANT CHUNKS ENCODE``: CHUNKS in all; ENCODE 1 has the encoder work as hard as an ingest
does.
"""

import sys
import threading
from pathlib import Path
from uuid import UUID

from appliance.catalog import encoders
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.kit import settings as kit_settings
from bench.query.stack import pools
from bench.query.words import LIKE_TEXT, PASSAGE
from tests.factories.corpus import Library

A_DOCUMENT = 50


def _encode(given: kit_settings.Settings) -> None:
    encoder = RemoteEncoder(given.layout.encoder_socket, encoders.about(given.model_store, given.encoder.model))
    while True:
        encoder.encode([PASSAGE] * given.knowledge.encode_batch)


def main() -> None:
    """Write a document after the other."""
    tenant, chunks, encode = UUID(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    given = kit_settings.load()
    if encode:
        threading.Thread(target=_encode, args=(given,), daemon=True).start()
    library = Library(pools(given), tenant=tenant, **LIKE_TEXT)
    for _ in range(chunks // A_DOCUMENT):
        library.ingest(A_DOCUMENT)
    sys.stdout.write(f"{Path(__file__).name}: done\n")
    if encode:
        threading.Event().wait()  # the encoder goes on until we are stopped


if __name__ == "__main__":
    main()
