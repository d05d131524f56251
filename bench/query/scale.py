"""A search at a hundred thousand chunks, or a million: `bin/bench query --points N`.

Twenty tenants, one of half of all chunks, one of a thousandth; 50 groups, and askers who are in one, five and twenty of
them. The real path of a search but for the encoder, whose vector is given. The rows are written by COPY; the index then
makes itself from them, as it does after a loss, builds its graphs and goes live. Recall is of the dense leg as search
asks for it, against a look at every chunk that the asker may read.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import psycopg

from appliance.access.web import Databases
from appliance.drivers.encoder.port import About, Described
from appliance.drivers.postgres import Postgres
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.kit import clock
from appliance.kit.leash import family
from appliance.kit.priority import PROMPT, settle, slice_of
from appliance.kit.settings import Settings
from appliance.kit.wire import Client
from appliance.knowledge.access import Index
from appliance.knowledge.fusion import DEPTH
from appliance.knowledge.retrieval import Retrieval
from bench.query.rows import Best, Company, Floats, shares
from bench.query.stack import pools, stack, status, until
from bench.query.words import question
from bench.report import Figure

GROUPS: Final = (1, 5, 20)
QUESTIONS: Final = 200
"""For each asker; searches are twice as many, of which the first half warms up."""
P50, P99, RECALL = 10.0, 40.0, 0.98
PATIENCE: Final = 4 * 3600.0

Tell = Callable[[str], None]


class Given(Described):
    """Gives the vectors that it was given, one after the other."""

    def __init__(self, vectors: Floats) -> None:
        super().__init__(About("given", vectors.shape[1], frozenset({"en"}), 256))
        self._vectors = vectors
        self._at = 0

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> Floats:  # noqa: ARG002 - the port's
        """The next ones."""
        self._at += len(texts)
        return np.take(self._vectors, range(self._at - len(texts), self._at), axis=0, mode="wrap")

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Not asked for by a search."""
        raise NotImplementedError


@dataclass
class Measured:
    """Milliseconds by tenant and part, recall by tenant, and what else is told."""

    times: dict[str, list[float]] = field(default_factory=dict)
    recall: dict[str, list[float]] = field(default_factory=dict)
    told: dict[str, tuple[float, str]] = field(default_factory=dict)


def measure(points: int, tell: Tell) -> Measured:
    """All of it."""
    companies = [Company(share, max(round(points * share), 50), number) for number, share in enumerate(shares())]
    looked_at = {"the largest tenant": companies[0], "one between": companies[len(companies) // 2]}
    looked_at["the smallest tenant"] = companies[-1]
    for company in looked_at.values():
        company.best = [Best(company.member(groups), company.questions(QUESTIONS)) for groups in GROUPS]
    found, begun = Measured(), clock.monotonic()

    def fill(settings: Settings) -> None:
        tell(f"writing {sum(one.size for one in companies)} chunks of {len(companies)} tenants")
        with psycopg.connect(Postgres(settings.layout).address(), dbname=settings.database.name) as connection:
            for company in companies:
                company.write(connection)
            connection.autocommit = True
            connection.execute("vacuum analyze")  # as PostgreSQL does by itself within minutes
        found.told["rows written"] = (clock.monotonic() - begun, "s")

    with stack(None, fill) as settings:
        tell("the index makes itself from them")
        line, began = Client(settings.layout.index_socket), clock.monotonic()
        until("the index", lambda: status(line).get("state") == "live", PATIENCE)
        found.told["index made and graphs built"] = (clock.monotonic() - began, "s")
        slice_of(0, PROMPT)  # as web has it
        databases = pools(settings)
        for name, company in looked_at.items():
            tell(f"searching {name}, {company.size} chunks")
            _look(settings, databases, name, company, found)
        found.told["memory of the index, PSS"] = (_memory("index_shard"), "MiB")
        found.told["its files"] = (_size(settings.layout.index), "MiB")
        databases.app.close()
        databases.operator.close()
        databases.system.close()
    return found


def _look(settings: Settings, databases: Databases, name: str, company: Company, found: Measured) -> None:
    vectors = RemoteVectors(Client(settings.layout.index_socket))
    index = Index(vectors)
    for best in company.best:
        retrieval = Retrieval(databases.app, index, Given(best.asked))
        settle()
        for number in range(2 * QUESTIONS):
            answer = retrieval.find(best.principal, question(company.words))
            if len(answer.passages) < min(10, best.readable) or set(answer.legs) != {"sparse", "dense"}:
                raise RuntimeError(f"{len(answer.passages)} passages by {answer.legs}")
            if number >= QUESTIONS:
                spent = answer.timings
                each = {"vector query": spent.vectors_ms, "access check": spent.access_ms}
                each["all but encode"] = spent.total_ms - spent.encode_ms
                for part, value in each.items():
                    found.times.setdefault(f"{name}, {part}", []).append(value)
        found.recall.setdefault(name, []).extend(_recalled(index, best))


def _recalled(index: Index, best: Best) -> Iterator[float]:
    for vector, exact in zip(best.asked, best.ids, strict=True):
        hits = index.search(best.principal, vector, None, DEPTH).dense[:10]
        if best.readable:
            yield len({hit.id.bytes for hit in hits} & set(exact)) / min(10, best.readable)


def _memory(module: str) -> float:
    """MiB of a process of ours, what it shares with others shared out."""
    for pid in family(os.getpid()):
        place = Path(f"/proc/{pid}")
        with suppress(OSError):
            if module in (place / "cmdline").read_text():
                lines = (place / "smaps_rollup").read_text().splitlines()
                return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
    return 0.0


def _size(directory: Path) -> float:
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file()) / 2**20


def figures(found: Measured) -> list[Figure]:
    """Each part of each tenant, recall, and the rest; limits where there are some."""
    rows = []
    for name, values in found.times.items():
        p50, p99 = (float(one) for one in np.percentile(values, [50, 99]))
        held = name.endswith("all but encode")
        rows.append(_held(f"{name} p50", p50, P50) if held else Figure(f"{name} p50", p50, unit="ms"))
        rows.append(_held(f"{name} p99", p99, P99) if held else Figure(f"{name} p99", p99, unit="ms"))
    for name, shares_found in found.recall.items():
        recall = float(np.mean(shares_found))
        rows.append(Figure(f"{name}, recall@10", recall, None, "", f">= {RECALL:g}", recall >= RECALL))
    return [*rows, *(Figure(name, value, None, unit) for name, (value, unit) in found.told.items())]


def _held(name: str, value: float, limit: float) -> Figure:
    return Figure(name, value, limit, "ms, limit", f"<= {limit:g} ms", value <= limit)
