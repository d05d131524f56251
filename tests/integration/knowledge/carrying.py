"""What tests of archives do with an office's collections."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

from sqlalchemy import select, text

from appliance.access.principal import Principal, Role
from appliance.jobs.job import Job
from appliance.kit.ids import uuid7
from appliance.knowledge import importing
from appliance.knowledge.exporting import Exporting
from appliance.knowledge.tables import CollectionRow, DocumentRow
from tests.integration.knowledge.office import Office


def admin(office: Office) -> Principal:
    return replace(office.me, role=Role.TENANT_ADMIN)


def group(office: Office, name: str) -> UUID:
    made = {"id": uuid7(), "tenant": office.me.tenant, "name": name}
    with office.databases.operator.session() as session:
        session.execute(text("insert into groups (id, tenant_id, name) values (:id, :tenant, :name)"), made)
    return UUID(str(made["id"]))


def user(office: Office, login: str) -> UUID:
    made = {"id": uuid7(), "tenant": office.me.tenant, "login": login}
    insert = "insert into users (id, tenant_id, login, name, role) values (:id, :tenant, :login, :login, 'member')"
    with office.databases.operator.session() as session:
        session.execute(text(insert), made)
    return UUID(str(made["id"]))


def exported(office: Office, who: Principal | None = None, *, texts: bool = False) -> bytes:
    exporting = Exporting(who or admin(office), texts=texts)
    with office.databases.app.session(office.me.tenant) as session:
        head = exporting.begin(session, office.collection)
    return b"".join(exporting.archive(office.databases.app, office.blobs, head))


def ask(office: Office, raw: bytes, name: str | None = None, who: Principal | None = None) -> UUID:
    with office.databases.app.session(office.me.tenant) as session:
        return importing.ask(session, who or admin(office), io.BytesIO(raw), name, office.shelf)


def imported(office: Office, raw: bytes, name: str | None = None, who: Principal | None = None) -> Job:
    job = ask(office, raw, name, who)
    office.settle()
    return office.job(job)


def rows(office: Office, collection: UUID) -> dict[str, DocumentRow]:
    with office.databases.app.session(office.me.tenant) as session:
        found = session.execute(select(DocumentRow).where(DocumentRow.collection_id == collection)).scalars()
        return {row.name: row for row in found}


def collections(office: Office) -> set[str]:
    with office.databases.app.session(office.me.tenant) as session:
        return set(session.execute(select(CollectionRow.name)).scalars())


def waiting(office: Office) -> list[Path]:
    """Archives that are kept for a job."""
    return list(office.shelf.root.glob("*/*"))


def told(raw: bytes) -> tuple[dict[str, Any], dict[str, dict[str, Any]], set[str]]:
    """Manifest, lines by name, names of files."""
    with ZipFile(io.BytesIO(raw)) as archive:
        lines = [json.loads(line) for line in archive.read("documents.jsonl").splitlines()]
        return json.loads(archive.read("manifest.json")), {one["name"]: one for one in lines}, set(archive.namelist())
