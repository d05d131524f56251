"""The job that writes an export: rows as JSON lines, the tenant's files, and a manifest with the SHA-256 of each.

Rows come by the app login scoped to the tenant, so row security stands behind the queries. The archive is written
beside its place and renamed: it is whole or not there. Whoever takes a killed job over begins anew.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.kit.archives import PIECE, Writing
from appliance.kit.database import Base, Database
from appliance.tenants.exports import EXPORT, place
from appliance.tenants.tables import TenantExportRow

FORMAT = "appliance tenant export v1"
_AT_ONCE = 500
Line = Mapping[str, object]


class Files(Protocol):
    """A tenant's files of one kind, such as originals. They are content."""

    def listed(self, tenant: UUID) -> list[str]:
        """Their names: digests or ids."""
        ...

    def local(self, tenant: UUID, name: str, /) -> AbstractContextManager[Path]:
        """One of them, for reading."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One file of JSON lines. ``content``: who may not have content does not get it."""

    name: str
    lines: Callable[[Session, UUID], Iterable[Line]]
    content: bool = False


@dataclass(frozen=True, slots=True)
class Tools:
    """What an export works with; ``entry`` fills it. ``log`` reads the audit record, which the app login may not.

    ``files``: by the directory of the archive that they are put into.
    """

    app: Database
    system: Database
    parts: tuple[Part, ...]
    log: Part
    files: Mapping[str, Files]
    root: Path


def table(name: str, columns: tuple[str, ...], *, content: bool = False) -> Part:
    """The rows of a table with these columns: what is not named, such as a secret, is not in it."""
    return Part(name, lambda session, tenant: _rows(session, tenant, name, columns), content)


def _rows(session: Session, tenant: UUID, name: str, columns: tuple[str, ...]) -> Iterator[Line]:
    source = Base.metadata.tables[name]
    whose = source.c.id if name == "tenants" else source.c.tenant_id
    query = select(*(source.c[column] for column in columns)).where(whose == tenant)
    query = query.order_by(*source.primary_key.columns).execution_options(yield_per=_AT_ONCE)
    for row in session.execute(query):
        yield dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it, and public


class Exporting:
    """One run of the job."""

    def __init__(self, run: Run, tools: Tools) -> None:
        self._run, self._tools = run, tools
        self._tenant, self._export = UUID(str(run.args["tenant"])), UUID(str(run.args["export"]))

    def __call__(self) -> Mapping[str, Any]:
        """Write it. The result tells its size."""
        with self._tools.system.session() as session:
            row = session.get(TenantExportRow, self._export)
            if row is None:  # the tenant or the time is over
                return {}
            content = row.content
        target = place(self._tools.root, self._tenant, self._export)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
                files = self._write(Writing(archive), content=content)
            file.flush()
            os.fsync(file.fileno())
        digest, size = _digest(part), part.stat().st_size
        part.replace(target)
        with self._tools.system.session() as session:
            done = update(TenantExportRow).where(TenantExportRow.id == self._export)
            session.execute(done.values(bytes=size, sha256=digest))
        return {"bytes": size, "files": files}

    def _write(self, archive: Writing, *, content: bool) -> int:
        wanted = [each for each in self._tools.parts if content or not each.content]
        kinds = self._tools.files.items() if content else ()
        files = [(kind, source, name) for kind, source in kinds for name in source.listed(self._tenant)]
        total = len(wanted) + 1 + len(files)
        for done, each in enumerate(wanted):
            self._run.progress(done, total, each.name)
            with self._tools.app.session(self._tenant) as session:
                self._lines(archive, each, session)
        with self._tools.system.session() as session:
            self._lines(archive, self._tools.log, session)
        for done, (kind, source, name) in enumerate(files, len(wanted) + 1):
            self._run.progress(done, total, kind)
            with source.local(self._tenant, name) as path:
                self._file(archive, f"{kind}/{name}", path)
        archive.close({"format": FORMAT, "tenant": str(self._tenant), "content": content})
        return len(archive.listed)

    def _lines(self, archive: Writing, part: Part, session: Session) -> None:
        with archive.member(f"{part.name}.jsonl") as write:
            for line in part.lines(session, self._tenant):
                write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")

    def _file(self, archive: Writing, name: str, path: Path) -> None:
        with path.open("rb") as source, archive.member(name, ZIP_STORED) as write:
            while piece := source.read(PIECE):
                self._run.check()
                write(piece)


@dataclass(frozen=True, slots=True)
class Archives:
    """The archives of a tenant, for its deletion."""

    root: Path
    kind: str = "exports"

    def names(self, tenant: UUID) -> Iterator[str]:
        """Ids of exports, and what a killed job has left of one."""
        return iter(sorted(path.name for path in (self.root / str(tenant)).glob("*")))

    def remove(self, tenant: UUID) -> None:
        """All of them."""
        for path in (self.root / str(tenant)).glob("*"):
            path.unlink(missing_ok=True)
        if (self.root / str(tenant)).is_dir():
            (self.root / str(tenant)).rmdir()


def register(registry: Registry, workbench: Callable[[], AbstractContextManager[Tools]]) -> None:
    """Add the job. ``workbench`` opens what it works with when it runs, and closes it after."""

    def export(run: Run) -> Mapping[str, Any]:
        with workbench() as tools:
            return Exporting(run, tools)()

    registry.add(EXPORT, export)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
