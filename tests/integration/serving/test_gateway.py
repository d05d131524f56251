"""The gateway from a caller's key to an engine's socket and back, the engine itself being scripted."""

import asyncio
import http.client
import json
import os
import signal
import socket
import threading
from contextlib import aclosing
from typing import Any

import httpx
import openai
import pytest

from appliance.drivers.vllm.port import EngineDown
from appliance.serving import connect
from appliance.serving.deployments import Deployment
from appliance.serving.errors import EngineFull, EngineRefused, RouteNotFound
from appliance.serving.routes import DEFAULT
from appliance.usage.journal import UsageRecord
from tests.factories.models import ENCODER, LANGUAGE
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway

PATH = "/v1/chat/completions"


def asked(content: str, **fields: object) -> dict[str, Any]:
    return {"model": DEFAULT, "messages": [{"role": "user", "content": content}], **fields}


def seen(engines: Engines, engine: Deployment) -> dict[str, Any]:
    """What the scripted engine says it was asked."""
    connection = http.client.HTTPConnection("engine")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engines.settings.layout.engine_socket(engine.replicas[0].id)))
    connection.request("GET", "/scripted")
    told: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return told


def usage(engines: Engines) -> list[Any]:
    """What the web process has drained into the database."""
    columns = "route, model_digest, outcome, prompt_tokens, completion_tokens, first_token_seconds"
    with engines.databases.operator.session() as session:
        query = f"select {columns} from usage_records order by started_at"  # noqa: S608 - constants
        return list(session.connection().exec_driver_sql(query).all())


def test_an_answer_comes_back_whole_and_is_counted(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("say: twenty days"))
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "twenty days"
    assert answer.headers["x-request-id"]
    until(lambda: len(usage(engines)) == 1)
    (record,) = usage(engines)
    assert record[:5] == (DEFAULT, engine.version.digest, "done", 3, 2)
    assert record.first_token_seconds > 0


def test_the_official_client_streams(engine: Deployment, gateway: Gateway) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one) as client:
        assert [model.id for model in client.models.list()] == [DEFAULT, LANGUAGE, ENCODER]
        stream = client.chat.completions.create(
            model=LANGUAGE, messages=[{"role": "user", "content": "say: one two three"}], stream=True
        )
        pieces = [chunk.choices[0].delta.content for chunk in stream]
    assert "".join(piece or "" for piece in pieces) == "one two three"


@pytest.mark.parametrize(("wanted", "counts"), [(True, 1), (False, 0)])
def test_a_stream_is_counted_for_us_and_tells_only_who_asked(
    engines: Engines,
    engine: Deployment,
    gateway: Gateway,
    wanted: bool,
    counts: int,
) -> None:
    body = asked("say: one two", stream=True, stream_options={"include_usage": wanted})
    with gateway.client() as client:
        text = client.post(PATH, json=body).text
    assert text.count('"usage"') == counts
    assert text.endswith("data: [DONE]\n\n")
    until(lambda: [row[2:5] for row in usage(engines)] == [("done", 3, 2)])


def test_a_caller_who_goes_away_makes_the_engine_stop(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    slow = "pause:0.05\nsay: " + "word " * 2000
    with gateway.client() as client, client.stream("POST", PATH, json=asked(slow, stream=True)) as answer:
        next(answer.iter_bytes())
    until(lambda: seen(engines, engine)["aborted"] == 1)
    until(lambda: [row[2] for row in usage(engines)] == ["aborted"])
    assert usage(engines)[0].completion_tokens >= 1


def test_who_leaves_before_a_whole_answer_has_used_the_engine_all_the_same(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    slow = asked("pause:0.05\nsay: " + "word " * 40)
    with gateway.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post(PATH, json=slow, timeout=0.5)
    until(lambda: [row[2:] for row in usage(engines)] == [("aborted", 0, 0, None)])


def test_tenants_do_not_share_a_prefix_cache(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    for key in (gateway.one, gateway.one, gateway.two):
        with gateway.client(key) as client:
            assert client.post(PATH, json=asked("hello")).status_code == 200
    first, again, other = (request["cache_salt"] for request in seen(engines, engine)["requests"])
    assert first == again != other


@pytest.mark.parametrize("field", ["prompt_embeds", "chat_template_kwargs", "cache_salt", "api_base", "made_up"])
def test_a_field_that_is_not_listed_never_reaches_the_engine(
    engines: Engines, engine: Deployment, gateway: Gateway, field: str
) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("hello", **{field: "x"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "field_refused")
    assert field in answer.json()["detail"]
    assert seen(engines, engine)["requests"] == []


def test_the_official_client_tells_its_user_what_is_wrong(engine: Deployment, gateway: Gateway) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one, max_retries=0) as client:
        message: Any = {"role": "user", "content": "hi"}
        with pytest.raises(openai.BadRequestError, match="made_up") as told:
            client.chat.completions.create(model=DEFAULT, messages=[message], extra_body={"made_up": 1})
        assert (told.value.code, told.value.param) == ("field_refused", "made_up")
        with pytest.raises(openai.NotFoundError, match="there is no route 'other'"):
            client.chat.completions.create(model="other", messages=[message])
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="sk-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="key"),
    ):
        stranger.models.list()


def test_a_request_without_end_is_cut_off(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("x" * 3_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_without_a_key_nothing_is_answered(engine: Deployment, gateway: Gateway) -> None:
    assert httpx.post(gateway.url + PATH, json=asked("hello")).status_code == 401
    assert httpx.get(gateway.url + "/v1/models").status_code == 401


def test_an_unknown_route_is_not_found(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json={**asked("hello"), "model": "../secret"})
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")


def test_a_full_engine_says_when_to_come_again(engine: Deployment, gateway: Gateway) -> None:
    slow = asked("pause:0.05\nsay: " + "word " * 2000, stream=True)
    with gateway.client() as client, client.stream("POST", PATH, json=slow) as one:
        first = one.iter_bytes()
        next(first)
        with client.stream("POST", PATH, json=slow) as two:
            second = two.iter_bytes()  # an iterator that is collected closes its stream
            next(second)
            answer = client.post(PATH, json=asked("hello"))
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_full")
    assert answer.headers["retry-after"] == "2"


def test_a_down_engine_says_what_it_is_doing(engines: Engines, gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("hello"))
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_down")
    assert int(answer.headers["retry-after"]) > 0


def test_an_engine_that_dies_in_the_middle_ends_the_stream_with_an_error_and_is_back(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one, max_retries=0) as client:
        message = {"role": "user", "content": "pause:0.1\ndie:\nsay: one two three"}
        stream = client.chat.completions.create(model=DEFAULT, messages=[message], stream=True)  # type: ignore[list-item] # a plain dict will do
        with pytest.raises(openai.APIError, match="engine"):
            list(stream)
    until(lambda: [row[2] for row in usage(engines)] == ["failed"])
    until(lambda: engines.row().pid not in (None, engine.pid), 30)
    engines.until("running")
    with gateway.client() as again:
        until(lambda: again.post(PATH, json=asked("say: back")).status_code == 200)


def test_what_the_engine_refuses_is_told(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        refused = client.post(PATH, json=asked("status:400"))
        broken = client.post(PATH, json=asked("status:500"))
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (422, "engine_refused", "as told")
    assert (broken.status_code, broken.json()["code"]) == (503, "engine_down")


def test_deployments_are_listed_with_their_routes(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        (item,) = client.get("/api/v1/deployments").json()["items"]
    assert (item["name"], item["actual"], item["routes"]) == (LANGUAGE, "running", [DEFAULT, LANGUAGE])


def streamed(engines: Engines, gateway: Gateway, content: str, take: int = 1000) -> tuple[str, list[UsageRecord]]:
    """What ``Engines.stream`` gives to another slice, and what was recorded."""
    records: list[UsageRecord] = []

    async def run() -> str:
        found = connect.engines(engines.settings, engines.databases.app, records.append)
        pieces: list[str] = []
        messages = [{"role": "user", "content": content}]
        try:
            async with aclosing(found.stream(found.target(DEFAULT), messages, 50, gateway.principal)) as deltas:
                async for delta in deltas:
                    pieces.append(delta.text)
                    if len(pieces) == take:
                        break
        finally:
            await found.close()
        return "".join(pieces)

    return asyncio.run(run()), records


def test_another_slice_streams_an_answer(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    text, records = streamed(engines, gateway, "say: one two three")
    assert text == "one two three"
    assert [(record.outcome, record.completion_tokens) for record in records] == [("done", 3)]
    sent = seen(engines, engine)["requests"][0]
    assert (sent["temperature"], sent["max_tokens"], sent["stream"]) == (0, 50, True)


def test_another_slice_aborts_by_closing(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    text, records = streamed(engines, gateway, "pause:0.05\nsay: " + "word " * 40, take=2)
    assert text == "word word"
    assert [record.outcome for record in records] == ["aborted"]
    until(lambda: seen(engines, engine)["aborted"] == 1)


@pytest.mark.parametrize(
    ("content", "error"),
    [("status:503", EngineFull), ("status:400", EngineRefused), ("status:404", EngineDown), ("die:", EngineDown)],
)
def test_another_slice_is_told_what_went_wrong(
    engines: Engines, engine: Deployment, gateway: Gateway, content: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        streamed(engines, gateway, content)


def test_another_slice_knows_what_a_route_speaks(engines: Engines, engine: Deployment) -> None:
    found = connect.engines(engines.settings, engines.databases.app, lambda _: None)
    assert found.speaks(DEFAULT) == {"en"}
    assert (found.target(DEFAULT).digest, found.target(DEFAULT).context) == (engine.version.digest, 4096)
    with pytest.raises(RouteNotFound):
        found.speaks("none")


def test_an_engine_killed_a_moment_ago_is_down_not_broken(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    with gateway.client() as client:
        assert client.post(PATH, json=asked("hello")).status_code == 200
        os.kill(engine.pid or 0, signal.SIGKILL)
        answer = client.post(PATH, json=asked("hello"))
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_down")


def test_many_callers_at_once_are_served_or_told_to_wait(engine: Deployment, gateway: Gateway) -> None:
    statuses: list[int] = []

    def call() -> None:
        with gateway.client() as client:
            statuses.append(client.post(PATH, json=asked("pause:0.01\nsay: a b c")).status_code)

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
