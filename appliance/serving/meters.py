"""What the gateway counts for ``/metrics``. No label tells a tenant, a user, a key, a route's name or any content.

A route's name is its tenant's own word; so the labels are the address, the model version's name and the outcome.
``tenants`` adds one metric that names tenants by their ids, for operators who may see them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client import Counter as PrometheusCounter
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.usage.journal import UsageRecord

_PREFIX: Final = "appliance_gateway_"
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_UP_TO: Final = (*(str(bound) for bound in _SECONDS), "+Inf")


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as the reference tells it."""

    name: str
    type: str
    labels: tuple[str, ...]
    told: str


INFERENCES: Final = Described(
    f"{_PREFIX}inferences_total",
    "counter",
    ("model", "outcome"),
    "Answers begun, by how they ended: done, aborted (the caller left), failed (the engine did)",
)
TOKENS: Final = Described(
    f"{_PREFIX}tokens_total",
    "counter",
    ("model", "kind"),
    "Tokens, by kind: prompt, cached (the part of the prompt that was computed before), completion",
)
FIRST: Final = Described(
    f"{_PREFIX}first_token_seconds", "histogram", ("model",), "From asking the engine to its first byte"
)
TOTAL: Final = Described(
    f"{_PREFIX}answer_seconds", "histogram", ("model",), "From asking the engine to the answer's end"
)
WAITED: Final = Described(
    f"{_PREFIX}wait_seconds", "histogram", ("model",), "Waiting for a turn at the engine and inside of it"
)


class Times:
    """A histogram of seconds. Prometheus' own takes a lock and walks through its buckets each time."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(_UP_TO)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many took up to so long, as Prometheus wants it."""
        return list(zip(_UP_TO, accumulate(self.counts), strict=True))


@dataclass(slots=True)
class _OfModel:
    """What one model's answers came to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    first: Times = field(default_factory=Times)
    total: Times = field(default_factory=Times)
    waited: Times = field(default_factory=Times)


class _Inferences(Collector):
    """All models', told when somebody looks. Counted in the event loop's thread alone; read in any."""

    def __init__(self) -> None:
        self.of: dict[str, _OfModel] = {}

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' families."""
        models = sorted(self.of.items())
        inferences = CounterMetricFamily(INFERENCES.name, INFERENCES.told, labels=INFERENCES.labels)
        tokens = CounterMetricFamily(TOKENS.name, TOKENS.told, labels=TOKENS.labels)
        for model, found in models:
            for outcome, count in sorted(found.outcomes.items()):
                inferences.add_metric((model, outcome), count)
            for kind in ("prompt", "cached", "completion"):
                tokens.add_metric((model, kind), getattr(found, kind))
        yield inferences
        yield tokens
        for described, name in ((FIRST, "first"), (TOTAL, "total"), (WAITED, "waited")):
            times = HistogramMetricFamily(described.name, described.told, labels=described.labels)
            for model, found in models:
                one: Times = getattr(found, name)
                times.add_metric((model,), one.buckets(), one.sum)
            yield times


class Meters:
    """The counters of one web process."""

    def __init__(self, *, tenants: bool = False) -> None:
        self.registry = CollectorRegistry()
        self.described = [INFERENCES, TOKENS, FIRST, TOTAL, WAITED]
        self._inferences = _Inferences()
        self.registry.register(self._inferences)
        self._refused = self._counter(
            "refused", "Requests that were not answered, by the code of the refusal", "endpoint", "code"
        )
        told = "Tokens of prompts and completions by tenant; only with metrics.tenants"
        self._tenants = self._counter("tenant_tokens", told, "tenant") if tenants else None
        self._running = self._gauge("running", "Requests that are with an engine")
        self._waiting = self._gauge("waiting", "Requests that wait for a turn")

    def _counter(self, name: str, told: str, *labels: str) -> PrometheusCounter:
        self.described.append(Described(f"{_PREFIX}{name}_total", "counter", labels, told))
        return PrometheusCounter(f"{_PREFIX}{name}", told, labels, registry=self.registry)

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
        found = self._inferences.of.get(model)
        if found is None:
            found = self._inferences.of[model] = _OfModel()
        found.outcomes[usage.outcome] += 1
        found.prompt += usage.prompt_tokens
        found.cached += cached
        found.completion += usage.completion_tokens
        if usage.first_token_seconds is not None:
            found.first.observe(usage.first_token_seconds)
        found.total.observe(usage.total_seconds)
        found.waited.observe(waited)
        if self._tenants is not None:
            self._tenants.labels(str(usage.tenant_id)).inc(usage.prompt_tokens + usage.completion_tokens)
