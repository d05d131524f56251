"""Sets with judgements: of ``../shared/data``, a copy of one in traditional script, and the sample handbook."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import opencc

from appliance.knowledge.chunking import Chunk, chunks
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.read import read

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT.parent / "shared" / "data"
HANDBOOK: Final = ROOT / "docs" / "handbook"


@dataclass(frozen=True, slots=True)
class Part:
    """One passage as ingest has it: the text for the encoder, and the text whose terms are counted."""

    encoded: str
    counted: str


@dataclass(frozen=True, slots=True)
class Set:
    """Documents, each in its parts, questions, and which documents answer each."""

    name: str
    documents: Mapping[str, tuple[Part, ...]]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def load(name: str) -> Set:
    """One set by its name; xquad-hant is xquad-zh in traditional script, xquad-mixed only its questions."""
    if name == "handbook":
        return _handbook()
    if name in ("xquad-hant", "xquad-mixed"):
        return _traditional(_shared("xquad-zh"), name, documents=name == "xquad-hant")
    return _shared(name)


def _shared(name: str) -> Set:
    """Where only half of the questions is there, the set is called -dev."""
    directory = DATA / name
    half = directory / "questions-dev.jsonl"
    questions = list(lines(half if half.exists() else directory / "questions.jsonl"))
    return Set(
        f"{name}-dev" if half.exists() else name,
        {one["id"]: (_whole(one.get("title") or "", one["text"]),) for one in lines(directory / "documents.jsonl")},
        {one["id"]: one["question"] for one in questions},
        {one["id"]: one["relevant"] for one in questions},
    )


def _whole(title: str, text: str) -> Part:
    """A document of one passage."""
    return _part(Chunk(0, 0, len(text), text, 0, None, (), ""), title)


def _part(chunk: Chunk, title: str) -> Part:
    return Part(chunk.indexed(title), chunk.counted(title))


def _traditional(given: Set, name: str, *, documents: bool) -> Set:
    """By OpenCC's phrases, as people in Taiwan write the same words."""
    convert = opencc.OpenCC("s2tw").convert
    questions = {key: convert(text) for key, text in given.questions.items()}
    parts = given.documents.items() if documents else ()
    written = {key: tuple(Part(convert(one.encoded), convert(one.counted)) for one in each) for key, each in parts}
    return replace(given, name=name, documents=written or given.documents, questions=questions)


def _handbook() -> Set:
    """The sample handbook, parsed and cut as ingest does; the questions that it answers."""
    documents = {}
    for path in sorted((HANDBOOK / "documents").iterdir()):
        with path.open("rb") as file:
            parsed = read(file, path.name, ParseLimits())
        title = parsed.title or PurePosixPath(path.name).stem
        cut = chunks(parsed.text, parsed.blocks, lambda texts: [len(text) // 4 + 1 for text in texts])
        documents[path.name] = tuple(_part(chunk, title) for chunk in cut)
    files = (HANDBOOK / "questions.jsonl", HANDBOOK / "questions-hard.jsonl")
    asked = [one for file in files for one in lines(file) if one["document"]]
    return Set(
        "handbook",
        documents,
        {one["id"]: one["question"] for one in asked},
        {one["id"]: {one["document"]: 1} for one in asked},
    )
