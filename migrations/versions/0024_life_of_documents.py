"""A document remembers its states, and may be under a legal hold.

Revision: 0024, after 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"

REMEMBER = """
create function document_remembers() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.state = old.state and new.reason_code is not distinct from old.reason_code then
        return new;
    end if;
    if jsonb_array_length(new.history) >= 100 then
        new.history := new.history - 0;
    end if;
    new.history := new.history || jsonb_build_object(
        'state', new.state,
        'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'reason_code', new.reason_code,
        'reason', new.reason
    );
    return new;
end $$
"""


def upgrade() -> None:
    """Add the columns; what was before nobody remembers."""
    empty = sa.text("'[]'::jsonb")
    history: sa.Column[list[object]] = sa.Column(
        "history", postgresql.JSONB(astext_type=sa.Text()), server_default=empty, nullable=False
    )
    op.add_column("documents", history)
    op.add_column("documents", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("documents", sa.Column("held_by", sa.Uuid(), nullable=True))
    op.add_column("documents", sa.Column("hold_reason", sa.String(), nullable=True))
    op.execute(REMEMBER)
    op.execute(
        "create trigger documents_remember before insert or update of state, reason_code on documents "
        "for each row execute function document_remembers()"
    )


def downgrade() -> None:
    """Take them away."""
    op.execute("drop trigger documents_remember on documents")
    op.execute("drop function document_remembers()")
    for column in ("hold_reason", "held_by", "held_at", "history"):
        op.drop_column("documents", column)
