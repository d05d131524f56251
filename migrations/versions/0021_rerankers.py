"""A model version may be a reranker: a cross-encoder that scores a question with a passage.

Revision: 0021, after 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Let the kind in."""
    _allow("'language', 'encoder', 'reranker'")


def downgrade() -> None:
    """Take it away, with the versions that have it."""
    op.execute("delete from model_versions where kind = 'reranker'")
    _allow("'language', 'encoder'")


def _allow(kinds: str) -> None:
    name = op.f("ck_model_versions_kind")
    op.drop_constraint(name, "model_versions", type_="check")
    op.create_check_constraint(name, "model_versions", f"kind in ({kinds})")
