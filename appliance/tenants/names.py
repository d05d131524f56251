"""Names that must be free: the look before is for the sentence, the unique index for two who come at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.tenants.errors import NameTaken


@contextmanager
def taken_once(session: Session, name: str) -> Iterator[None]:
    """Write what is done inside; :class:`NameTaken` when somebody else was quicker."""
    try:
        yield
        session.flush()
    except IntegrityError as error:
        raise NameTaken.about(name) from error
