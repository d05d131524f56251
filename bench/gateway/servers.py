"""What is measured, each a process of its own before engines that cost the same: direct, bare, ours, LiteLLM."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import update

from appliance.access.web import Databases
from appliance.catalog.activation import Consent
from appliance.catalog.service import Catalog
from appliance.drivers import valkey
from appliance.drivers.vllm.arguments import EngineSettings as Engine
from appliance.kit import crypto, work
from appliance.kit.children import Log, spawn
from appliance.kit.database import Database
from appliance.kit.settings import EncoderSettings, EngineSettings, Settings
from appliance.serving import bootstrap
from appliance.serving.deployments import Deployments
from appliance.serving.launch import KEY
from appliance.serving.tables import DeploymentRow
from bench.auth.__main__ import people
from bench.gateway import bare
from bench.query.stack import pools, stack, until
from tests.factories import models

ROOT = Path(__file__).resolve().parents[2]
LITELLM = "litellm[proxy]==1.100.0"
DRAINED = 1.6
"""Seconds after which ours has written down what it answered, which is part of what a request costs."""
_VENV = ROOT / ".cache" / "bench-litellm"


@dataclass(slots=True)
class Server:
    """One of them, how long it took to answer after its start (seconds), and what it calls the model."""

    name: str
    port: int
    key: str
    process: "subprocess.Popen[bytes]"
    cold: float = 0.0
    log: Path = field(default_factory=Path)
    model: str = "default"

    def worked(self) -> float:
        """Seconds of processor that it has had, all its threads together."""
        return work.worked(self.process.pid)

    def beside(self) -> float:
        """Seconds of processor that its children have had: of ours, the one that drains the usage journal."""
        return sum(work.worked(pid) for pid in self._family() if pid != self.process.pid)

    def resident(self) -> float:
        """MiB of memory, its children's too."""
        total = 0.0
        for pid in self._family():
            line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line)
            total += int(line.split()[1]) / 1024
        return total

    def _family(self) -> list[int]:
        """It, its children, theirs."""
        pids = [self.process.pid]
        for pid in pids:
            for told in Path(f"/proc/{pid}/task").glob("*/children"):  # each thread has its own
                pids += [int(child) for child in told.read_text().split()]
        return pids


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(name: str, key: str, log: Path, *command: str, **env: str) -> Iterator[Server]:
    """Start one (``{port}`` in the command stands for its port), and wait until it answers anything."""
    port = free_port()
    begun = time.monotonic()
    with log.open("wb") as output:
        argv = [part.replace("{port}", str(port)) for part in command]
        environment = {**os.environ, **{name: value.replace("{port}", str(port)) for name, value in env.items()}}
        process = subprocess.Popen(argv, env=environment, stdout=output, stderr=output, cwd=ROOT)
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > begun + 120:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.02)
        yield Server(name, port, key, process, time.monotonic() - begun, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass(frozen=True, slots=True)
class Make:
    """What is served, and to whom. ``caller`` makes who asks, and gives the key; ``seconds``: the longest start."""

    store: Path
    engine: EngineSettings
    encoder: str
    run: Engine
    caller: Callable[[Database], str]
    seconds: float = 60


@contextmanager
def all_of_them(place: Path, *, peers: bool) -> Iterator[dict[str, Server]]:
    """Everything, by name. ``peers``: with LiteLLM."""
    with ExitStack() as undo:
        mock = EngineSettings(model=models.LANGUAGE, program="bench.gateway.mock")
        wide = Engine(sequences=512, queue=512)
        make = Make(models.store(place / "models"), mock, models.ENCODER, wide, people)
        settings, engine, key = undo.enter_context(appliance(make))
        undo.enter_context(valkey.start(settings.layout))
        until("Valkey", lambda: not valkey.probe(settings.layout), 30)
        python = sys.executable
        env = web_environment(settings)
        engine_key = crypto.kept(settings.layout.secret(KEY))
        found: dict[str, Server] = {}

        def add(name: str, its_key: str, *command: str, **more: str) -> None:
            found[name] = undo.enter_context(started(name, its_key, place / f"{name}.log", *command, **more))

        add("direct", "none", python, "-m", "bench.gateway.mock", "--port", "{port}")
        told = ("--uds", str(engine), "--port", "{port}", "--engine-key", engine_key)
        add("bare", bare.KEY, python, "-m", "bench.gateway.bare", *told)
        add("ours", key, python, "-m", "appliance.entry.web", **env)
        add("unmetered", key, python, "-m", "bench.gateway.unmetered", **env)
        if peers:
            config = _config(place / "litellm.yaml", found["direct"].port)
            master = "sk-" + secrets.token_hex(16)
            options = ("--config", str(config), "--host", "127.0.0.1", "--port", "{port}", "--num_workers", "1")
            quiet = {"LITELLM_MASTER_KEY": master, "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
            add("litellm", master, str(_litellm()), *options, **quiet)
        for name, server in found.items():
            until(f"{name} to answer", lambda server=server: served(server), 60)  # type: ignore[misc] # bound now
        yield found


def served(server: Server) -> bool:
    """Whether it answers a request."""
    from bench.gateway.load import BODY  # noqa: PLC0415 - beside its only use

    headers = {"authorization": f"Bearer {server.key}"}
    with suppress(httpx.HTTPError):
        address = f"http://127.0.0.1:{server.port}/v1/chat/completions"
        return httpx.post(address, json={**BODY, "model": server.model}, headers=headers, timeout=30).status_code == 200
    return False


@contextmanager
def appliance(make: Make) -> Iterator[tuple[Settings, Path, str]]:
    """PostgreSQL, and an engine host with one engine that runs; the engine's socket, the caller's key."""
    with stack(None) as plain:
        more = {"models": make.store, "engine": make.engine, "encoder": EncoderSettings(model=make.encoder)}
        settings = plain.model_copy(update=more)
        databases = pools(settings)
        _registered(databases, settings, make.run)
        key = make.caller(databases.operator)
        host = spawn(
            [sys.executable, "-m", "appliance.entry.engines"],
            name="engines",
            env={**os.environ, **_environment(settings), "APPLIANCE_ENGINE__POLL_SECONDS": "0.5"},
            log=Log(settings.layout.log("engines")),
            grace=20,
        )
        try:
            until("an engine", lambda: _state(databases) == "running", make.seconds)
            with databases.system.session() as session:
                (replica,) = Deployments(session).all()[0].replicas
            yield settings, settings.layout.engine_socket(replica.id), key
        finally:
            host.stop(20)
            databases.close()


def web_environment(settings: Settings) -> dict[str, str]:
    """What our gateway is started with."""
    return {**_environment(settings), "APPLIANCE_WEB__PORT": "{port}"}


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_MODELS": str(settings.model_store),
        "APPLIANCE_ENCODER__MODEL": settings.encoder.model,
        "APPLIANCE_ENGINE__MODEL": settings.engine.model,
        "APPLIANCE_ENGINE__PROGRAM": settings.engine.program,
    }


def _state(databases: Databases) -> str:
    with databases.system.session() as session:
        return Deployments(session).all()[0].actual


def _registered(databases: Databases, settings: Settings, run: Engine) -> None:
    """The model, its deployment and its routes."""
    with databases.operator.session() as session:
        bootstrap.ensure(session, settings)
        catalog = Catalog(session)
        for version in catalog.list(None, 100).items:
            catalog.activate(version.id, Consent(None, accepts=True, override="a bench made these weights"))
        session.execute(update(DeploymentRow).values(engine=run.to_json()))


def _litellm() -> Path:
    """Its program, in an environment of its own, made at the first run."""
    program = _VENV / "bin" / "litellm"
    if not program.exists():
        shutil.rmtree(_VENV, ignore_errors=True)
        uv = str(ROOT / ".venv" / "bin" / "uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(_VENV)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(_VENV / "bin" / "python"), LITELLM], check=True)
    return program


def _config(path: Path, port: int) -> Path:
    parameters = {"model": "openai/mock", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "none"}
    path.write_text(json.dumps({"model_list": [{"model_name": "default", "litellm_params": parameters}]}))
    return path
