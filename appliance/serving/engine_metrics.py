"""The engines' own metrics, re-labelled: a list of which pass, and of the labels that may stay.

vLLM labels with the names of the adapters that are loaded, which tell tenants, and knows nothing of ours. What is not
listed here is not shown; ``model`` and ``engine`` are ours.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

SHOWN: Final[Mapping[str, str]] = {
    "vllm:num_requests_running": "Requests in the engine's batch",
    "vllm:num_requests_waiting": "Requests that wait inside the engine",
    "vllm:kv_cache_usage_perc": "Part of the key-value cache in use, 1 is all",
    "vllm:prefix_cache_queries": "Prompt tokens looked up in the prefix cache",
    "vllm:prefix_cache_hits": "Prompt tokens found in the prefix cache",
    "vllm:num_preemptions": "Requests put back for want of cache",
    "vllm:prompt_tokens": "Prompt tokens processed",
    "vllm:generation_tokens": "Tokens generated",
    "vllm:request_success": "Requests finished, by reason",
    "vllm:time_to_first_token_seconds": "Inside the engine, to the first token",
    "vllm:inter_token_latency_seconds": "Between two tokens of a request",
    "vllm:e2e_request_latency_seconds": "A whole request inside the engine",
    "vllm:request_queue_time_seconds": "Waiting inside the engine",
    "vllm:request_prefill_time_seconds": "Computing the prompt",
    "vllm:request_decode_time_seconds": "Generating the answer",
}
_LABELS: Final = frozenset({"le", "finished_reason"})


def collected(told: Iterable[tuple[str, str, str]]) -> bytes:
    """What engines told, in Prometheus' text form. ``told``: (model, engine, text)."""
    registry = CollectorRegistry()
    registry.register(EngineMetrics(told))
    return generate_latest(registry)


class EngineMetrics(Collector):
    """A collector over what engines told."""

    def __init__(self, told: Iterable[tuple[str, str, str]]) -> None:
        self._told = list(told)

    def collect(self) -> Iterable[Metric]:
        """One family a name, the samples of all engines in it."""
        families: dict[str, Metric] = {}
        for model, engine, text in self._told:
            for found in _read(text):
                if found.name in SHOWN:
                    family = families.setdefault(found.name, Metric(found.name, SHOWN[found.name], found.type))
                    _add(family, found, {"model": model, "engine": engine})
        return families.values()


def _read(text: str) -> list[Metric]:
    """What one engine told, nothing where it is no metrics: an address elsewhere may answer with anything."""
    try:
        return list(text_string_to_metric_families(text))
    except ValueError:
        return []


def _add(family: Metric, found: Metric, ours: Mapping[str, str]) -> None:
    for sample in found.samples:
        kept = {name: value for name, value in sample.labels.items() if name in _LABELS}
        family.add_sample(sample.name, {**kept, **ours}, sample.value)
