"""Before the real vLLM: tokens a second of our gateway, beside those of the bare pass-through before the same engine.

vLLM's own benchmark (``vllm.benchmarks.serve``, as a library) asks SmolLM2-135M for stories that fill their length, as
streams, sixteen at once: as many as the engine runs by its default settings. One warm engine; many short pairs of runs
with the same prompts, other ones in each pair, in an order by chance. Ours has key, tenant, quotas (of tenant, user and
key, with every limit of requests), turns, metering and audit on. What is judged is the median of the pairs' ratios; its
interval says whether there were enough of them (:mod:`bench.gateway.pairs`).
"""

import asyncio
import gc
import io
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx

from appliance.drivers import valkey
from appliance.drivers.vllm.arguments import EngineSettings as Engine
from appliance.kit import crypto
from appliance.kit.settings import EncoderSettings, EngineSettings
from appliance.serving.launch import KEY
from bench.auth.__main__ import people
from bench.gateway import bare, pairs
from bench.gateway.servers import DRAINED, Make, Server, appliance, served, started, web_environment
from bench.query.stack import until
from bench.report import Figure
from tests.factories.appliance import MODELS

BOUND = 0.97
SEED = 4
PAIRS = 30
REQUESTS = 32
TOKENS = 64
"""Of each answer, at most; no story ended before (the report says how many there were)."""
WARM = 1
"""Pairs that are not counted."""
AT_ONCE = Engine().sequences
_WHO = ("a baker", "two sailors", "an old clockmaker", "a shy fox", "a young queen", "three miners", "a lost robot")
_WHERE = ("in a harbour town", "below a glacier", "on a night train", "in a desert library", "at a lighthouse")
_WHAT = ("who find a map", "who must keep a secret", "who wait for the rain", "who build a bridge", "who lose a key")
_HOW = ("Tell it slowly.", "Begin with the weather.", "Write it as a letter.", "Begin at the end.")
_FOR = ("", "It is for children.", "It is for old friends.", "It is for a stage.")

_MORE = (
    ("first", "to the first token, median", "ms, "),
    ("between", "between two tokens, median", "ms, "),
    ("processor", "processor time for a token", "ms, "),
    ("tokens", "tokens of a run", ""),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the benchmark told. Milliseconds; ``processor``: of the server's own process, for a token."""

    rate: float
    tokens: int
    first: float
    between: float
    processor: float


def prompts(count: int) -> list[list[str]]:
    """For each pair its own, none twice; always the same."""
    every = [" ".join(("Write a long story about", *parts)) for parts in product(_WHO, _WHERE, _WHAT, _HOW, _FOR)]
    chosen = random.Random(SEED).sample(every, REQUESTS * count)
    return [chosen[start : start + REQUESTS] for start in range(0, len(chosen), REQUESTS)]


@contextmanager
def both(place: Path) -> Iterator[dict[str, Server]]:
    """The pass-through and ours before one engine."""
    make = Make(MODELS, EngineSettings(), EncoderSettings().model, Engine(), people, seconds=600)
    with ExitStack() as undo:
        settings, engine, key = undo.enter_context(appliance(make))
        undo.enter_context(valkey.start(settings.layout))
        until("Valkey", lambda: not valkey.probe(settings.layout), 30)
        engine_key = crypto.kept(settings.layout.secret(KEY))
        told = ("--uds", str(engine), "--port", "{port}", "--engine-key", engine_key)
        python, log = sys.executable, place / "bare.log"
        plain = undo.enter_context(started("bare", bare.KEY, log, python, "-m", "bench.gateway.bare", *told))
        plain.model = _name(engine, engine_key)
        command, env = (python, "-m", "appliance.entry.web"), web_environment(settings)
        ours = undo.enter_context(started("ours", key, place / "ours.log", *command, **env))
        for server in (plain, ours):
            until(f"{server.name} to answer", lambda server=server: served(server), 60)  # type: ignore[misc] # bound now
        yield {"bare": plain, "ours": ours}


def _name(engine: Path, key: str) -> str:
    """What the engine calls its model."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(engine)), base_url="http://engine") as client:
        told = client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).raise_for_status().json()
    return str(told["data"][0]["id"])


def run(server: Server, asked: list[str]) -> Run:
    """One run: all of these, so many at once."""
    words = io.StringIO()  # the benchmark and vLLM's own log print
    before = server.worked()
    with redirect_stdout(words):
        told = asyncio.run(_benchmark(server, asked))
    if told["failed"] or told["completed"] != len(asked):
        raise SystemExit(f"{server.name} did not answer all:\n{words.getvalue()[-3000:]}")
    time.sleep(DRAINED)
    tokens = told["total_output_tokens"]
    each = (server.worked() - before) * 1000 / tokens
    answers = zip(told["latencies"], told["ttfts"], told["output_lens"], strict=True)
    between = statistics.median((whole - first) * 1000 / max(1, count - 1) for whole, first, count in answers)
    return Run(told["output_throughput"], tokens, statistics.median(told["ttfts"]) * 1000, between, each)


async def _benchmark(server: Server, asked: list[str]) -> dict[str, Any]:
    """What it tells: numbers, and lists of them with one for each request."""
    from vllm.benchmarks import serve  # noqa: PLC0415 - takes ten seconds, and only this measurement needs it

    base = f"http://127.0.0.1:{server.port}"
    found: dict[str, Any] = await serve.benchmark(
        task_type=serve.TaskType.GENERATION,
        endpoint_type="openai-chat",
        api_url=f"{base}{bare.PATH}",
        base_url=base,
        model_id=server.model,
        model_name=server.model,
        tokenizer=None,  # the engine counts
        input_requests=[serve.SampleRequest(prompt=text, prompt_len=0, expected_output_len=TOKENS) for text in asked],
        logprobs=None,
        request_rate=float("inf"),
        burstiness=1.0,
        disable_tqdm=True,
        num_warmups=0,
        profile=False,
        selected_percentile_metrics=[],
        selected_percentiles=[],
        ignore_eos=False,
        goodput_config_dict={},
        max_concurrency=AT_ONCE,
        lora_modules=None,
        extra_headers={"authorization": f"Bearer {server.key}"},
        extra_body={"temperature": 0},
        ready_check_timeout_sec=0,
    )
    return found


def measure(servers: dict[str, Server], count: int) -> dict[str, list[Run]]:
    """All pairs, after those that only warm up the engine and both servers."""
    seen = defaultdict(list)
    ours_first = pairs.order(WARM + count)
    for number, asked in enumerate(prompts(WARM + count), 1 - WARM):
        for name in ("ours", "bare") if ours_first.pop() else ("bare", "ours"):
            told = run(servers[name], asked)
            if number > 0:
                seen[name].append(told)
            called = f"pair {number} of {count}" if number > 0 else "warming up"
            line = f"{called}, {name}: {told.rate:.1f} tokens/s, {told.tokens} tokens"
            print(f"{line}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        gc.freeze()  # what was imported is not looked through in the middle of a run
    return seen


def figures(place: Path, count: int) -> Iterator[Figure]:
    """Measure; the lines of the report."""
    with both(place) as servers:
        yield from lines(measure(servers, count))


def lines(seen: dict[str, list[Run]]) -> Iterator[Figure]:
    """What was measured, against what is demanded."""
    ours, other = ([one.rate for one in seen[name]] for name in ("ours", "bare"))
    each = list(zip(ours, other, strict=True))
    found, ratios = pairs.ratio(each), [one / its for one, its in each]
    settled = found.settled(BOUND)
    sure = f"end of its {pairs.SURE:.0%} interval"
    yield Figure(f"tokens/s, median of {len(each)}", statistics.median(ours), statistics.median(other), "1/s, bare")
    yield Figure("tokens/s, least", min(ours), min(other), "1/s, bare")
    yield Figure("tokens/s, greatest", max(ours), max(other), "1/s, bare")
    yield Figure(f"ratio, median of {len(each)} pairs", found.median, None, "", f">= {BOUND}", found.median >= BOUND)
    yield Figure(f"ratio, low {sure}", found.low, None, settled)
    yield Figure(f"ratio, high {sure}", found.high, None, settled)
    yield Figure("ratio, least", min(ratios), None, "")
    yield Figure("ratio, greatest", max(ratios), None, "")
    for what, name, unit in _MORE:
        mine, theirs = (statistics.median(getattr(one, what) for one in seen[server]) for server in ("ours", "bare"))
        yield Figure(name, mine, theirs, f"{unit}bare")
