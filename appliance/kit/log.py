"""Structured logs: JSON lines on standard error (the child's log file), with request and job ids bound by context."""

import logging
import sys
from contextvars import ContextVar
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

request: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request at hand: each line tells it. A variable of its own, as structlog's cost ten times as much."""


def _with_request(_logger: object, _method: str, told: EventDict) -> EventDict:
    found = request.get()
    if found is not None:
        told.setdefault("request_id", found)
    return told


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    _with_request,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def _route_to_stdlib(level: int) -> None:
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


# Before a process configures itself (and in tests) structlog's own default would draw coloured tracebacks.
_route_to_stdlib(logging.INFO)


def configure(process: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log line of this process, the standard library's too, through one JSON renderer."""
    _route_to_stdlib(logging.getLevelNamesMapping()[level])
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(process=process)


def get(name: str) -> FilteringBoundLogger:
    """A logger that adds ``source=name``; bind more with ``.bind(...)``."""
    return cast("FilteringBoundLogger", structlog.get_logger(source=name))


bind = structlog.contextvars.bound_contextvars
