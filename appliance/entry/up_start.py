"""How each part is started."""

import json
import os
from collections.abc import Callable, Mapping

from appliance.drivers import valkey
from appliance.drivers.postgres import Postgres
from appliance.entry.up_plan import Part
from appliance.kit.children import Child, Limits, Log, spawn
from appliance.kit.layout import Layout
from appliance.kit.priority import PROMPT, slice_of


class Starter:
    """Starts parts on one data directory; ``environment`` is what our own processes get."""

    def __init__(self, layout: Layout, server: Postgres, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = environment
        self._by_name: dict[str, Callable[[], Child]] = {
            "postgres": server.start,
            "valkey": lambda: valkey.start(layout),
        }
        self._told: int | None = None

    def __call__(self, part: Part) -> Child:
        """Start this part. Raises what its driver raises, and :class:`ChildNotStarted`."""
        child = self._start(part)
        if part.prompt:
            slice_of(child.pid, PROMPT)
        return child

    def _start(self, part: Part) -> Child:
        if part.name in self._by_name:
            return self._by_name[part.name]()
        (self._layout.run / f"{part.name}.ready").unlink(missing_ok=True)
        self._layout.beat(part.name).unlink(missing_ok=True)
        return self._once(part) if part.once else self._module(part, {})

    def sign_in(self) -> str | None:
        """The one-time sign-in that the first start made; told once, by whoever asks first."""
        if self._told is None:
            return None
        with os.fdopen(self._told, "rb") as pipe:
            self._told = None
            line = pipe.readline()
        told: str | None = json.loads(line)["sign_in"] if line else None
        return told

    def _once(self, part: Part) -> Child:
        """It tells us what the log must not know, over a pipe."""
        self.sign_in()
        self._told, writing = os.pipe()
        try:
            return self._module(part, {"stdout": writing})
        finally:
            os.close(writing)

    def _module(self, part: Part, streams: Mapping[str, int]) -> Child:
        return spawn(
            part.argv(),
            name=part.name,
            env=self._environment,
            log=Log(self._layout.log(part.name)),
            streams=streams,
            limits=Limits(nice=part.nice),
            grace=part.grace,
        )
