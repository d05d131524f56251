"""What the catalogue knows of a model before anybody has its weights: one YAML file each in ``entries/``.

Terms of a licence are data, as the stored copy of the licence says on the day it was read; ``unknown`` is a value. What
is unknown or forbidden stands in the way of an activation until an operator overrides it and says why.

What many weights share stands once, in ``licences/``: an entry's ``licence`` names it as ``terms``, says who put the
weights under it, and may differ in a term.
"""

import json
from collections.abc import Hashable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from appliance.catalog.manifest import Kind
from appliance.kit.canonical import digest_of
from appliance.kit.errors import Broken, NotFound

ENTRIES: Final = Path(__file__).with_name("entries")
LICENCES: Final = Path(__file__).with_name("licences")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]
Parser = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Permission = Literal["allowed", "conditional", "forbidden", "unknown"]
_DUTIES: Final = ("registration", "attribution", "naming", "acceptable_use")


class EntryNotFound(NotFound):
    """The catalogue has no entry of this name."""

    code = "entry_not_found"
    advice = "List the catalogue with 'appliance models entries list'."


class BadEntry(Broken):
    """An entry of the catalogue cannot be read."""

    code = "bad_entry"
    advice = "Reinstall the appliance: its catalogue is damaged."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Use(_Strict):
    """Whether something is permitted; ``conditions`` say under which terms, and must where it is conditional."""

    use: Permission
    conditions: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _conditional_says_how(self) -> Self:
        if (self.use == "conditional") != bool(self.conditions):
            raise ValueError("conditions are given exactly where the use is conditional")
        return self


class Duty(_Strict):
    """Something that the licence asks of who uses the weights; ``text`` says what, where it is required."""

    duty: Literal["required", "none", "unknown"]
    text: Text | None = None

    @model_validator(mode="after")
    def _required_says_what(self) -> Self:
        if (self.duty == "required") != (self.text is not None):
            raise ValueError("a text is given exactly where the duty is required")
        return self


class Terms(_Strict):
    """What the weights' licence says. ``id``: SPDX where there is one.

    ``user_cap``: users, monthly or as the conditions count them, from which it ends.

    ``source`` is the stored copy that was read, on the day ``read``; ``acceptable_use``: a policy that flows down.
    """

    id: Text
    commercial: Use
    registration: Duty
    attribution: Duty
    naming: Duty
    user_cap: Annotated[int, Field(gt=0)] | Literal["none", "unknown"]
    outputs_train_others: Use
    acceptable_use: Duty
    source: Text
    read: date

    @property
    def doubts(self) -> tuple[str, ...]:
        """What stands in the way of an activation: every term that is unknown, and commercial use that is forbidden."""
        uses = {"commercial": self.commercial.use, "outputs_train_others": self.outputs_train_others.use}
        duties = {name: getattr(self, name).duty for name in _DUTIES}
        told = {"id": self.id, **uses, **duties, "user_cap": self.user_cap}
        doubts = [f"{name} is unknown" for name, value in told.items() if value == "unknown"]
        return (*doubts, *(["commercial use is forbidden"] if self.commercial.use == "forbidden" else []))

    @property
    def digest(self) -> str:
        """Names these terms, so that what was accepted can be told from what an upgrade of the catalogue says."""
        return digest_of(self.model_dump(mode="json"))


class Served(_Strict):
    """How vLLM serves it. ``remote_code`` is refused: it would run Python from the model's directory.

    ``prepare``: what must be done to the published files before they can be imported. ``tools``: vLLM's parser for the
    form in which the model, as its chat template teaches it, writes calls of tools; None where none is known.
    """

    how: Literal["native", "remote_code", "not_served"]
    why: Text | None = None
    prepare: Text | None = None
    tools: Parser | None = None

    @model_validator(mode="after")
    def _refusal_says_why(self) -> Self:
        if (self.how == "native") != (self.why is None):
            raise ValueError("a reason is given exactly where vLLM does not serve it natively")
        if self.tools is not None and self.how != "native":
            raise ValueError("what vLLM does not serve calls no tools")
        return self


class Suggested(_Strict):
    """How to run it at first."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    quantisation: Literal["none", "fp8", "awq", "gptq"] = "none"


class Source(_Strict):
    """Where the weights come from: ``at`` is a hub's ``owner/name``, or a package's requirement."""

    kind: Literal["hub", "modelscope", "package", "other"]
    at: Text
    revision: Text | None = None


class Counted(_Strict):
    """What the number of parameters was checked against, on the day ``read``."""

    source: Text
    read: date


class Entry(_Strict):
    """One model. ``parameters``: all of its weights; ``counted`` tells how that is known. ``context`` in tokens.

    ``architecture`` is its class, as in ``architectures`` of config.json. ``languages`` BCP-47; empty: nobody has said.
    """

    name: Name
    title: Text
    family: Text
    kind: Kind
    parameters: Annotated[int, Field(gt=0)]
    counted: Counted | Literal["unverified"]
    context: Annotated[int, Field(gt=0)]
    languages: tuple[Language, ...]
    modality: Literal["text", "text+image"]
    architecture: Text
    served: Served
    suggested: Suggested
    licence: Terms
    sources: tuple[Source, ...]


def unknown_terms(id_: str) -> Terms:
    """The terms of weights that the catalogue does not know: all of them unknown."""
    use, duty = Use(use="unknown"), Duty(duty="unknown")
    return Terms(
        id=id_,
        commercial=use,
        registration=duty,
        attribution=duty,
        naming=duty,
        user_cap="unknown",
        outputs_train_others=use,
        acceptable_use=duty,
        source="no entry of the catalogue",
        read=date.min,
    )


def parse(text: str, name: str) -> Entry:
    """The entry in a YAML text, which must be called ``name``. Raises :class:`BadEntry` with what is wrong."""
    try:
        told = _Once(text).get_single_data()
        if isinstance(told, dict) and isinstance(told.get("licence"), dict) and "terms" in told["licence"]:
            told["licence"] = _shared(told["licence"])
        found = Entry.model_validate_json(json.dumps(told, default=str))
    except (yaml.YAMLError, ValidationError, ValueError, TypeError) as error:
        raise BadEntry(f"The entry {name} cannot be read: {error}") from error
    if found.name != name:
        raise BadEntry(f"The file {name}.yaml holds the entry {found.name}.")
    return found


def _shared(told: dict[str, Any]) -> dict[str, Any]:
    """An entry's own words over the terms that it names; the source tells of both."""
    path = LICENCES / f"{Path(str(told['terms'])).name}.yaml"
    if not path.is_file():
        raise ValueError(f"there are no terms {told['terms']!r}")
    common = _Once(path.read_text(encoding="utf-8")).get_single_data()
    own = {key: value for key, value in told.items() if key != "terms"}
    return {**common, **own, "source": f"{own.get('source', '')}; terms: {common['source']}"}


def _stem(path: Path) -> str:
    return path.stem


@cache
def load(directory: Path = ENTRIES) -> dict[str, Entry]:
    """Every entry by name, in order. Raises :class:`BadEntry`."""
    return {
        path.stem: parse(path.read_text(encoding="utf-8"), path.stem)
        for path in sorted(directory.glob("*.yaml"), key=_stem)
    }


def one(name: str) -> Entry:
    """Raises :class:`EntryNotFound`."""
    found = load().get(name)
    if found is None:
        raise EntryNotFound(f"the catalogue has no entry {name!r}")
    return found


def terms(entry: str | None, licence: str) -> Terms:
    """The terms under the entry of a model version, or all unknown for one that has none any more."""
    found = load().get(entry) if entry else None
    return found.licence if found else unknown_terms(licence)


class _Once(yaml.SafeLoader):
    """Refuses a key that occurs twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as its base has it
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)
