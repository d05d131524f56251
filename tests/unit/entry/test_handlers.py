"""What is done seldom is done seldom, and again soon where it failed."""

import pytest
from sqlalchemy.orm import Session

from appliance.entry.handlers import Seldom


def test_once_and_then_not_for_long() -> None:
    done: list[Session] = []
    chore = Seldom(done.append)
    with Session() as session:
        for _ in range(3):
            chore(session)
    assert len(done) == 1


def test_one_that_failed_is_due_again() -> None:
    tried = []

    def fail(session: Session) -> None:
        tried.append(session)
        raise OSError

    chore = Seldom(fail, seconds=1e9)
    with Session() as session:
        for _ in range(2):
            with pytest.raises(OSError):  # noqa: PT011 - our own
                chore(session)
    assert len(tried) == 2
