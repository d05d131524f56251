"""Passages for tests, without a database."""

from uuid import UUID, uuid5

from appliance.chat.evidence import Pool, Source, pool

SPACE = UUID(int=7)


def passage(text: str, *, name: str = "handbook.md", headings: tuple[str, ...] = (), lead: str = "") -> Source:
    """A passage of the document ``name``; ids follow from the names, so that the same call gives the same source."""
    document = uuid5(SPACE, name)
    return Source(
        document=document,
        name=name,
        revision=uuid5(document, "revision"),
        chunk=uuid5(document, text),
        text=text,
        headings=headings,
        lead=lead,
    )


def pooled(*texts: str) -> Pool:
    """A pool of one passage for each text, each of a document of its own."""
    return pool([passage(text, name=f"{number}.md") for number, text in enumerate(texts)])
