"""The embedded Valkey listens on its private socket only."""

import stat
from pathlib import Path

from appliance.drivers import valkey
from appliance.kit.layout import Layout
from tests.factories.processes import until


def test_it_answers_on_a_private_socket_and_says_when_it_is_gone(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    assert valkey.probe(layout) == "No such file or directory"
    with valkey.start(layout) as child:
        until(lambda: valkey.probe(layout) == "")
        assert stat.S_IMODE(layout.valkey_socket.stat().st_mode) == 0o700
        listening = Path(f"/proc/{child.pid}/net/tcp").read_text().splitlines()
        owned = {link.readlink().name for link in Path(f"/proc/{child.pid}/fd").iterdir() if link.is_symlink()}
        assert not [line for line in listening[1:] if f"socket:[{line.split()[9]}]" in owned]
        assert child.stop() == 0
    assert valkey.probe(layout) != ""
