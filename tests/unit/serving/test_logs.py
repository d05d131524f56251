"""The end of an engine's log."""

from pathlib import Path

from appliance.serving.logs import last


def test_the_last_lines_of_a_long_file_and_none_of_one_that_is_not_there(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    assert last(log, 10) == []
    log.write_text("one\ntwo\nthree\n")
    assert last(log, 2) == ["two", "three"]
    log.write_text("".join(f"line {number}\n" for number in range(60_000)))
    found = last(log, 50_000)
    assert found[-1] == "line 59999"
    assert found[0].startswith("line ")
    assert len(found) < 60_000
