"""How an engine can be reached: by its socket, with a key, from a directory of ours; by nobody over a network.

Engines elsewhere had message queues bound to every interface (ZMQ XPUB), and unpickled what came in.
"""

import stat
from pathlib import Path

import pytest

from appliance.drivers.vllm.control import EngineControl
from appliance.drivers.vllm.port import EngineDown, Health
from appliance.kit import crypto
from appliance.kit.leash import family
from appliance.serving.deployments import Deployment
from appliance.serving.launch import KEY
from tests.integration.serving.conftest import Engines


def listening(pids: list[int]) -> list[str]:
    """The addresses on which these processes listen for TCP connections, as the kernel prints them."""
    held = {str(file.readlink()) for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held]


def test_an_engine_listens_on_no_interface_at_all(engines: Engines, engine: Deployment) -> None:
    assert engine.pid is not None
    assert listening([engine.pid, *family(engine.pid)]) == []


def test_its_socket_lies_where_only_we_may_enter(engines: Engines, engine: Deployment) -> None:
    path = engines.settings.layout.engine_socket(engine.members[0].id)
    assert path.is_socket()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_its_key_is_in_no_argument_list(engines: Engines, engine: Deployment) -> None:
    key = crypto.kept(engines.settings.layout.secret(KEY)).encode()
    for pid in [engine.pid or 0, *family(engine.pid or 0)]:
        assert key not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert key in Path(f"/proc/{engine.pid}/environ").read_bytes()


def test_without_the_key_it_tells_and_does_nothing(engines: Engines, engine: Deployment, tmp_path: Path) -> None:
    path = engines.settings.layout.engine_socket(engine.members[0].id)
    stranger = EngineControl(path, "guessed")
    assert stranger.health() is Health.WELL
    acts = (
        stranger.names,
        lambda: stranger.load("a", tmp_path),
        lambda: stranger.unload("a"),
        lambda: stranger.warm("a", 5),
    )
    for act in acts:
        with pytest.raises(EngineDown, match="401"):
            act()


def test_what_an_engine_refuses_is_told_in_its_words(engines: Engines, engine: Deployment, tmp_path: Path) -> None:
    path = engines.settings.layout.engine_socket(engine.members[0].id)
    control = EngineControl(path, crypto.kept(engines.settings.layout.secret(KEY)))
    with pytest.raises(EngineDown, match="No adapter found"):
        control.load("a", tmp_path)
    with pytest.raises(EngineDown, match="cannot be found"):
        control.unload("a")
    with pytest.raises(EngineDown, match="does not answer"):
        EngineControl(tmp_path / "none.sock", "key").names()
