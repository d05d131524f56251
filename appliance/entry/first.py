"""The step between PostgreSQL and everything else: roles, schema, and at the very first start an operator.

A process of its own, so that ``up`` need not load the database libraries. It tells ``up`` the one-time sign-in over a
pipe (standard output): the log must not know it. It may be killed at any point and run again.
"""

import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL

from appliance.drivers import postgres
from appliance.entry import connections, schema, up_probes
from appliance.entry.begin import READY
from appliance.kit import log
from appliance.kit.database import Database, Login, address
from appliance.kit.errors import ApplianceError, Conflict
from appliance.kit.layout import Layout
from appliance.kit.settings import Settings, load
from appliance.serving import bootstrap as serving
from appliance.tenants import bootstrap
from appliance.tenants.errors import UserNotFound

CLI = "cli.json"
_logger = log.get(__name__)


class NewerSchema(Conflict):
    """The database was migrated by a newer version."""

    code = "newer_schema"
    advice = "Start the newer version, or restore a backup that this one made."


def secret(path: Path) -> str:
    """The secret in this file, made when there is none; whole or not there, and 0600 from the beginning."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def write_secret(path: Path, text: str) -> None:
    """Write a file of mode 0600, replacing a former one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def passwords(layout: Layout) -> dict[Login, str]:
    """The four logins' passwords, random, in ``secrets/``."""
    return {login: secret(layout.secret(f"postgres-{login}")) for login in schema.LOGINS}


def superuser(layout: Layout) -> URL:
    """As the embedded server's superuser, who makes roles and the database and does nothing else."""
    return URL.create(
        "postgresql+psycopg",
        username=postgres.SUPERUSER,
        password=layout.secret("postgres-superuser").read_text(encoding="utf-8").strip(),
        port=postgres.PORT,
        database="postgres",
        query={"host": (layout.run / "postgres.host").read_text(encoding="utf-8").strip()},
    )


def prepare(settings: Settings) -> str | None:
    """Bring roles and schema up to date; the operator's one-time sign-in when this was the very first start.

    Raises :class:`NewerSchema` before anything is changed, ``TooManyConnections`` before anything else starts.
    """
    layout = settings.layout
    schema.create_roles(superuser(layout), passwords(layout), settings.database.name)
    owner = address(settings, "owner")
    found = schema.current(owner)
    if found is not None and not schema.known(found):
        raise NewerSchema(f"The database is at revision {found}, which this version does not know.")
    if found != schema.head():
        from appliance.entry import migrating  # noqa: PLC0415 - most starts migrate nothing, and all wait for this process

        migrating.upgrade(owner)
    operator = Database.of(settings, "operator")
    try:
        connections.check(settings, operator)
        models(settings, operator)
        return first_operator(settings, operator)
    finally:
        operator.close()


def models(settings: Settings, operator: Database) -> None:
    """Register the models of the store and their deployment. Without them answers are quoted and search is sparse."""
    try:
        with operator.session() as session:
            serving.ensure(session, settings)
    except ApplianceError as error:
        _logger.warning("the models cannot be used", reason=error.detail, advice=error.advice)


def kept(file: Path) -> str | None:
    """The CLI's key of a former start."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads(file.read_text(encoding="utf-8"))["key"])
    return None


def first_operator(settings: Settings, operator: Database) -> str | None:
    """Make the operator when there is none, and keep a key for the CLI of this machine in ``secrets/cli.json``."""
    file = settings.layout.secret(CLI)
    try:
        with operator.session() as session:
            made = bootstrap.first_start(session)
            key = made.cli_key if made else kept(file) or bootstrap.new_cli_key(session)
            write_secret(file, json.dumps({"url": up_probes.address(settings.web), "key": key}))
    except UserNotFound:
        _logger.warning("no operator of the first start is left: make a CLI key with 'appliance login'")
        return None
    return made.sign_in if made else None


def main() -> int:
    """Run as a process; exit code 1 with the reason in the log."""
    settings = load()
    log.configure("schema", settings.log_level)
    try:
        sign_in = prepare(settings)
    except ApplianceError as error:
        _logger.critical("cannot start", reason=error.detail, advice=error.advice)
        return 1
    (settings.layout.run / READY).touch()
    os.write(1, json.dumps({"sign_in": sign_in}).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
