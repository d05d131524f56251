"""A process loads its code at once, and runs it when the schema is ready."""

import threading
from pathlib import Path

import pytest

from appliance.entry import begin
from appliance.kit.layout import Layout


def test_it_waits_for_the_schema_and_passes_the_exit_code_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_process.py").write_text("def main():\n    return 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    layout = Layout(tmp_path / "data")
    layout.make()
    ended: list[object] = []
    thread = threading.Thread(target=lambda: ended.append(begin.run("a_process", layout)))
    thread.start()
    thread.join(0.1)
    assert ended == []
    (layout.run / begin.READY).touch()
    thread.join(10)
    assert ended == [7]
