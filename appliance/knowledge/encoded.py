"""How much of the index is of another encoder than questions are: found by words alone until it is read again."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.knowledge.tables import DocumentRow, RevisionRow


def by_others(session: Session, encoder: str) -> int:
    """How many passages of current revisions name another encoder than ``encoder`` (its name with digest).

    A revision that names none is taken as it is, as the index does.
    """
    query = (
        select(func.sum(RevisionRow.chunk_count))
        .join(DocumentRow, DocumentRow.current_revision == RevisionRow.id)
        .where(RevisionRow.encoder != encoder)
    )
    return session.execute(query).scalar_one() or 0
