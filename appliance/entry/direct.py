"""The shortest way to addresses that are asked most: past the router and the layers that only FastAPI's own need.

What such an address raises is answered by the same handlers as everywhere.
"""

from collections.abc import Mapping

from fastapi import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.entry import edge
from appliance.kit.errors import ApplianceError


class Direct:
    """Wraps the application. ``addresses``: by path, each with one method; other methods go the usual way."""

    def __init__(self, app: ASGIApp, addresses: Mapping[str, Route]) -> None:
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        address = self._addresses.get(scope["path"]) if scope["type"] == "http" else None
        if address is None or scope["method"] not in (address.methods or ()):
            await self._app(scope, receive, send)
            return
        scope["route"], scope["path_params"] = address, {}
        try:
            await address.endpoint(scope, receive, send)
        except ClientDisconnect:  # in the middle of its request: nobody is there to be answered
            return
        except ApplianceError as error:
            answer = await edge.refused(Request(scope), error)
            await answer(scope, receive, send)
        except (DBAPIError, PoolTimeout) as error:
            answer = await edge.database_error(Request(scope), error)
            await answer(scope, receive, send)
