"""Whose jobs a person sees: of the whole tenant, or those that they asked for and those about what they may read.

A job names what it works on, and its failure quotes what a parser met: so who may not read a document is not told of
its jobs either. They are not there for them, whichever way they ask.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.jobs.tables import JobRow

Readable = Callable[
    [InstrumentedAttribute[str], InstrumentedAttribute[Mapping[str, Any]], frozenset[str]], ColumnElement[bool]
]
"""From a job's kind and args: whether it is about something that one of the readers may read. Filled in ``entry``."""


def seen(principal: Principal, readable: Readable) -> ColumnElement[bool] | None:
    """The condition on a job's row; None: all of the tenant's."""
    if allowed(principal, Action.READ_ALL_JOBS):
        return None
    return or_(JobRow.asked_by == principal.user, readable(JobRow.kind, JobRow.args, principal.readers))
