"""What a caller may send to the gateway: allow-lists of fields, each with its bounds.

Engines take many more fields, and some of them have been ways in: ``prompt_embeds`` (memory corruption), a caller's
``chat_template`` and its ``kwargs`` (a denial of service), ``image_url`` with ``http`` or ``file`` (reads what the
server can reach), ``cache_salt`` (another tenant's prefix cache). What is not listed here does not reach an engine.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
CallId = Annotated[str, Field(min_length=1, max_length=128)]
MOST_TOOLS = 64
MOST_INPUTS = 256
LONGEST_INPUT = 64 * 1024
"""Characters of one text to embed; an encoder reads the first few hundred words."""


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(_Listed):
    """A part of a message."""

    type: Literal["text"]
    text: str


class CalledFunction(_Listed):
    """The function that the model called, its arguments as the JSON text that it wrote."""

    name: Name
    arguments: str


class ToolCall(_Listed):
    """A call that the model made earlier in the conversation."""

    id: CallId
    type: Literal["function"]
    function: CalledFunction


class ChatMessage(_Listed):
    """A message. The last five are there because answers carry them and callers send them back: they go no further."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: Annotated[str, Field(max_length=64)] | None = None
    tool_call_id: CallId | None = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=MOST_TOOLS)] | None = None
    reasoning: str | None = None
    refusal: None = None
    annotations: None = None
    audio: None = None
    function_call: None = None


class Function(_Listed):
    """A function that the model may call."""

    name: Name
    description: Annotated[str, Field(max_length=8192)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(_Listed):
    """A tool."""

    type: Literal["function"]
    function: Function


class NamedFunction(_Listed):
    """The function that must be called."""

    name: Name


class NamedTool(_Listed):
    """The tool that must be used."""

    type: Literal["function"]
    function: NamedFunction


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


class Asked(_Listed):
    """What both kinds of completions take. ``user`` is taken for compatibility and goes no further."""

    model: Annotated[str, Field(min_length=1, max_length=100)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
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
    response_format: ResponseFormat | None = None
    user: Annotated[str, Field(max_length=200)] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the stream must end with a chunk that counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


class ChatBody(Asked):
    """A request for a chat completion. ``store`` and ``metadata`` are for OpenAI's own records: they go no further."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[Tool], Field(min_length=1, max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    store: Literal[False] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None


class CompletionBody(Asked):
    """A request that goes on with a text. ``logprobs``: how many likely tokens to tell at each place."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=16)]
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None


class EmbeddingBody(_Listed):
    """A request for vectors. Texts only: a list of another model's token numbers says nothing here."""

    model: Annotated[str, Field(min_length=1, max_length=100)]
    input: (
        Annotated[str, Field(min_length=1, max_length=LONGEST_INPUT)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=LONGEST_INPUT)]],
            Field(min_length=1, max_length=MOST_INPUTS),
        ]
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    user: Annotated[str, Field(max_length=200)] | None = None
