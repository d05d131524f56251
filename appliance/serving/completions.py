"""What a caller may send to ``/v1/chat/completions``: an allow-list, purely.

Engines take many more fields, and some of them have been ways in: ``prompt_embeds`` (memory corruption), a caller's
``chat_template`` and its ``kwargs`` (a denial of service), ``image_url`` with ``http`` or ``file`` (reads what the
server can reach), ``cache_salt`` (another tenant's prefix cache). What is not listed here does not reach an engine.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.serving.errors import FieldRefused

_DEEPEST = 16
_LONGEST_SCHEMA = 64 * 1024
_REFUSED_IN_SCHEMAS = {"pattern", "patternProperties", "format"}
"""Compiled into an automaton by the engine before the first token: a short one can take it minutes."""
_COUNTS = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
_LARGEST_COUNT = 1024
"""Each is unrolled into so many states: ten characters of schema can take an engine's memory."""

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(_Listed):
    """A part of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(_Listed):
    """A message."""

    role: Literal["system", "user", "assistant"]
    content: str | list[TextPart]
    name: Annotated[str, Field(max_length=64)] | None = None


class StreamOptions(_Listed):
    """What a stream carries besides text."""

    include_usage: bool = False


class NamedSchema(_Listed):
    """A JSON schema that the answer must have."""

    name: Annotated[str, Field(max_length=64)]
    description: Annotated[str, Field(max_length=1000)] | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(_Listed):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class ChatBody(_Listed):
    """A request for a chat completion. ``user`` is taken for compatibility and goes no further."""

    model: Annotated[str, Field(min_length=1, max_length=100)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=0, le=1000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    user: Annotated[str, Field(max_length=200)] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the stream must end with a chunk that counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


def read(raw: bytes) -> ChatBody:
    """The request in these bytes. Raises :class:`FieldRefused` naming the first field at fault."""
    try:
        body = ChatBody.model_validate_json(raw)
    except ValidationError as error:
        fault = max(error.errors(include_url=False, include_context=False), key=lambda told: len(told["loc"]))
        where = ".".join(str(part) for part in fault["loc"] if not _is_type(part))
        raise FieldRefused(f"{where or 'the body'}: {fault['msg']}", field=where) from error
    if body.response_format and body.response_format.json_schema:
        _check_schema(body.response_format.json_schema.schema_)
    return body


def forwarded(body: ChatBody, model: str, salt: str) -> dict[str, Any]:
    """What the engine is sent: the listed fields, its own name of the model, the tenant's salt, and usage counted."""
    sent = body.model_dump(by_alias=True, exclude_none=True, exclude={"user", "stream_options"})
    sent |= {"model": model, "cache_salt": salt}
    if body.stream:
        sent["stream_options"] = {"include_usage": True}
    return sent


def _is_type(part: str | int) -> bool:
    """Pydantic puts the name of a union's branch into the path of a fault."""
    return isinstance(part, str) and (part == "str" or "[" in part)


def _check_schema(schema: dict[str, Any] | None) -> None:
    where = "response_format.json_schema.schema"
    if len(json.dumps(schema)) > _LONGEST_SCHEMA:
        raise FieldRefused(f"{where}: it is longer than {_LONGEST_SCHEMA} characters", field=where)
    level: list[tuple[Any, bool]] = [(schema, False)]
    for _ in range(_DEEPEST):
        keys = {key for value, names in level if isinstance(value, dict) and not names for key in value}
        if refused := keys & _REFUSED_IN_SCHEMAS:
            raise FieldRefused(f"{where}: {min(refused)} is not accepted in a schema", field=where)
        for count in _counts(level):
            if not isinstance(count, int) or count > _LARGEST_COUNT:
                raise FieldRefused(f"{where}: a length or a number of items is at most {_LARGEST_COUNT}", field=where)
        level = [inner for value, names in level for inner in _inner(value, names=names)]
    if level:
        raise FieldRefused(f"{where}: it is nested more than {_DEEPEST} deep", field=where)


def _counts(level: list[tuple[Any, bool]]) -> list[Any]:
    objects = [value for value, names in level if isinstance(value, dict) and not names]
    return [value[key] for value in objects for key in _COUNTS & value.keys()]


def _inner(value: Any, *, names: bool) -> list[tuple[Any, bool]]:  # noqa: ANN401 - any JSON
    """What lies one level deeper, and whether it is a table of properties, whose keys are names and not keywords."""
    if isinstance(value, dict):
        return [(inner, key == "properties" and not names) for key, inner in value.items()]
    return [(inner, False) for inner in value] if isinstance(value, list) else []
