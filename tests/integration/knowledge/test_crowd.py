"""A thousand files, one in twenty hostile: the good ones are ready, the others failed with their reason, none is stuck.

A usual run takes a tenth of them, `bin/soak` all.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.access.web import Databases
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.jobs.tables import JobRow
from appliance.knowledge.documents import DocumentId
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.conftest import WHOLE
from tests.factories.crowd import TABLE_BYTES, File, crowd
from tests.integration.knowledge.office import DIMENSIONS, Office

ALL = 1000
SETTLED = 50
"""Files after which all that waits is worked off, as on a machine that keeps up."""


@pytest.fixture
def busy(databases: Databases, tmp_path: Path) -> Iterator[Office]:
    """An office that takes files as large as an appliance does."""
    with ParserHost(ParseLimits(), tmp_path / "parser.log") as parser:
        words_alone = HashedEncoder(DIMENSIONS, languages=frozenset())
        yield Office(databases, tmp_path / "blobs", parser, encoder=words_alone, largest=TABLE_BYTES + 1_000_000)


@pytest.mark.slow
@pytest.mark.repeated
@pytest.mark.timeout(1800)
def test_of_many_files_the_good_are_ready_and_the_hostile_fail_with_their_reason(busy: Office) -> None:
    count = ALL if os.environ.get(WHOLE) else ALL // 10
    waiting: list[tuple[File, DocumentId]] = []
    for number, file in enumerate(crowd(count), 1):
        key = busy.add(file.name, file.content).document.id
        waiting.append((replace(file, content=b""), key))
        if number % SETTLED == 0:
            busy.settle()
    busy.settle()

    wrong = []
    states: Counter[str] = Counter()
    for file, key in waiting:
        document = busy.document(key)
        states[document.state] += 1
        if (document.state, document.reason_code) != (("failed", file.refused) if file.refused else ("ready", None)):
            wrong.append(f"{file.name}: {document.state}, {document.reason_code}: {document.reason}")
        assert bool(document.reason) == (document.state == "failed")
    assert not wrong, "\n".join(wrong)
    assert states == {"ready": count - count // 20, "failed": count // 20}
    with busy.databases.app.session(busy.me.tenant) as session:
        assert set(session.scalars(select(JobRow.state).distinct())) <= {"succeeded", "failed"}
    for file, _ in waiting[-10:]:
        if not file.refused:
            assert busy.names(file.word)[0] == file.name
