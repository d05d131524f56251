"""Every table with a tenant has its rows fenced: a table that was forgotten would show every tenant's rows to each."""

from alembic.script import ScriptDirectory

from appliance.entry.schema import configuration
from appliance.kit.database import Base
from migrations.policies import RULES
from tests.rules.modules import import_all


def test_every_table_has_its_rules_and_every_rule_its_table() -> None:
    import_all("tables")
    assert set(Base.metadata.tables) == set(RULES)


def test_every_table_with_a_tenant_is_fenced_by_it() -> None:
    import_all("tables")
    open_tables = {
        name
        for name, table in Base.metadata.tables.items()
        if "tenant_id" in table.columns and RULES[name].tenant_column != "tenant_id"
    }
    assert not open_tables


def test_migrations_have_one_head() -> None:
    assert len(ScriptDirectory.from_config(configuration()).get_heads()) == 1
