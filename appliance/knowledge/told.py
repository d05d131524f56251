"""Which jobs are about a document that somebody may read: they are told of its reading and its deletion."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Uuid, case, cast, exists
from sqlalchemy.orm import InstrumentedAttribute

from appliance.knowledge.documents import FORGET, INGEST
from appliance.knowledge.repository import read_by
from appliance.knowledge.tables import DocumentRow

OF_A_DOCUMENT: Final = (INGEST, FORGET)
"""Kinds whose ``args`` name a document."""


def about_readable(
    kind: InstrumentedAttribute[str], args: InstrumentedAttribute[Mapping[str, Any]], readers: frozenset[str]
) -> ColumnElement[bool]:
    """Fills ``jobs.sight.Readable``. The case keeps what other kinds call a document from being cast."""
    named = case((kind.in_(OF_A_DOCUMENT), cast(args["document"].astext, Uuid)), else_=None)
    return exists().where(DocumentRow.id == named, read_by(DocumentRow.readers, readers))
