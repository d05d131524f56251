"""Every table with a tenant has its rows fenced: a table that was forgotten would show every tenant's rows to each."""

from alembic.script import ScriptDirectory

from appliance.entry.forgetting import ELSEWHERE, ROWS
from appliance.entry.migrating import configuration
from appliance.entry.schema import head, revisions
from appliance.kit.database import Base
from migrations.policies import KEPT, RULES
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


def test_revisions_are_told_without_alembic() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert revisions() == {script.revision: script.down_revision for script in scripts.walk_revisions()}
    assert head() == scripts.get_current_head()


def test_every_table_with_a_tenant_is_forgotten_with_it() -> None:
    """What a deletion does not know of would stay behind, and the certificate would say that all is gone."""
    import_all("tables")
    theirs = {name for name, table in Base.metadata.tables.items() if "tenant_id" in table.columns}
    known = {*ROWS, *ELSEWHERE, *KEPT}
    assert not theirs - known, (
        f"{sorted(theirs - known)}: put the name into ROWS of appliance/entry/forgetting.py, before the tables that it "
        "refers to; or, with a reason, into KEPT of migrations/policies.py"
    )
    assert not known - theirs, f"{sorted(known - theirs)}: there is no such table any more"
    assert len(ROWS) == len(set(ROWS))


def test_a_deletion_empties_tables_before_those_that_they_refer_to() -> None:
    import_all("tables")
    place = {name: number for number, name in enumerate(ROWS)}
    wrong = [
        f"{name} after {key.referred_table.name}"
        for name in ROWS
        for key in Base.metadata.tables[name].foreign_key_constraints
        if place.get(key.referred_table.name, len(ROWS)) < place[name]
    ]
    assert not wrong
