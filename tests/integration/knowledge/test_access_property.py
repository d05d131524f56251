"""Never a chunk that the rules deny, never one missing that they allow, whatever people, lists and index went through.

Real PostgreSQL, the real engine of the index, real ingests; jobs and projector are steps of their own, so that both lag
behind anywhere. The rules stand here a second time, as sets of people; of the rest only which revision is served is
read from the database.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from appliance.access.principal import Principal, Role
from appliance.access.readers import Readers
from appliance.access.web import Databases
from appliance.drivers.vectors.edge import EdgeVectors
from appliance.knowledge.errors import CollectionNotFound, DocumentBusy, DocumentNotFound, NotYourDocument
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.projection import newest
from appliance.knowledge.service import Knowledge
from appliance.knowledge.sharing import Sharing
from appliance.knowledge.tables import ChunkRow, DocumentRow
from appliance.knowledge.wish import Wish
from appliance.tenants import viewing
from appliance.tenants.service import Tenants
from tests.conftest import SEED, WHOLE
from tests.integration.knowledge.office import DIMENSIONS, Office

PARTS, STEPS = 10, 40
PEOPLE, GROUPS, COLLECTIONS = 3, 2, 2
TEXTS = (
    "The pump has two straps.",
    "The valve of the pump leaks.",
    "员工每年享有十五天带薪年假。",
    "Zebras are striped.",
)
QUERIES = ("pump", "Which valve leaks?", "带薪年假", "zebra pump")

who = st.integers(0, PEOPLE - 1)
where = st.integers(0, COLLECTIONS - 1)
number = st.integers(0, 5)
lists = st.builds(
    lambda everyone, groups, users: (everyone, frozenset(groups), frozenset(users)),
    st.booleans(),
    st.sets(st.integers(0, GROUPS - 1)),
    st.sets(who, max_size=2),
)
List = tuple[bool, frozenset[int], frozenset[int]]
OPEN: List = (True, frozenset(), frozenset())


@dataclass
class Known:
    """A document as the rules know it."""

    collection: int
    own: List | None = None
    going: bool = False


@dataclass
class Model:
    """Who may read what."""

    members: list[set[int]] = field(default_factory=lambda: [set() for _ in range(GROUPS)])
    collections: list[List] = field(default_factory=lambda: [OPEN] * COLLECTIONS)
    documents: dict[UUID, Known] = field(default_factory=dict)
    names: dict[tuple[int, str], UUID] = field(default_factory=dict)

    def on(self, entries: List, person: int) -> bool:
        everyone, groups, people = entries
        return everyone or person in people or any(person in self.members[group] for group in groups)

    def reads(self, person: int, document: UUID) -> bool:
        known = self.documents[document]
        entries = self.collections[known.collection] if known.own is None else known.own
        return self.on(entries, person)

    def finds(self, person: int) -> set[UUID]:
        return {key for key, known in self.documents.items() if not known.going and self.reads(person, key)}

    def sees(self, person: int, collection: int) -> bool:
        inside = (key for key in self.finds(person) if self.documents[key].collection == collection)
        return self.on(self.collections[collection], person) or any(True for _ in inside)


class Company(RuleBasedStateMachine):
    """One tenant. ``given`` is set for the run: databases, directory, parser and the shard that all tenants share."""

    given: tuple[Databases, Path, ParserHost, EdgeVectors]

    @initialize()
    def found_it(self) -> None:
        databases, root, parser, vectors = self.given
        self.office = Office(databases, root, parser, vectors)
        with databases.system.session() as session:
            self.office.position = newest(session)
        self.office.retrieval.depth = 2
        self.model = Model()
        tenant = self.office.me.tenant
        with databases.operator.session() as session:
            tenants = Tenants(session)
            people = tenants.people(tenant)
            logins = [f"{name}-{tenant}" for name in range(PEOPLE)]
            self.people = [UUID(str(people.add(login, "P", Role.EDITOR).id)) for login in logins]
            self.groups = [tenants.groups(tenant).create(str(group)).id for group in range(GROUPS)]
        self.collections = [self.office.collection, self.office.create("second")]

    @rule(person=who, collection=where, name=st.sampled_from("ab"), text=st.sampled_from(TEXTS), copy=number)
    def upload(self, person: int, collection: int, name: str, text: str, copy: int) -> None:
        document = self.model.names.get((collection, name))
        if document is not None and not self.model.documents[document].going:
            expected = self.model.reads(person, document)
        else:
            expected = document is None and self.model.on(self.model.collections[collection], person)
        content = f"{text} {copy}".encode()
        try:
            added = self.office.add(name, content, self.collections[collection], by=self.eyes(person)).document.id
        except (CollectionNotFound, NotYourDocument, DocumentBusy):
            assert not expected, (person, collection, name)
            return
        assert expected, (person, collection, name)
        self.model.documents.setdefault(added, Known(collection))
        self.model.names[collection, name] = added

    @rule(person=who, pick=number)
    def delete(self, person: int, pick: int) -> None:
        document = self.picked(pick)
        if document is None:
            return
        known = self.model.documents[document]
        may = self.model.reads(person, document)
        try:
            self.office.forget_as(self.eyes(person), document)
        except DocumentNotFound:
            assert not may
            return
        assert may
        known.going = True

    @rule(pick=number, entries=st.none() | lists)
    def share(self, pick: int, entries: List | None) -> None:
        document = self.picked(pick)
        if document is None:
            return
        with self.office.databases.app.session(self.office.me.tenant) as session, suppress(DocumentNotFound):
            Sharing(session, self.office.me).share(document, None if entries is None else self.readers(entries))
            self.model.documents[document].own = entries

    @rule(collection=where, entries=lists)
    def share_collection(self, collection: int, entries: List) -> None:
        with self.office.databases.app.session(self.office.me.tenant) as session:
            Sharing(session, self.office.me).share_collection(self.collections[collection], self.readers(entries))
        self.model.collections[collection] = entries

    @rule(person=who, group=st.integers(0, GROUPS - 1), joins=st.booleans())
    def move(self, person: int, group: int, joins: bool) -> None:
        with self.office.databases.operator.session() as session:
            groups = Tenants(session).groups(self.office.me.tenant)
            (groups.add if joins else groups.remove)(self.groups[group], self.people[person])
        (self.model.members[group].add if joins else self.model.members[group].discard)(person)

    @rule()
    def work(self) -> None:
        self.office.work()
        with self.office.databases.app.session(self.office.me.tenant) as session:
            left = set(session.execute(select(DocumentRow.id)).scalars())
        self.model.documents = {key: known for key, known in self.model.documents.items() if key in left}
        self.model.names = {name: key for name, key in self.model.names.items() if key in left}

    @rule(rows=st.integers(1, 4))
    def project(self, rows: int) -> None:
        self.office.position = self.office.projection.apply(
            self.office.position, flips=True, until=self.office.position + rows
        ).seq

    @rule()
    def catch_up(self) -> None:
        self.office.project()

    @rule(person=who, query=st.sampled_from(QUERIES), limit=st.sampled_from((1, 3, 50)), within=st.none() | where)
    def search(self, person: int, query: str, limit: int, within: int | None) -> None:
        named = None if within is None else [str(self.collections[within])]
        eyes = self.eyes(person)
        try:
            hits = self.office.retrieval.find(eyes, query, Wish(limit, named)).passages
        except CollectionNotFound:
            assert within is not None
            assert not self.model.sees(person, within)
            return
        assert within is None or self.model.sees(person, within)
        allowed = self.served(person, query, within)
        found = [hit.chunk for hit in hits]
        assert len(found) == len(set(found))
        assert set(found) <= allowed, "a chunk that the rules deny"
        assert len(found) == min(limit, len(allowed)), "a chunk is missing that the rules allow"

    @invariant()
    def everyone_lists_what_they_may_read(self) -> None:
        if not hasattr(self, "people"):
            return
        for person in range(PEOPLE):
            with self.office.databases.app.session(self.office.me.tenant) as session:
                listed = Knowledge(session, self.eyes(person)).documents(None, 100).items
            assert {one.id for one in listed if one.state != "deleting"} == self.model.finds(person)

    def served(self, person: int, query: str, within: int | None) -> set[UUID]:
        """The chunks of served revisions of what the person finds; for words alone those that have the word."""
        may = self.model.finds(person)
        rows = select(ChunkRow.id, ChunkRow.document_id, ChunkRow.text).join(
            DocumentRow, DocumentRow.current_revision == ChunkRow.revision_id
        )
        with self.office.databases.app.session(self.office.me.tenant) as session:
            found = [row for row in session.execute(rows) if row.document_id in may]
        return {
            row.id
            for row in found
            if (query.isascii() or query in row.text)
            and (within is None or self.model.documents[row.document_id].collection == within)
        }

    def picked(self, pick: int) -> UUID | None:
        keys = sorted(self.model.documents)
        return keys[pick % len(keys)] if keys else None

    def readers(self, entries: List) -> Readers:
        everyone, groups, people = entries
        named = frozenset(self.groups[group] for group in groups), frozenset(self.people[one] for one in people)
        return Readers(everyone, *named)

    def eyes(self, person: int) -> Principal:
        with self.office.databases.app.session(self.office.me.tenant) as session:
            return viewing.viewed(session, self.office.me.tenant, self.people[person]).principal


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[EdgeVectors]:
    edge = EdgeVectors.create(tmp_path / "shard", DIMENSIONS)
    yield edge
    edge.close()


def lived(examples: int, part: int, given: tuple[Databases, Path, ParserHost, EdgeVectors]) -> None:
    """So many companies of so many steps."""

    @seed(SEED + part)
    class Drawn(Company):
        pass

    Drawn.given = given
    run_state_machine_as_test(
        Drawn,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )


@pytest.mark.repeated
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_rules_and_searches_agree_whatever_happened(
    part: int, databases: Databases, tmp_path: Path, parser: ParserHost, shard: EdgeVectors
) -> None:
    lived(40 if os.environ.get(WHOLE) else 6, part, (databases, tmp_path / "blobs", parser, shard))
