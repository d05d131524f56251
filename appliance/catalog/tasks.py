"""The slice's kinds of jobs: translation only."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy.orm import Session

from appliance.catalog import importing, placing, pulling
from appliance.catalog.importing import Import, Policy, Tools
from appliance.jobs.job import Ended
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings


def tools(settings: Settings) -> Tools:
    """What the jobs work with. Registering a version is the operator login's act: a connection is made for it alone."""

    @contextmanager
    def operator() -> Iterator[Session]:
        with closing(Database(address(settings, "operator"), pool_size=1)) as database, database.session() as session:
            yield session

    catalog = settings.catalog
    trusted = tuple(sorted(catalog.trusted_keys.glob("*.pem"))) if catalog.trusted_keys else ()
    return Tools(settings.model_store, Policy(trusted, catalog.unsigned == "allow"), operator)


def register(registry: Registry, configured: Callable[[], Settings]) -> None:
    """Add import and pull."""

    def bring(run: Run) -> Mapping[str, Any]:
        return Import(run, tools(configured()))()

    def pull(run: Run) -> Mapping[str, Any]:
        return pulling.pull(run, tools(configured()))

    def over(session: Session, ended: Ended) -> None:
        """Nothing of it stays but a version that has a row."""
        store = configured().model_store
        placing.clear(session, importing.workplace(store, ended.job), store)

    registry.add(importing.IMPORT, bring, ended=over)
    registry.add(pulling.PULL, pull)
