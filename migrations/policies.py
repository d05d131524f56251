"""Who may touch which rows and columns: every role, policy and column grant of the database in this one file.

Roles: ``owner`` owns the schema and runs migrations only; ``app`` serves one tenant at a time, named by
``app.tenant_id``; ``operator`` administers the appliance; ``system`` looks up credentials, sweeps, projects and drains.
None is a superuser or has BYPASSRLS. Row-level security is forced on every tenant table, so a query of ``app`` that
forgot its filter, or forgot to set the tenant, finds nothing.

A grant is written ``"select"``, ``"insert"``, ``"delete"``, ``"update"`` or ``"update(column, …)"``.
"""

from dataclasses import dataclass, field

OWNER, APP, OPERATOR, SYSTEM = (f"appliance_{name}" for name in ("owner", "app", "operator", "system"))

# On a connection used before, an unset value reads as '' and not as null; a plain cast would raise.
CURRENT_TENANT = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"

ALL = ("select", "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Rules:
    """The grants of one table. ``tenant_column`` None: a table of the appliance, without row security."""

    tenant_column: str | None
    app: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", {APP: self.app, OPERATOR: self.operator, SYSTEM: self.system})


def _tenant(app: tuple[str, ...], operator: tuple[str, ...] = (), system: tuple[str, ...] = ()) -> Rules:
    return Rules("tenant_id", app, operator, system)


RULES: dict[str, Rules] = {
    # tenants
    "tenants": Rules("id", ("select",), ("select", "insert", "update(name, state)"), ("select",)),
    "tenant_deletions": Rules(None, (), ("select", "insert", "update"), ("select", "update")),
    "tenant_exports": _tenant(
        ("select", "insert"), ("select", "insert"), ("select", "update(bytes, sha256)", "delete")
    ),
    "users": _tenant(
        ("select", "insert", "update(name, role, state, password_hash)"),
        ("select", "insert", "update(name, role, state, password_hash)"),
        ("select", "update(password_hash)"),
    ),
    "api_keys": _tenant(
        ("select", "insert", "update(name, expires_at, revoked_at)"),
        ("select", "insert", "update(name, expires_at, revoked_at)"),
        ("select", "insert", "update(last_used_at)"),
    ),
    "groups": _tenant(ALL, ALL, ("select",)),
    "group_members": _tenant(ALL, ALL, ("select",)),
    "user_sessions": _tenant(
        ("select", "insert", "update(revoked_at)"),
        ("select", "insert", "update(revoked_at)"),
        ("select", "insert", "update(seen_at, revoked_at)", "delete"),
    ),
    "second_factors": _tenant(
        ("select", "insert", "delete", "update(secret, recovery, last_step, confirmed_at)"),
        ("select", "insert", "delete", "update(secret, recovery, last_step, confirmed_at)"),
        ("select", "delete", "update(recovery, last_step)"),
    ),
    "invitations": _tenant(
        ("select", "insert", "update(hash, expires_at, mail_state, accepted_at, revoked_at, user_id)"),
        ("select", "insert", "update(hash, expires_at, mail_state, revoked_at)"),
        ("select", "delete"),
    ),
    "sign_in_counts": Rules(None, (), (), ALL),
    "sign_ins": _tenant((), ("select", "insert", "delete"), ("select", "update(used_at)")),
    "idempotency_keys": _tenant(
        ("select", "insert", "update(status, body)"),
        ("select", "insert", "update(status, body)"),
        ("select", "delete"),
    ),
    "directories": _tenant(ALL, ALL, ("select",)),
    "directory_links": _tenant(ALL, ALL, ("select",)),
    # jobs
    "jobs": _tenant(ALL, ("select", "insert", "update(cancel_requested)"), ("select", "update", "delete")),
    "job_events": _tenant(("select", "insert"), ("select", "insert"), ("select", "insert", "delete")),
    # audit and usage: written, never changed
    "audit_entries": _tenant(("insert",), ("select", "insert"), ("select", "insert")),
    "audit_waiting": Rules(None, (), ("select",), ("select", "delete")),
    "audit_chain": Rules(None, (), ("select",), ("select", "insert")),
    "audit_heads": Rules(None, (), ("select",), ("select", "insert")),
    "usage_records": _tenant(("select",), ("select",), ("select", "insert", "delete")),
    "quotas": _tenant(ALL, ALL, ("select",)),
    "quota_windows": _tenant(("select",), ("select",), ALL),
    "quota_leases": _tenant(("select",), ("select",), ALL),
    "quota_stock": _tenant(ALL, ("select",)),
    "quota_stock_sums": _tenant(ALL, ("select",)),
    "usage_hours": _tenant(("select",), ("select",), ALL),
    # licensing: files are kept as they came; the clock has one row
    "licence_files": Rules(None, (), ("select", "insert"), ("select",)),
    "revocation_files": Rules(None, (), ("select", "insert"), ("select",)),
    "licence_clock": Rules(None, (), ("select", "insert", "update"), ("select", "insert", "update")),
    # knowledge
    "collections": _tenant(ALL),
    "documents": _tenant(
        ALL, (), ("select", "update(state, reason_code, reason, current_revision, projected_readers, updated_at)")
    ),
    "batches": _tenant(("select", "insert", "update(unchanged, ended_at)"), (), ("select", "delete")),
    "retention_runs": _tenant(("select", "insert", "update")),
    "revisions": _tenant(ALL, (), ("select",)),
    "chunks": _tenant(ALL, (), ("select", "delete")),
    "term_statistics": _tenant(ALL, (), ("select", "update", "delete")),
    "corpus_statistics": _tenant(ALL, (), ("select", "update")),
    "glossary_terms": _tenant(ALL),
    "index_outbox": _tenant(("select", "insert"), (), ("select", "insert", "delete")),
    "index_marks": Rules(None, (), ("select",), ALL),
    "sources": _tenant(ALL, (), ("select", "update(due_at, touched_at)")),
    "source_items": _tenant(ALL),
    "source_log": _tenant(ALL, (), ("select", "delete")),
    # chat
    "conversations": _tenant(ALL),
    "messages": _tenant(ALL, (), ("select", "update(state, finished_at)")),
    "citations": _tenant(ALL),
    # catalogue and serving: of the appliance, not of a tenant
    "model_versions": Rules(None, ("select",), ALL, ("select", "update(state, reason, verified_at)")),
    "deployments": Rules(
        None, ("select",), ALL, ("select", "update(actual, reason, pid, restarts, actual_since, seen_at)")
    ),
    "replicas": Rules(None, ("select",), ("select",), ALL),
    "adapters": _tenant(
        ("select", "insert", "delete", "update(state, reason, verified_at)"),
        ("select", "insert", "delete", "update(state, reason, verified_at)"),
        ("select", "delete", "update(state, reason, verified_at)"),
    ),
    "routes": Rules(None, ("select",), ALL, ("select",)),
    "route_tenants": _tenant(("select",), ALL, ("select", "delete")),
}

PEOPLE = (
    f"grant update (settings, version) on tenants to {OPERATOR}",
    f"grant update (version) on users to {APP}, {OPERATOR}",
)
"""Grants on columns that 0007 adds: the rules above are put into force by 0001, which does not know them yet."""

DIRECTORY_SYNC = (f"grant insert on jobs to {SYSTEM}", f"grant update (due_at) on directories to {SYSTEM}")
"""The sweep asks for syncs that are due; 0018 grants it."""
DIRECTORY = (f"grant update (login) on users to {APP}, {OPERATOR}",)
"""A directory renames people; 0011 grants it."""
ENDING = (
    f"grant update (name, state, settings, version) on tenants to {SYSTEM}",
    f"grant insert on jobs, job_events to {OPERATOR}",
)
"""What the deletion of a tenant adds: the system login leaves a tombstone, the operator's login asks for the job."""

KEPT: dict[str, str] = {
    "audit_entries": "the chain proves that no entry is missing; entries hold no content and no secrets",
}
"""Tenant tables whose rows outlive their tenant, each with its reason. All others are emptied by its deletion."""


_FLIPPED = "deployment_id, adapter_id, next_deployment_id, next_adapter_id, canary_deployment_id, canary_adapter_id"
SERVING = (f"grant update ({_FLIPPED}, canary_percent, former, version) on routes to {SYSTEM}",)
"""What the engine host changes in a route when it flips; grants on columns that the serving migration adds."""

USAGE = (
    f"grant delete on usage_records to {SYSTEM}",
    f"grant update (rolled) on usage_records to {SYSTEM}",
)
"""Grants that 0010 adds: the second on a column that the rules above do not know yet when 0001 puts them into force."""

ACCESS = (f"grant update (access_changed_at) on documents to {SYSTEM}",)
"""The projector says that the index knows of a change of access; 0023 grants it."""

RETENTION = (
    f"grant select (retention, retained_at) on collections to {SYSTEM}",
    f"grant update (retained_at) on collections to {SYSTEM}",
)
"""The sweep asks once a day for what a collection's rule says is due; 0030 grants it."""

STOPPING = (f"grant update (cancel_requested) on jobs to {OPERATOR}",)
"""An operator who suspends somebody ends their jobs, and sees nothing of them."""


def _policies(table: str, rules: Rules) -> list[str]:
    rows = f"{rules.tenant_column} = {CURRENT_TENANT}"
    statements = [f"alter table {table} enable row level security", f"alter table {table} force row level security"]
    if rules.app:
        statements.append(f"create policy {table}_app on {table} for all to {APP} using ({rows}) with check ({rows})")
    statements += [
        f"create policy {table}_{name} on {table} for all to {role} using (true) with check (true)"
        for name, role in (("operator", OPERATOR), ("system", SYSTEM))
        if rules.roles[role]
    ]
    return statements


def statements(table: str) -> list[str]:
    """The DDL that puts this table's rules into force."""
    rules = RULES[table]
    grants = [f"grant {verb} on {table} to {role}" for role, verbs in rules.roles.items() for verb in verbs]
    grants = [grant.replace("update(", "update (") for grant in grants]
    return grants + (_policies(table, rules) if rules.tenant_column else []) + forgettable(table)


_KEYS_READABLE = """
do $$ declare names text; begin
select string_agg(distinct quote_ident(attname), ', ') into names from pg_attribute
where attrelid = '{table}'::regclass and (attname = 'tenant_id' or attnum = any(
    (select indkey from pg_index where indrelid = '{table}'::regclass and indisprimary)::smallint[]));
execute format('grant select (%s) on {table} to {role}', names);
end $$
"""
"""Who deletes must see which rows are whose, and tell which went: the columns of the key, and none with content."""


def forgettable(table: str) -> list[str]:
    """The DDL that lets the system login empty a tenant table, of tenants that are being deleted only.

    Where that login deletes for other reasons too (ended jobs, chunks …) nothing fences it. Harmless to repeat.
    """
    rules = RULES[table]
    if rules.tenant_column != "tenant_id" or table in KEPT:
        return []
    ending = "tenant_id in (select id from tenants where state in ('deleting', 'deleted'))"
    statements = [
        f"grant delete on {table} to {SYSTEM}",
        _KEYS_READABLE.format(table=table, role=SYSTEM),
        f"drop policy if exists {table}_system on {table}",
        f"create policy {table}_system on {table} for all to {SYSTEM} using (true) with check (true)",
        f"drop policy if exists {table}_ending on {table}",
    ]
    if "delete" not in rules.system:
        statements.append(
            f"create policy {table}_ending on {table} as restrictive for delete to {SYSTEM} using ({ending})"
        )
    return statements


SEQUENCES = f"grant usage on all sequences in schema public to {APP}, {OPERATOR}, {SYSTEM}"


def schema_statements() -> list[str]:
    """What holds for the schema as a whole: nobody creates in it but the owner, sequences are usable."""
    roles = f"{APP}, {OPERATOR}, {SYSTEM}"
    return [
        "revoke create on schema public from public",
        f"grant usage on schema public to {roles}",
        SEQUENCES,
        f"grant select on alembic_version to {roles}",
    ]
