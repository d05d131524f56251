"""Markdown (CommonMark and tables). The normal text is the file itself, marks and all: its lines are the file's lines.

markdown-it gives the lines of every block; offsets are found from those, so nothing is searched for or made up.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Block, Kind, Parsed
from appliance.knowledge.parsing.plain import checked
from appliance.knowledge.parsing.writer import Headings, flat

_FENCE: Final = "---\n"


def parse(text: str, limits: ParseLimits) -> Parsed:
    """A Markdown file as a document; its title is the front matter's or the first heading."""
    body = checked(text, limits)
    front = _front_matter(body)
    blanked = body[:front].replace("-", " ") if front else ""  # keeps every offset; the fence would read as a heading
    source = blanked + body[front:]
    lines = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    blocks = tuple(_blocks(body, lines, tokens))
    title = _titled(body[:front]) or next((_flat_heading(body, one) for one in blocks if one.kind == "heading"), "")
    return Parsed(body, blocks, "text/markdown", title)


def _front_matter(text: str) -> int:
    """The offset behind YAML front matter; 0 where there is none."""
    if not text.startswith(_FENCE):
        return 0
    end = text.find("\n" + _FENCE, len(_FENCE) - 1)
    return end + 1 + len(_FENCE) if end >= 0 else 0


def _titled(front: str) -> str:
    for line in front.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "title":
            return flat(value).strip("\"'")
    return ""


def _flat_heading(text: str, block: Block) -> str:
    return flat(text[block.start : block.end]).strip("#= -").strip()


def _blocks(text: str, lines: Sequence[int], tokens: Sequence[Token]) -> Iterator[Block]:
    headings = Headings()
    within: list[str] = []
    for place, token in enumerate(tokens):
        if token.nesting > 0:
            within.append(token.type)
        elif token.nesting < 0:
            within.pop()
        kind = _kind(token, within)
        if kind is None or token.map is None:
            continue
        span = _span(text, lines, *token.map)
        if span is None:
            continue
        if kind == "heading":
            level = int(token.tag[1:])
            headings.enter(level, _shown(tokens[place + 1]))
            yield Block(kind, *span, level, None, headings.path[:-1])
        else:
            yield Block(kind, *span, 0, None, headings.path)


_LEAVES: Final[dict[str, Kind]] = {"fence": "code", "code_block": "code", "html_block": "paragraph"}


def _kind(token: Token, within: Sequence[str]) -> Kind | None:
    """What block a token begins, None for those that only hold others."""
    if token.type == "heading_open":
        return "heading"
    if token.type == "paragraph_open":
        return "item" if "list_item_open" in within else "paragraph"
    if token.type == "tr_open":
        return "header_row" if "thead_open" in within else "row"
    return _LEAVES.get(token.type)


def _shown(inline: Token) -> str:
    """A heading as it is read: without its marks."""
    return flat("".join(child.content or " " for child in inline.children or () if child.type != "html_inline"))


def _span(text: str, lines: Sequence[int], first: int, last: int) -> tuple[int, int] | None:
    start, end = lines[first], lines[min(last, len(lines) - 1)]
    body = text[start:end]
    left, right = start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip()))
    return (left, right) if right > left else None
