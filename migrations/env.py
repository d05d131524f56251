"""Alembic's environment: online only, as the owner, with lock and statement timeouts."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from appliance.entry.gathering import load_tables
from appliance.kit.database import Base

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def run(connection: Connection) -> None:
    """Run the migrations, each in its own transaction."""
    connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


load_tables()
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    address = context.config.get_main_option("sqlalchemy.url")
    with create_engine(str(address), poolclass=pool.NullPool).connect() as own:
        run(own)
