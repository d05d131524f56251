"""The gateway's other addresses, tools, and what each answer tells of where it comes from."""

import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from sqlalchemy import text

from appliance.audit.service import Audit
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.server import EncoderServer
from appliance.serving.deployments import Deployment
from appliance.serving.routes import DEFAULT
from appliance.tenants.keys import Keys, Limits
from tests.factories.models import ENCODER, LANGUAGE
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_gateway import PATH, asked, seen, usage

TOOL: Any = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one, max_retries=0) as client:
        yield client


def test_each_answer_tells_where_it_comes_from(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        answers = [client.post(PATH, json=asked("say: a", stream=stream)) for stream in (False, True)]
    for answer in answers:
        assert answer.headers["x-appliance-route"] == DEFAULT
        assert answer.headers["x-appliance-model-digest"] == engine.version.digest
        assert answer.headers["x-request-id"]


def test_an_error_tells_it_too_once_it_is_known_who_was_asked(engine: Deployment, gateway: Gateway) -> None:
    with gateway.client() as client:
        for said, status in (("status:400\nsay: a", 422), ("status:500\nsay: a", 503)):
            for stream in (False, True):
                answer = client.post(PATH, json=asked(said, stream=stream))
                assert answer.status_code == status
                assert answer.headers["x-appliance-route"] == DEFAULT
                assert answer.headers["x-appliance-model-digest"] == engine.version.digest
                assert answer.headers["x-request-id"]
        nobody = client.post(PATH, json={**asked("say: a"), "model": "nobody"})
    assert (nobody.status_code, "x-appliance-route" in nobody.headers) == (404, False)
    assert nobody.headers["x-request-id"]


def test_a_tool_is_called_and_its_result_taken(client: openai.OpenAI, engines: Engines, engine: Deployment) -> None:
    messages: list[Any] = [{"role": "user", "content": 'call:look {"at": "tree"}'}]
    first = client.chat.completions.create(model=DEFAULT, messages=messages, tools=[TOOL], tool_choice="required")
    call = first.choices[0].message.tool_calls
    assert call is not None
    assert (call[0].function.name, call[0].function.arguments) == ("look", '{"at": "tree"}')  # type: ignore[union-attr] # no custom tools
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call[0].id, "content": "say: green"}]
    second = client.chat.completions.create(model=DEFAULT, messages=messages, tools=[TOOL])
    assert second.choices[0].message.content == "green"
    assert seen(engines, engine)["requests"][-1]["messages"][-1]["role"] == "tool"


def test_a_text_is_gone_on_with(client: openai.OpenAI, engines: Engines, engine: Deployment) -> None:
    whole = client.completions.create(model=DEFAULT, prompt="say: one two", max_tokens=5, n=2)
    assert [choice.text for choice in whole.choices] == ["one two", "one two"]
    stream = client.completions.create(model=DEFAULT, prompt="say: one two", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "one two"
    until(lambda: [row[2:5] for row in usage(engines)] == [("done", 3, 2), ("done", 3, 2)])


@pytest.fixture
def encoder(gateway: Gateway, engines: Engines) -> Iterator[HashedEncoder]:
    """The encoder's process, as a double of it on its socket."""
    encoder = HashedEncoder()
    server = EncoderServer(engines.settings.layout.encoder_socket, encoder)
    server.start()
    server.ready(encoder)
    yield encoder
    server.close()


def test_texts_become_vectors_and_are_counted(client: openai.OpenAI, engines: Engines, encoder: HashedEncoder) -> None:
    found = client.embeddings.create(model=ENCODER, input=["green tree", "red house"])
    expected = encoder.encode(["green tree", "red house"])
    assert [item.embedding for item in found.data] == [pytest.approx(vector.tolist()) for vector in expected]
    floats = client.embeddings.create(model=ENCODER, input="green tree", encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(expected[0].tolist())
    assert floats.usage.prompt_tokens == sum(encoder.tokens(["green tree"]))
    until(lambda: [row[0] for row in usage(engines)] == [ENCODER, ENCODER])


def test_what_an_encoder_cannot_do_is_refused_by_name(client: openai.OpenAI, encoder: HashedEncoder) -> None:
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        client.embeddings.create(model=ENCODER, input="x", dimensions=3)
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.embeddings.create(model=DEFAULT, input="x")


def test_an_encoder_that_does_not_run_says_when_to_come_again(gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post("/v1/embeddings", json={"model": ENCODER, "input": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "encoder_not_ready")
    assert answer.headers["retry-after"]


def test_a_model_is_shown_and_what_a_key_may_not_use_is_not_there(
    gateway: Gateway, engines: Engines, client: openai.OpenAI
) -> None:
    assert client.models.retrieve(LANGUAGE).id == LANGUAGE
    with pytest.raises(openai.NotFoundError, match="no model 'none'"):
        client.models.retrieve("none")
    tenant, user = gateway.principal.tenant, gateway.principal.user
    with engines.databases.operator.session() as session:
        keys = Keys(session, tenant, Audit(session, tenant, None), None)
        narrow = keys.create(user, "narrow", Limits(models=frozenset({DEFAULT}))).secret
    with openai.OpenAI(base_url=client.base_url, api_key=narrow, max_retries=0) as limited:
        assert [model.id for model in limited.models.list()] == [DEFAULT]
        with pytest.raises(openai.NotFoundError):
            limited.models.retrieve(LANGUAGE)
        with pytest.raises(openai.PermissionDeniedError, match="may not use the model"):
            limited.embeddings.create(model=ENCODER, input="x")


def test_a_refused_request_is_in_the_record(gateway: Gateway, engines: Engines) -> None:
    with gateway.client() as client:
        assert client.post(PATH, json={**asked("hi"), "model": "stranger"}).status_code == 404
    with engines.databases.operator.session() as session:
        rows = session.execute(text("select action, outcome from audit_entries")).all()
    assert (f"POST {PATH}", "refused") in [tuple(row) for row in rows]


@pytest.mark.parametrize("path", ["/v1/models/../../api/v1/status", "/v1/rerank", "/v1/load_lora_adapter", "/tokenize"])
def test_what_only_engines_have_is_not_here(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        assert client.post(path, json={}).status_code in (404, 405)


def test_a_wrong_method_is_told(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert client.get(PATH).status_code == 405


def test_a_light_tenant_gets_its_turn_beside_a_heavy_one(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    """The engine takes two at once and lets nobody wait: the light tenant is served as soon as one ends."""
    done = threading.Event()

    def heavy() -> None:
        with gateway.client(gateway.one) as client:
            while not done.is_set():
                client.post(PATH, json=asked("pause:0.01\nsay: a b c"))

    threads = [threading.Thread(target=heavy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with gateway.client(gateway.two) as client:
            until(lambda: client.post(PATH, json=asked("say: mine")).status_code == 200)
    finally:
        done.set()
        for thread in threads:
            thread.join()
