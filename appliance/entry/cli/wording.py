"""How an answer and its sources read in a terminal: pure, from the API's document to text."""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.knowledge.parsing.parsed import DOUBTFUL

UNSUPPORTED = "(?)"
_QUOTE = 240
_BEFORE = 40
QUOTED = "In the words of the documents:"
NOT_TOLD = "The documents do not tell."

Document = Mapping[str, Any]


def answer(document: Document) -> str:
    """The answer with ``[n]`` after each sentence that a source supports and ``(?)`` after each that none does."""
    if document.get("mode") == "none":
        return str(document.get("answer") or NOT_TOLD)
    text, told, at = str(document.get("answer", "")), "", 0
    for sentence in document.get("sentences", ()):
        found = text.find(sentence["text"], at)
        if found < 0:
            continue
        end = found + len(sentence["text"])
        told += text[at:end] + _marks(sentence)
        at = end
    told += text[at:]
    return f"{QUOTED}\n{told.strip()}" if document.get("mode") == "quoted" else told.strip()


def sources(document: Document) -> list[str]:
    """One line for each source: its number, document, page or line and headings; beneath it the quote."""
    if document.get("mode") == "none":
        return []
    lines = []
    for citation in document.get("citations", ()):
        lines.append(f"[{citation['number']}] {place(citation)}")
        if quote := " ".join(str(citation.get("quote") or "").split()):
            lines.append(f"    “{shortened(quote)}”")
        lines += [f"    {note}" for note in doubts(citation)]
    if any(not sentence["supported"] for sentence in document.get("sentences", ())):
        lines.append(f"{UNSUPPORTED} nothing in the documents supports this sentence")
    lines += [f"{_numbers(group)} contradict each other" for group in _contradicting(document)]
    return lines


def place(citation: Document) -> str:
    """Where it stands: ``Leave.pdf, page 3, line 12 · Annual leave › Carry over``."""
    parts = [str(citation.get("document") or citation.get("document_id") or "?")]
    parts += [f"{name} {citation[name]}" for name in ("page", "line") if citation.get(name) is not None]
    headings: Sequence[str] = citation.get("headings") or ()
    return ", ".join(parts) + (f" · {' › '.join(headings)}" if headings else "")


def doubts(document: Document) -> list[str]:
    """What to say of a citation or a passage that was read from a picture with little confidence; else nothing."""
    confidence = document.get("confidence")
    if confidence is None or confidence >= DOUBTFUL:
        return []
    return [f"read from a picture, not surely (confidence {confidence:.2f}): compare it with the original"]


def doubtful(text: Document) -> list[str]:
    """The lines of a document's text that were read from pictures with little confidence, each with its place."""
    whole, lines = str(text["text"]), []
    for one in text["recognised"]:
        if one["confidence"] < DOUBTFUL:
            number = whole.count("\n", 0, one["start"]) + 1
            lines.append(f"line {number} ({one['confidence']:.2f}): {whole[one['start'] : one['end']]}")
    return lines


def excerpt(text: str, marks: Sequence[tuple[int, int]], longest: int = _QUOTE) -> tuple[str, list[tuple[int, int]]]:
    """A part of ``text`` with most of its ``marks``, white space made one, and where these stand in it."""
    flat, places = "", []
    for letter in text:
        places.append(len(flat))
        flat += letter if not letter.isspace() else "" if flat.endswith(" ") or not flat else " "
    moved = [(places[start], places[end] if end < len(text) else len(flat)) for start, end in marks]
    begin = _begin(flat, moved, longest)
    shown = ("…" if begin else "") + shortened(flat[begin:].rstrip(), longest)
    shift = begin - bool(begin)
    inside = [(start - shift, min(end - shift, len(shown))) for start, end in moved if start >= begin]
    return shown, [(start, end) for start, end in inside if start < end]


def _begin(flat: str, marks: Sequence[tuple[int, int]], longest: int) -> int:
    """Where the part of ``flat`` begins that holds most marks: at a mark, a few words before it, or at 0."""
    if len(flat) <= longest or not marks:
        return 0
    counted = [(sum(at <= start < at + longest - _BEFORE for start, _ in marks), -at) for at, _ in marks]
    first = -max(counted)[1]
    if first < longest // 2:
        return 0
    return flat.find(" ", first - _BEFORE, first) + 1 or first - _BEFORE


def shortened(text: str, longest: int = _QUOTE) -> str:
    """At most ``longest`` characters, the cut shown."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _contradicting(document: Document) -> list[tuple[int, ...]]:
    """The numbers of citations that contradict each other, each group once."""
    groups = (
        tuple(sorted({*sentence["citations"], *sentence["contradicted_by"]}))
        for sentence in document.get("sentences", ())
        if sentence.get("contradicted_by")
    )
    return list(dict.fromkeys(groups))


def _numbers(group: tuple[int, ...]) -> str:
    return " and ".join(f"[{number}]" for number in group)


def _marks(sentence: Document) -> str:
    numbers = [c["number"] if isinstance(c, Mapping) else c for c in sentence.get("citations", ())]
    if sentence.get("supported"):
        return (" " + "".join(f"[{number}]" for number in numbers)) if numbers else ""
    return f" {UNSUPPORTED}"
