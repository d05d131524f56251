"""The one way for async code to call sync services: a thread, under a limiter sized with the database pool."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")

_limiters: list[CapacityLimiter] = []


def configure(threads: int) -> None:
    """Set how many sync services may run at once on behalf of async code; call it inside the event loop."""
    _limiters[:] = [CapacityLimiter(threads)]


async def run(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync call in a thread. A cancelled caller waits for it: a transaction is never left half-way."""
    limiter = _limiters[0] if _limiters else None
    return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=limiter)


async def run_ahead(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As :func:`run`, past its queue: for what must not wait behind the very work that it is to stop."""
    return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=CapacityLimiter(1))
