"""From a caller's bytes to what an engine is sent, purely: the forms of :mod:`.bodies`, and what they cannot say."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from appliance.serving import grammar
from appliance.serving.bodies import Asked, ChatBody, ChatMessage
from appliance.serving.errors import FieldRefused

B = TypeVar("B", bound=BaseModel)
_OURS = {"user", "stream_options", "store", "metadata"}
COUNTED = {"include_usage": True, "continuous_usage_stats": True}
"""In a stream's options: every chunk counts, so that one which is broken off is counted exactly."""
_BRANCHES = {"str", "NamedTool", "literal"}


def read(raw: bytes, form: type[B]) -> B:
    """The request in these bytes. Raises :class:`FieldRefused` naming the first field at fault."""
    try:
        body = form.model_validate_json(raw)
    except ValidationError as error:
        fault = max(error.errors(include_url=False, include_context=False), key=lambda told: len(told["loc"]))
        where = ".".join(str(part) for part in fault["loc"] if not _is_type(part))
        raise FieldRefused(f"{where or 'the body'}: {fault['msg']}", field=where) from error
    if isinstance(body, Asked):
        _check(body)
    return body


def forwarded(body: Asked, model: str, salt: str) -> dict[str, Any]:
    """What the engine is sent: the listed fields, its own name of the model, the tenant's salt, and usage counted."""
    sent = body.model_dump(by_alias=True, exclude_none=True, exclude=_OURS)
    sent |= {"model": model, "cache_salt": salt}
    if body.stream:
        sent["stream_options"] = COUNTED
    for message in sent.get("messages", ()):
        message.pop("reasoning", None)
        if message["role"] == "developer":  # OpenAI's newer word; chat templates know the older
            message["role"] = "system"
    return sent


def _check(body: Asked) -> None:
    if body.response_format and body.response_format.json_schema:
        grammar.check(body.response_format.json_schema.schema_, "response_format.json_schema.schema")
    if not isinstance(body, ChatBody):
        return
    for number, message in enumerate(body.messages):
        _check_message(message, f"messages.{number}")
    for number, tool in enumerate(body.tools or ()):
        grammar.check(tool.function.parameters, f"tools.{number}.function.parameters")
    if body.tool_choice not in (None, "none") and not body.tools:
        raise FieldRefused("tool_choice: there are no tools", field="tool_choice")


def _check_message(message: ChatMessage, where: str) -> None:
    """Which members go with which role: an engine's chat template fails on others, deep inside."""
    assistant, tool = message.role == "assistant", message.role == "tool"
    if message.tool_calls is not None and not assistant:
        raise FieldRefused(f"{where}.tool_calls: only an assistant's message has calls", field=f"{where}.tool_calls")
    if (message.tool_call_id is not None) != tool:
        told = "a tool's message needs it" if tool else "only a tool's message has it"
        raise FieldRefused(f"{where}.tool_call_id: {told}", field=f"{where}.tool_call_id")
    if message.content is None and not (assistant and message.tool_calls):
        raise FieldRefused(f"{where}.content: it is missing", field=f"{where}.content")


def _is_type(part: str | int) -> bool:
    """Pydantic puts the name of a union's branch into the path of a fault."""
    return isinstance(part, str) and (part in _BRANCHES or "[" in part)
