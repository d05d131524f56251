"""What is wanted of a search besides the question: how much, from where, and how it is given. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from appliance.knowledge.errors import TypeUnknown
from appliance.knowledge.parsing.formats import FORMATS

Spoken = Literal["en", "zh", "zh-Hans", "zh-Hant", "und"]
"""The languages of documents; ``zh`` is both scripts."""

Fold = Literal["none", "same", "alike"]

_TYPES: Final = {one.media_type: one.media_type for one in FORMATS} | {
    suffix.removeprefix("."): one.media_type for one in FORMATS for suffix in one.suffixes
}
_SCRIPTS: Final[dict[str, tuple[str, ...]]] = {"zh": ("zh-Hans", "zh-Hant")}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents are looked into; empty: all. Of the revision that is served.

    ``tags``: a document has them all. ``since`` and ``until``: when what it says was taken in, the second excluded.
    ``sources``: that it came from, by id or name.
    """

    types: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    sources: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.types or self.languages or self.tags or self.since or self.until or self.sources)


@dataclass(frozen=True, slots=True)
class Wish:
    """``collections`` by id or name, None: all.

    ``fold``: which passages stand under a better one: those of the same letters, or those too that say the same with
    small differences. ``stitch``: so many neighbours on each side are
    given with a passage, and passages that meet become one.
    """

    limit: int = 10
    collections: Sequence[str] | None = None
    filters: Filters = Filters()
    fold: Fold = "none"
    stitch: int = 0


PLAIN: Final = Wish()


def media_types(named: Sequence[str]) -> tuple[str, ...]:
    """Of types that are named as a file's suffix (pdf) or as themselves. Raises TypeUnknown."""
    known = [(name, _TYPES.get(name.strip().lower().removeprefix("."))) for name in named]
    for name, found in known:
        if found is None:
            raise TypeUnknown(f"there is no type {name!r}")
    return tuple(dict.fromkeys(found for _, found in known if found))


def scripts(languages: Sequence[str]) -> tuple[str, ...]:
    """The languages as documents have them."""
    return tuple(dict.fromkeys(one for language in languages for one in _SCRIPTS.get(language, (language,))))
