"""An answer with its citations, ready to be stored and told. Pure: from what was chosen to what is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from appliance.chat import contradiction, mode
from appliance.chat.attribution import Attributed
from appliance.chat.evidence import Evidence, Pool
from appliance.chat.mode import Mode, Reason
from appliance.chat.quoting import Quote
from appliance.knowledge.boxes import Box, boxes
from appliance.knowledge.confidence import least, within
from appliance.knowledge.language import detect

_WIDE: Final = 0x2E80


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence stands: ``revision.text[start:end] == quote``, code points; ``line`` counts from 1.

    ``quote`` is None once the document was deleted. ``confidence``: where it was read from a picture, of its least
    sure line. ``boxes``: where the lines that it quotes stand on their page.
    """

    number: int
    document_id: UUID
    document: str
    revision_id: UUID
    chunk_id: UUID
    page: int | None
    line: int
    headings: tuple[str, ...]
    start: int
    end: int
    quote: str | None
    confidence: float | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the answer, whether the documents say it, and the numbers of the citations that do.

    ``contradicted_by``: the numbers of those that give another value for the same thing.
    """

    text: str
    supported: bool
    citations: tuple[int, ...] = ()
    contradicted_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """All of an answer. ``reason`` says why it is not composed, empty where it is."""

    text: str
    mode: Mode
    reason: Reason
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]


@dataclass(slots=True)
class Citations:
    """Numbers evidence in the order in which it is first cited; the same piece keeps its number."""

    pool: Pool
    found: list[Citation] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, evidence: Evidence) -> int:
        """The number of this piece's citation."""
        key = (evidence.source, evidence.piece.start)
        if key not in self._numbers:
            self._numbers[key] = len(self.found) + 1
            self.found.append(self._cite(evidence, len(self.found) + 1))
            self.evidence.append(evidence)
        return self._numbers[key]

    def sentence(self, attributed: Attributed) -> Sentence:
        """An attributed sentence, its evidence cited."""
        numbers = (self.number(attributed.evidence),) if attributed.evidence else ()
        return Sentence(attributed.text, attributed.supported, numbers)

    def cited(self, numbers: Iterable[int]) -> tuple[Citation, ...]:
        """The citations of these numbers."""
        return tuple(self.found[number - 1] for number in numbers)

    def _cite(self, evidence: Evidence, number: int) -> Citation:
        source, piece = self.pool.sources[evidence.source], evidence.piece
        start, end = source.start + piece.start, source.start + piece.end
        return Citation(
            number=number,
            document_id=source.document,
            document=source.name,
            revision_id=source.revision,
            chunk_id=source.chunk,
            page=source.page,
            line=source.line + source.text.count("\n", 0, piece.start),
            headings=source.headings,
            start=start,
            end=end,
            quote=evidence.text,
            confidence=least(within(source.recognised, start, end)),
            boxes=boxes(source.sheets, (start, end)),
        )


def composed(text: str, attributed: Sequence[Attributed], pool: Pool, question: str) -> Answer:
    """The model's own answer."""
    citations = Citations(pool)
    sentences = [citations.sentence(one) for one in attributed]
    return _weighed(Answer(text, "composed", "", tuple(sentences), tuple(citations.found)), citations, question)


def quoted(quotes: Sequence[Quote], pool: Pool, reason: Reason, question: str) -> Answer:
    """The quotes themselves, one sentence each."""
    citations = Citations(pool)
    sentences = tuple(
        Sentence(readable(quote.evidence.text), supported=True, citations=(citations.number(quote.evidence),))
        for quote in quotes
    )
    text = "\n".join(sentence.text for sentence in sentences)
    return _weighed(Answer(text, "quoted", reason, sentences, tuple(citations.found)), citations, question)


def _weighed(answer: Answer, citations: Citations, question: str) -> Answer:
    """The answer with what contradicts its sentences; where something does, its text says so in its last line."""
    against = contradiction.contradictions(citations.evidence, question, citations.pool)
    if not against:
        return answer
    sentences = tuple(
        replace(
            one, contradicted_by=tuple(sorted({n + 1 for cited in one.citations for n in against.get(cited - 1, ())}))
        )
        for one in answer.sentences
    )
    said = contradiction.told(detect(answer.sentences[0].text))
    return replace(answer, text=f"{answer.text}\n{said}", sentences=sentences)


def untold(language: str, reason: Reason = "nothing_found") -> Answer:
    """That the documents do not tell."""
    text = mode.nothing(language)
    return Answer(text, "none", reason, (Sentence(text, supported=False),), ())


def readable(quote: str) -> str:
    """A quote on one line: white space and a table row's outer bars are form, not words."""
    lines = [line.strip() for line in quote.strip().strip("|").split("\n")]
    text = lines[0]
    for line in lines[1:]:
        wide = bool(text and line) and ord(text[-1]) >= _WIDE and ord(line[0]) >= _WIDE
        text += line if wide else f" {line}"
    return text.strip()
