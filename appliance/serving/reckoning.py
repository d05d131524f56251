"""How many tokens a request can come to, before anybody has counted them: an upper bound, purely.

A tokenizer of bytes makes at most one token of each byte, so the bytes of all that the model is given to read bound the
prompt; the template around it adds a little for each message. What is not used is given back when the answer ends.
"""

import json
from typing import Any, Final

from msgspec.json import encode

from appliance.usage.reservation import Wanted

TEMPLATE: Final = 256
"""Tokens that a chat template may add by itself: a system prompt, the words around tools."""
EACH_MESSAGE: Final = 16
SHORTEST_ANSWER: Final = 64
"""Where the caller names no length, a budget that leaves less than this for the answer refuses the request."""
UNNAMED: Final = 16
"""Tokens that a plain completion has where it names no length, by OpenAI's description and in vLLM."""
_written: Final = json.JSONEncoder(ensure_ascii=False).encode
_READ: Final = ("messages", "prompt", "tools", "response_format")


def wanted(body: dict[str, Any], context: int) -> Wanted:
    """The bounds of a request to an engine with this context; without a length named, the answer may be short."""
    prompts = len(body["prompt"]) if isinstance(body.get("prompt"), list) else 1
    prompt = min(_prompt(body), prompts * context)
    answers = prompts * int(body.get("n") or 1)
    named = length(body)
    most = min(prompt + answers * (named or context), answers * context)
    return Wanted(most if named else min(most, prompt + answers * SHORTEST_ANSWER), most)


def length(body: dict[str, Any]) -> int | None:
    """The length of the answer that the caller named; of a plain completion the one that engines take for unnamed."""
    found = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(found) if found else UNNAMED if "prompt" in body else None


def bounded(body: dict[str, Any], context: int, granted: int) -> dict[str, Any]:
    """The request with an answer no longer than what was granted, where the caller named no length."""
    if length(body):
        return body
    answers = int(body.get("n") or 1)
    if granted >= answers * context:
        return body
    prompt = min(_prompt(body), context)
    # an engine refuses what could pass its context, by the true length of the prompt, which is no more than ours
    return {**body, "max_tokens": max(1, min((granted - prompt) // answers, context - prompt))}


def _prompt(body: dict[str, Any]) -> int:
    parts = [body[name] for name in _READ if body.get(name) is not None]
    messages = body.get("messages")
    around = EACH_MESSAGE * len(messages) if isinstance(messages, list) else 0
    return TEMPLATE + around + sum(_size(part) for part in parts)


def _size(part: object) -> int:
    """Bytes of it in JSON, in which each text takes at least its own."""
    try:
        return len(encode(part))
    except UnicodeEncodeError:  # half a surrogate pair
        return len(_written(part).encode(errors="surrogatepass"))
