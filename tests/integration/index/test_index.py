"""The index process: from an empty directory to hand-overs, with searches going on."""

import json
import shutil
import threading
import time

import pytest
from sqlalchemy import text

from appliance.catalog import encoders
from appliance.drivers.vectors.port import Scope
from appliance.kit.ids import uuid7
from tests.factories import models
from tests.factories.corpus import Library
from tests.integration.index.conftest import OPTIMISE_AFTER, Index, until

EVERYONE = frozenset({"everyone"})


@pytest.mark.counted
def test_what_is_ingested_is_found_and_current(index: Index, library: Library) -> None:
    before = library.ingest(120)
    index.start()
    until("what came before the start", lambda: index.equal(library))
    after = library.ingest(30)
    until("what came after it", lambda: index.equal(library))
    until("flips", lambda: library.document(after).current_revision)
    assert library.document(before).state == "ready"
    legs = index.reader.search(Scope(library.tenant, EVERYONE), library.vectors.dense(1)[0], None, 10)
    assert len(legs.dense) == 10


def test_a_new_row_is_applied_within_a_second(index: Index, library: Library) -> None:
    index.start()
    until("live", index.live)
    library.ingest(1)
    began = time.monotonic()
    until("the row", lambda: index.equal(library), 5)
    assert time.monotonic() - began < 1


@pytest.mark.counted
def test_a_stopped_index_opens_again_without_the_rows_that_it_holds(index: Index, library: Library) -> None:
    index.start()
    until("live", index.live)
    library.ingest(200)
    until("points", lambda: index.equal(library))
    assert index.host is not None
    assert index.host.stop(20) == 0
    assert index.survivors() == []
    with index.databases.system.session() as session:
        newest = session.execute(text("select max(seq) from index_outbox")).scalar_one()
        assert session.execute(text("select seq from index_marks")).scalar_one() == newest
    index.start()
    until("points", lambda: index.equal(library))
    with index.databases.system.session() as session:
        assert session.execute(text("select count(*) from index_outbox")).scalar_one() == 0


@pytest.mark.counted
def test_enough_changes_bring_a_new_generation_and_the_old_one_goes(index: Index, library: Library) -> None:
    index.start()
    until("live", index.live)
    for _ in range(4):
        library.ingest(OPTIMISE_AFTER // 3)
    until("the second generation", lambda: index.live(2))
    until("points", lambda: index.equal(library))
    until("the first is cleared", lambda: not (index.layout.index / "generation-000001").exists())
    library.ingest(5)
    until("points go on", lambda: index.equal(library))
    until("flips go on", lambda: index.line.call("verify", repair=False)["agrees"])
    with index.databases.system.session() as session:
        assert session.execute(text("select count(*) from documents where current_revision is null")).scalar_one() == 0
        assert session.execute(text("select count(*) from index_marks")).scalar_one() == 1


def test_searches_go_on_during_hand_overs(index: Index, library: Library) -> None:
    library.ingest(100)
    index.start()
    until("points", lambda: index.equal(library))
    over = threading.Event()
    failures: list[Exception] = []
    found: list[int] = []

    def ask() -> None:
        while not over.wait(0.005):
            try:
                found.append(len(index.reader.search(Scope(library.tenant, EVERYONE), query, None, 5).dense))
            except Exception as error:  # noqa: BLE001 - every failure counts, whatever it is
                failures.append(error)

    query = library.vectors.dense(1)[0]
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for generation in (2, 3):
            library.ingest(OPTIMISE_AFTER)
            until(f"generation {generation}", lambda: index.live(generation))  # noqa: B023 - used at once
    finally:  # or they would ask for ever, and keep every failure
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert min(found) == 5


@pytest.mark.counted
@pytest.mark.parametrize("loss", ["shard", "identity", "format", "manifest", "damage", "history"])
def test_an_index_that_cannot_be_opened_is_rebuilt_from_the_chunks(index: Index, library: Library, loss: str) -> None:
    index.start()
    library.ingest(40)
    until("points", lambda: index.equal(library))
    assert index.host is not None
    index.host.stop(20)
    generation = index.layout.index / "generation-000001"
    identity = generation / "identity.json"
    if loss == "shard":
        shutil.rmtree(generation / "shard")
    elif loss == "identity":
        identity.unlink()
    elif loss == "format":
        identity.write_text(json.dumps({**json.loads(identity.read_text()), "format": 99}))
    elif loss == "manifest":
        (index.layout.index / "current").write_text("not JSON")
    elif loss == "damage":
        for file in (generation / "shard" / "segments").rglob("segment.json"):
            file.write_text("{}")
    else:  # the database was restored from before this index
        with index.databases.system.session() as session:
            session.execute(text("update index_marks set seq = 1"))
    library.ingest(7)
    index.start()
    until("points again", lambda: index.equal(library))
    until("flips again", lambda: library_is_current(index))
    until("the old one is cleared", lambda: len(list(index.layout.index.glob("generation-*"))) == 1)


def test_another_encoder_finds_none_of_the_formers_vectors_and_the_former_finds_them_again(
    index: Index, library: Library
) -> None:
    store, name = index.settings.model_store, index.settings.encoder.model
    directory = models.model(store, name, "encoder")
    former = (directory / "config.json").read_bytes()
    found = {}
    for generation, weights, new in ((1, former, 40), (2, b"{}", 5), (3, former, 0)):
        (directory / "config.json").write_bytes(weights)
        models.seal(directory, "encoder")
        library.encoder = encoders.about(store, name).name
        library.ingest(new)
        index.start()
        until(f"generation {generation}", lambda: index.live(generation))  # noqa: B023 - used at once
        until("points", lambda: index.equal(library))
        near = index.reader.search(Scope(library.tenant, EVERYONE), library.vectors.dense(1)[0], None, 100)
        found[generation] = len(near.dense)
        assert index.host is not None
        index.host.stop(20)
    assert found == {1: 40, 2: 5, 3: 40}


def library_is_current(index: Index) -> bool:
    with index.databases.system.session() as session:
        waiting = session.execute(text("select count(*) from documents where current_revision is null")).scalar_one()
    return int(waiting) == 0


def test_points_of_a_tenant_that_is_gone_are_rebuilt_away(index: Index, library: Library) -> None:
    index.start()
    library.ingest(30)
    other = Library(index.databases, library.dimensions)
    other.ingest(20)
    until("points", lambda: index.equal(library) and index.equal(other))
    with index.databases.system.session() as session:
        session.execute(text("delete from chunks where tenant_id = :tenant"), {"tenant": other.tenant})
    report = index.line.call("verify", repair=True)
    assert (report["agrees"], report["strays"]) == (False, 20)
    until("a generation without them", lambda: index.live(2))
    assert index.reader.count() == 30
    assert index.line.call("verify", repair=False)["agrees"]


@pytest.mark.counted
def test_lost_points_are_found_and_mended(index: Index, library: Library) -> None:
    index.start()
    document = library.ingest(30)
    until("points", lambda: index.equal(library))
    with index.databases.app.session(library.tenant) as session:  # a chunk that no outbox row told of
        session.execute(
            text(
                "insert into chunks (id, tenant_id, collection_id, document_id, revision_id, ordinal, text, start, "
                '"end", line, language, tokens, embedding, term_ids, term_weights) '
                "select :id, tenant_id, collection_id, document_id, revision_id, 999, text, start, "
                '"end", line, language, tokens, embedding, term_ids, term_weights from chunks '
                "where document_id = :document and ordinal = 0"
            ),
            {"id": uuid7(), "document": document},
        )
    assert index.line.call("verify", repair=False)["missing"] == 1
    assert index.line.call("verify", repair=True)["missing"] == 1
    until("the point", lambda: index.equal(library))
    assert index.line.call("verify", repair=False)["agrees"]
