"""The schema taken up and down by Alembic, as the owner."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, create_engine, pool

from appliance.entry.schema import MIGRATIONS


def configuration() -> Config:
    """Alembic's configuration; there is no ini file to keep in step."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("prepend_sys_path", str(MIGRATIONS.parent))
    return config


def upgrade(owner: URL | str, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    _with_connection(owner, lambda config: command.upgrade(config, revision))


def downgrade(owner: URL | str, revision: str) -> None:
    """Take the schema back to a revision (``base``: nothing)."""
    _with_connection(owner, lambda config: command.downgrade(config, revision))


def check(owner: URL | str) -> None:
    """Raise when the tables in code and in the database differ."""
    _with_connection(owner, command.check)


def _with_connection(owner: URL | str, act: Callable[[Config], object]) -> None:
    engine = create_engine(owner, poolclass=pool.NullPool)
    with engine.connect() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        act(config)
