"""Ids, cursors, errors, secrets, layout and settings."""

import base64
import io
import json
import logging
import multiprocessing
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from appliance.kit import clock, crypto, errors, ids, log, offload, paging, settings
from appliance.kit.layout import SOCKET_LIMIT, Layout


def test_ids_are_version_7_and_sort_in_the_order_they_were_made() -> None:
    made = [ids.uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {value.version for value in made} == {7}
    assert abs((made[0].int >> 80) - clock.now().timestamp() * 1000) < 5000


def test_a_fork_makes_other_ids_than_its_parent() -> None:
    """The stock of randomness is its parent's: two processes that shared it would make the same ids."""
    chance = (1 << 62) - 1
    ids.uuid7()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        told = pool.map(_made, [100])[0]
    assert not {one.int & chance for one in told} & {one.int & chance for one in _made(100)}


def _made(count: int) -> list[UUID]:
    return [ids.uuid7() for _ in range(count)]


@given(st.uuids())
def test_a_cursor_comes_back_as_the_key_it_was_made_of(key: UUID) -> None:
    assert paging.decode(paging.encode(key)) == key


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "AAAA", "a" * 500, "中文"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(errors.BadCursor):
        paging.decode(cursor)


def test_no_cursor_is_the_beginning() -> None:
    assert paging.decode(None) is None


def test_a_page_names_the_next_only_when_there_is_one() -> None:
    keys = [ids.uuid7() for _ in range(3)]
    whole = paging.page(keys, 3, keys)
    assert whole == paging.Page(tuple(keys), None)
    part = paging.page(keys, 2, keys)
    assert part.items == tuple(keys[:2])
    assert paging.decode(part.next_cursor) == keys[1]


def _tree(kind: type[errors.ApplianceError]) -> Iterator[type[errors.ApplianceError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)\s+(\d{3}) ", errors.__doc__ or ""))
    real = {
        kind.__name__: str(kind.status) for kind in _tree(errors.ApplianceError) if kind.__module__ == errors.__name__
    }
    real.pop("ApplianceError")
    assert drawn == real


def test_an_error_becomes_a_problem_document() -> None:
    problem = errors.TooLarge("210 MB", retry_after=3, limit=100).problem("/api/v1/x")
    assert problem["status"] == 413
    assert problem["code"] == "too_large"
    assert problem["detail"] == "210 MB"
    assert problem["limit"] == 100
    assert problem["instance"] == "/api/v1/x"
    assert problem["advice"]


def test_an_error_without_words_takes_those_of_its_class() -> None:
    assert errors.NotFound().detail == "There is no such thing here."
    assert errors.NotFound.about("4711").detail == "There is no such thing here: 4711"
    assert "instance" not in errors.NotFound().problem()


def test_extra_members_cannot_overwrite_the_standard_ones() -> None:
    assert errors.NotFound("x", status=200).problem()["status"] == 404


def test_tokens_are_long_and_differ() -> None:
    tokens = {crypto.token("sk-") for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 3 + 43 for token in tokens)


def test_keyed_digests_are_bound_to_their_purpose() -> None:
    assert crypto.keyed(b"k", "a", b"v") != crypto.keyed(b"k", "b", b"v")
    assert crypto.keyed(b"k", "a", b"v") == crypto.keyed(b"k", "a", b"v")


def test_a_kept_secret_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = crypto.kept(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert crypto.kept(path) == first


@pytest.mark.parametrize("weak", ["", "\n", "changeme", "x" * 31])
def test_a_file_that_holds_no_secret_is_refused_and_not_used(tmp_path: Path, weak: str) -> None:
    path = tmp_path / "engine-key"
    path.write_text(weak)
    with pytest.raises(crypto.NoSecret, match="engine-key holds no secret"):
        crypto.kept(path)


def test_tokens_are_256_bits_each_and_have_nothing_in_common() -> None:
    made = [crypto.token("sk-").removeprefix("sk-") for _ in range(200)]
    raw = [base64.urlsafe_b64decode(one + "=") for one in made]
    assert {len(one) for one in raw} == {32}
    for place in range(32):
        assert len({one[place] for one in raw}) > 64, "a byte that is nearly the same in every token"


def test_no_setting_has_a_secret_for_a_default() -> None:
    def walk(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object]]:
        for name, field in model.model_fields.items():
            if isinstance(field.default, BaseModel):
                yield from walk(type(field.default), f"{path}{name}.")
            else:
                yield f"{path}{name}", field.default

    secret = re.compile(r"(secret|password|token|salt|(^|[._])key$)")
    named = {name: default for name, default in walk(settings.Settings) if secret.search(name) and "tokens" not in name}
    assert named == {"web.key": None}, "a secret is made at the first start, and kept in a file of its own"


def test_two_that_make_a_secret_at_once_hold_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    found: set[str] = set()

    def make() -> None:
        together.wait()
        found.add(crypto.kept(tmp_path / "secret"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    crypto.write_private(path, "one")
    crypto.write_private(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_the_layout_is_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.make()
    for directory in (layout.run, layout.secrets, layout.blobs, layout.index, layout.journal, layout.logs):
        assert directory.stat().st_mode & 0o777 == 0o700
    assert layout.log("web").parent == layout.logs
    assert layout.secret("x").parent == layout.secrets
    names = [layout.index_socket, layout.encoder_socket, layout.valkey_socket, layout.engine_socket(ids.uuid7())]
    assert max(len(name.name) for name in names) + len("/run/") < SOCKET_LIMIT
    assert layout.postgres.parent == layout.data


def test_the_environment_beats_the_file_beats_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "appliance.toml").write_text("log_level = 'DEBUG'\n[jobs]\nattempts = 7\nconcurrency = 3\n")
    monkeypatch.setenv("APPLIANCE_DATA", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_JOBS__CONCURRENCY", "4")
    settings.load.cache_clear()
    found = settings.load()
    settings.load.cache_clear()
    assert found.data == tmp_path
    assert found.log_level == "DEBUG"
    assert (found.jobs.attempts, found.jobs.concurrency, found.jobs.sweep_seconds) == (7, 4, 10)
    assert found.broker_url == f"redis+socket://{found.layout.valkey_socket}"
    assert found.model_store == tmp_path / "models"


def test_settings_work_without_a_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APPLIANCE_DATA", raising=False)
    assert settings.Settings(models=tmp_path).model_store == tmp_path


def test_an_unknown_setting_in_a_section_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_JOBS__NO_SUCH", "1")
    with pytest.raises(ValueError, match=r"NO_SUCH|no_such"):
        settings.Settings()


def test_logs_are_json_lines_with_bound_ids() -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    try:
        log.configure("test", stream=stream)
        with log.bind(request_id="r1"):
            log.get("mine").warning("中文", n=1)
            logging.getLogger("theirs").warning("plain %s", "text")
    finally:
        logging.getLogger().handlers = before
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "中文"
    assert first["n"] == 1
    assert second["event"] == "plain text"
    for line in (first, second):
        assert line["request_id"] == "r1"
        assert line["process"] == "test"
        assert line["level"] == "warning"


def test_offloaded_calls_run_under_the_limiter() -> None:
    async def main() -> list[int]:
        offload.configure(2)
        found: list[int] = []

        def next_of(number: int, *, step: int) -> int:
            return number + step

        async def one(value: int) -> None:
            found.append(await offload.run(next_of, value, step=1))

        async with anyio.create_task_group() as group:
            for value in range(5):
                group.start_soon(one, value)
        return sorted(found)

    assert anyio.run(main) == [1, 2, 3, 4, 5]
