"""An entry says what it knows, calls unknown what it does not, and nothing else gets in."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from appliance.catalog import entry
from appliance.catalog.entry import BadEntry, EntryNotFound

SMOLLM2 = (entry.ENTRIES / "smollm2-135m-instruct.yaml").read_text()
NAME = "smollm2-135m-instruct"


def test_every_entry_that_ships_can_be_read_and_is_dated() -> None:
    found = entry.load()
    assert {NAME, "all-minilm-l6-v2"} <= set(found)
    assert list(found) == sorted(found)
    assert all(each.licence.read.year > 2020 for each in found.values())
    assert entry.one(NAME).licence.doubts == ()


FAMILIES = {
    "Qwen2.5", "Qwen3", "Llama 3.1", "Llama 3.2", "Mistral", "Mistral NeMo", "Gemma", "Gemma 2", "Phi-3", "Phi-4",
    "ChatGLM3", "GLM-4", "MiniCPM", "MiniCPM3", "MiniCPM-S", "MiniCPM-V", "InternVL2", "InternLM2.5", "Orion", "DCLM",
    "OpenELM", "Yi 1.5", "DeepSeek-R1 Distill", "SmolLM2", "bge", "Qwen3 Embedding", "MiniLM",
}  # fmt: skip


def test_the_families_that_enterprises_weigh_are_there_and_each_entry_says_what_it_rests_on() -> None:
    found = entry.load().values()
    assert {each.family for each in found} == FAMILIES
    assert {each.kind for each in found} == {"language", "encoder", "reranker"}
    assert [each.name for each in found if len(each.licence.source) < 40] == []
    assert [each.name for each in found if not each.sources] == []
    assert [each.name for each in found if each.kind != "language" and each.served.how == "native"] == []


def test_every_reader_of_tool_calls_that_an_entry_names_is_one_of_vllm_s() -> None:
    vllm = Path(find_spec("vllm").origin or "").parent  # type: ignore[union-attr] # it is installed
    source = (vllm / "tool_parsers" / "__init__.py").read_text()  # to ask for the spec of this would import torch
    (table,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_TOOL_PARSERS_TO_REGISTER"
    )
    named = {each.family: each.served.tools for each in entry.load().values() if each.served.tools}
    assert named == {
        "Llama 3.1": "llama3_json",
        "Llama 3.2": "llama3_json",
        "Mistral": "mistral",
        "Mistral NeMo": "mistral",
        "Qwen2.5": "hermes",
        "Qwen3": "hermes",
    }
    assert set(named.values()) <= set(ast.literal_eval(table))


def test_terms_that_nobody_has_read_are_unknown_and_those_that_were_read_are_not() -> None:
    doubtful = {name for name, each in entry.load().items() if each.licence.doubts}
    assert {"glm-4-9b-0414", "openelm-3b-instruct", "qwen2.5-3b-instruct", "internvl2-8b"} <= doubtful
    assert (
        not {"qwen2.5-7b-instruct", "llama-3.1-8b-instruct", "gemma-2-9b-it", "minicpm3-4b", "glm-4-9b-chat"} & doubtful
    )
    llama, minicpm = entry.one("llama-3.1-8b-instruct").licence, entry.one("minicpm3-4b").licence
    assert (llama.user_cap, llama.naming.duty, llama.outputs_train_others.use) == (7 * 10**8, "required", "conditional")
    glm = entry.one("glm-4-9b-chat").licence
    assert (glm.registration.duty, glm.naming.duty, glm.commercial.use) == ("required", "required", "conditional")
    assert (minicpm.registration.duty, minicpm.outputs_train_others.use) == ("required", "forbidden")


SHARED = re.sub(
    r"^licence:\n(  .*\n)+",
    "licence: {terms: apache-2.0, source: here, read: 2026-11-26}\n",
    SMOLLM2,
    flags=re.MULTILINE,
)


def test_terms_that_many_weights_share_stand_once_and_an_entry_may_differ_in_one() -> None:
    plain = entry.parse(SHARED, NAME).licence
    assert (plain.id, plain.user_cap, plain.source[:13]) == ("Apache-2.0", "none", "here; terms: ")
    own = entry.parse(SHARED.replace("source: here", "user_cap: 5, source: here"), NAME).licence
    assert own.model_copy(update={"user_cap": "none"}) == plain


@pytest.mark.parametrize("terms", ["apache-3", "../entries/smollm2-135m-instruct", "[a]"])
def test_terms_that_there_are_not_are_told(terms: str) -> None:
    with pytest.raises(BadEntry, match="there are no terms"):
        entry.parse(SHARED.replace("apache-2.0", terms), NAME)


def test_every_file_of_terms_is_used() -> None:
    named = {
        re.findall(r"^  terms: (.*)$", path.read_text(), re.MULTILINE)[0]
        for path in entry.ENTRIES.glob("*.yaml")
        if "  terms: " in path.read_text()
    }
    assert named == {path.stem for path in entry.LICENCES.glob("*.yaml")}


@pytest.mark.parametrize(
    ("pattern", "instead", "named"),
    [
        (r"^parameters: \d+", "parameters: '135M'", "parameters"),
        (r"^parameters: \d+", "parameters: 0", "parameters"),
        (r"^context: \d+", "context: 8192\ncontext: 1", "occurs twice"),
        (r"^modality: text", "modality: smell", "modality"),
        (r"^modality: text", "modality: text\nstars: 5", "stars"),
        (r"^served: .*", "served: {how: remote_code}", "a reason is given exactly"),
        (r"^served: .*", "served: {how: native, why: because}", "a reason is given exactly"),
        (r"^served: .*", "served: {how: remote_code, why: because, tools: hermes}", "calls no tools"),
        (r"^served: .*", "served: {how: native, tools: --evil}", "tools"),
        (r"commercial: .*", "commercial: {use: conditional}", "conditions are given exactly"),
        (r"commercial: .*", "commercial: {use: yes}", "commercial"),
        (r"naming: .*", "naming: {duty: required}", "a text is given exactly"),
        (r"user_cap: none", "user_cap: 0", "user_cap"),
        (r"read: .*", "read: yesterday", "read"),
        (r"^name: .*", "name: another", "holds the entry another"),
        (r"^name: .*", "name: ../x", "name"),
        (r"^title: .*", "title: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        (r"^title: .*", "title: [", "cannot be read"),
    ],
)
def test_what_is_no_entry_is_told(pattern: str, instead: str, named: str) -> None:
    text = re.sub(pattern, instead, SMOLLM2, count=1, flags=re.MULTILINE)
    assert text != SMOLLM2
    with pytest.raises(BadEntry, match=re.escape(named)):
        entry.parse(text, NAME)


@pytest.mark.parametrize(
    ("pattern", "instead", "doubt"),
    [
        (r"user_cap: none", "user_cap: unknown", "user_cap is unknown"),
        (r"naming: .*", "naming: {duty: unknown}", "naming is unknown"),
        (r"outputs_train_others: .*", "outputs_train_others: {use: unknown}", "outputs_train_others is unknown"),
        (r"commercial: .*", "commercial: {use: forbidden}", "commercial use is forbidden"),
        (r"id: Apache-2.0", "id: unknown", "id is unknown"),
    ],
)
def test_an_unknown_or_forbidding_term_is_a_doubt_and_changes_the_digest(
    pattern: str, instead: str, doubt: str
) -> None:
    plain, other = entry.parse(SMOLLM2, NAME).licence, entry.parse(re.sub(pattern, instead, SMOLLM2), NAME).licence
    assert other.doubts == (doubt,)
    assert plain.digest != other.digest


def test_conditions_are_no_doubt_they_are_accepted() -> None:
    text = SMOLLM2.replace("commercial: {use: allowed}", "commercial: {use: conditional, conditions: [up to 5 users]}")
    assert entry.parse(text, NAME).licence.doubts == ()


def test_of_weights_without_an_entry_every_term_is_unknown() -> None:
    assert len(entry.terms(None, "Apache-2.0").doubts) == 7
    assert entry.terms("no such entry", "MIT") == entry.unknown_terms("MIT")
    assert entry.terms(NAME, "Apache-2.0") == entry.one(NAME).licence


def test_an_entry_that_there_is_not_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match="nobody"):
        entry.one("nobody")
    assert entry.load(tmp_path) == {}
