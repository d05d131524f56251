"""What the gateway counts for ``/metrics``. No label tells a tenant, a user, a key, a route's name or any content.

A route's name is its tenant's own word; so the labels are the address, the model version's name and the outcome.
``tenants`` adds one metric that names tenants by their ids, for operators who may see them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from appliance.usage.journal import UsageRecord

_PREFIX: Final = "appliance_gateway_"
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as the reference tells it."""

    name: str
    type: str
    labels: tuple[str, ...]
    told: str


class Meters:
    """The counters of one web process."""

    def __init__(self, *, tenants: bool = False) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        self._of: dict[str, _OfModel] = {}
        self._refused = self._counter(
            "refused", "Requests that were not answered, by the code of the refusal", "endpoint", "code"
        )
        self._inferences = self._counter(
            "inferences",
            "Answers begun, by how they ended: done, aborted (the caller left), failed (the engine did)",
            "model",
            "outcome",
        )
        self._tokens = self._counter(
            "tokens",
            "Tokens, by kind: prompt, cached (the part of the prompt that was computed before), completion",
            "model",
            "kind",
        )
        self._first = self._histogram("first_token_seconds", "From asking the engine to its first byte")
        self._total = self._histogram("answer_seconds", "From asking the engine to the answer's end")
        self._waited = self._histogram("wait_seconds", "Waiting for a turn at the engine and inside of it")
        told = "Tokens of prompts and completions by tenant; only with metrics.tenants"
        self._tenants = self._counter("tenant_tokens", told, "tenant") if tenants else None
        self._running = self._gauge("running", "Requests that are with an engine")
        self._waiting = self._gauge("waiting", "Requests that wait for a turn")

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        self.described.append(Described(f"{_PREFIX}{name}_total", "counter", labels, told))
        return Counter(f"{_PREFIX}{name}", told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str) -> Histogram:
        self.described.append(Described(f"{_PREFIX}{name}", "histogram", ("model",), told))
        return Histogram(f"{_PREFIX}{name}", told, ("model",), registry=self.registry, buckets=_SECONDS)

    def _gauge(self, name: str, told: str) -> Gauge:
        self.described.append(Described(f"{_PREFIX}{name}", "gauge", (), told))
        return Gauge(f"{_PREFIX}{name}", told, registry=self.registry)

    def watch(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Where the two gauges are read, whenever somebody looks."""
        self._running.set_function(running)
        self._waiting.set_function(waiting)

    def refused(self, endpoint: str, code: str) -> None:
        """Count a request that was not answered."""
        self._refused.labels(endpoint, code).inc()

    def inference(self, model: str, usage: UsageRecord, cached: int, waited: float) -> None:
        """Count what one answer used."""
        found = self._of.get(model)
        if found is None:
            found = self._of[model] = self._children(model)
        found.ended(usage.outcome).inc()
        found.prompt.inc(usage.prompt_tokens)
        found.cached.inc(cached)
        found.completion.inc(usage.completion_tokens)
        if usage.first_token_seconds is not None:
            found.first.observe(usage.first_token_seconds)
        found.total.observe(usage.total_seconds)
        found.waited.observe(waited)
        if self._tenants is not None:
            self._tenants.labels(str(usage.tenant_id)).inc(usage.prompt_tokens + usage.completion_tokens)

    def _children(self, model: str) -> "_OfModel":
        prompt, cached, completion = (self._tokens.labels(model, kind) for kind in ("prompt", "cached", "completion"))
        times = (self._first.labels(model), self._total.labels(model), self._waited.labels(model))
        return _OfModel(prompt, cached, completion, *times, lru_cache(partial(self._inferences.labels, model)))


@dataclass(frozen=True, slots=True)
class _OfModel:
    """The metrics of one model, looked up once."""

    prompt: Counter
    cached: Counter
    completion: Counter
    first: Histogram
    total: Histogram
    waited: Histogram
    ended: Callable[[str], Counter]
