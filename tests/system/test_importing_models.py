"""The operator's page on importing, as it stands, on a whole appliance; and its verbs from outside, errors included.

No engine runs: what is brought in here is deployed by `test_operating_models.py`.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.catalog import manifest
from tests.factories import lora, pages
from tests.factories.appliance import CONTROL_PLANE, MODELS, ROOT, Appliance

PAGE = ROOT / "docs/operator/importing.md"
ENTRY = "smollm2-135m-instruct"
BLOCK_SECONDS = 300
UNKNOWN_TERMS = 7
"""Of a version without an entry nothing is known but its licence's name, if its manifest has one."""


@dataclass(frozen=True, slots=True)
class Site:
    """An appliance with a model store of its own, and what a person has beside it."""

    appliance: Appliance
    model: Path
    work: Path
    keys: Path

    def run(self, *words: str) -> tuple[int, str, str]:
        """One verb of ``models``, in a process of its own: exit code, standard output, standard error."""
        done = self.appliance.run("models", *words)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def told(self, *words: str) -> dict[str, Any]:
        """The one JSON document that a verb prints."""
        code, printed, errors = self.run(*words, "--json")
        assert code == 0, errors
        (line,) = printed.splitlines()
        return dict(json.loads(line))

    def failure(self, *words: str) -> str:
        """The sentence that a verb says when it fails; the problem is the one JSON document that it prints."""
        code, printed, errors = self.run(*words, "--json")
        (line,) = printed.splitlines()
        problem = json.loads(line)["error"]
        assert (code, bool(problem["code"])) == (1, True)
        return " ".join(errors.split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("importing")
    made = Site(Appliance(place / "data"), place / "our-smollm2", place / "work", place / "keys")
    shutil.copytree(MODELS, place / "models")
    shutil.copytree(MODELS / ENTRY, made.model, ignore=shutil.ignore_patterns(manifest.NAME))
    for directory in (made.work, made.keys):
        directory.mkdir()
    made.appliance.settings.update(
        APPLIANCE_MODELS=str(place / "models"),
        APPLIANCE_ENGINE__ENABLED="false",
        APPLIANCE_CATALOG__TRUSTED_KEYS=str(made.keys),
        XDG_CONFIG_HOME=str(place / "config"),
    )
    made.appliance.start()
    try:
        made.appliance.wait_ready(*CONTROL_PLANE)
        yield made
    finally:
        made.appliance.stop()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A directory of few weights, as one downloads it."""
    directory = lora.base(tmp_path, "download")
    (directory / manifest.NAME).unlink()
    (directory / "tokenizer.json").write_text("{}")
    return directory


@pytest.fixture
def hostile(tiny: Path) -> Path:
    """The same with code in it."""
    (tiny / "modeling_evil.py").write_text("raise SystemExit('it ran')\n")
    return tiny


@pytest.fixture(scope="module")
def printed(site: Site) -> list[str]:
    """What the blocks of the page print, in order. The key that the page makes is trusted as soon as it is there."""
    environment = {**site.appliance.environment(), "MODEL": str(site.model), "WORK": str(site.work)}
    told = []
    for block in pages.blocks(PAGE):
        told.append(pages.run(block, environment, BLOCK_SECONDS))
        public = site.work / "models.pem"
        if public.exists():
            shutil.copy(public, site.keys)
    return told


def test_the_page_on_importing_is_true(site: Site, printed: list[str]) -> None:
    listed, imported, carried, accepted, overridden, fits, verified, adapters = printed
    assert ENTRY in listed
    assert "our-smollm2" in imported
    assert "carried-smollm2" in carried
    assert "Apache-2.0" in accepted
    assert "carried-smollm2" in overridden
    assert "fits" in fits
    assert verified.count("verified") >= 2
    assert "legal-style" in adapters
    ours, theirs = site.told("show", "our-smollm2"), site.told("show", "carried-smollm2")
    assert (ours["entry"], ours["doubts"], ours["digest"]) == (ENTRY, [], theirs["digest"])
    assert (theirs["entry"], len(theirs["doubts"]), theirs["licence"]) == (None, UNKNOWN_TERMS, "Apache-2.0")
    for model in (ours, theirs):
        assert (model["state"], model["kind"]) == ("verified", "language")
        assert model["activated_at"] is not None
    reasons = "select details->>'override' from audit_entries where action = 'model.activate' and object = %s"
    assert site.appliance.value(reasons, theirs["id"]) == "I read LICENSE beside the files on 3 March: Apache 2.0."


def test_a_version_is_imported_shown_and_activated_by_its_digest_and_id(site: Site, tiny: Path) -> None:
    (made,) = site.told("import", str(tiny), "--name", "second", "--entry", ENTRY)["items"]
    assert (made["state"], made["activated_at"], made["signature"]) == ("verified", None, "unsigned")
    by_digest = site.told("show", made["digest"][:12])
    assert by_digest["id"] == made["id"]
    assert set(by_digest["files"]) == {file.name for file in tiny.iterdir()}
    refused = site.failure("activate", "second")
    assert "was not accepted" in refused
    assert site.told("show", "second")["activated_at"] is None
    active = site.told("activate", made["id"], "--accept-licence")
    assert active["activated_at"] is not None
    assert site.told("activate", made["id"], "--accept-licence")["activated_at"] == active["activated_at"]
    assert "second" in site.run("show", "second")[1]
    (again,) = site.told("import", str(tiny), "--name", "second", "--entry", ENTRY)["items"]
    assert again["id"] == made["id"]


def test_terms_in_doubt_stop_an_activation_until_somebody_says_why(site: Site, tiny: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "doubtful.tar"
    packed = site.told("pack", str(tiny), str(bundle), "--name", "doubtful")
    assert (packed["name"], packed["signed"], packed["bundle"]) == ("doubtful", False, str(bundle))
    (made,) = site.told("import", str(bundle))["items"]
    assert (made["name"], made["digest"], made["licence"]) == ("doubtful", packed["digest"], "unknown")
    assert "commercial is unknown" in site.failure("activate", "doubtful", "--accept-licence")
    assert "was not accepted" in site.failure("activate", "doubtful", "--override", "A contract of 3 March.")
    told = site.told("activate", "doubtful", "--accept-licence", "--override", "A contract of 3 March.")
    assert told["activated_at"] is not None


@pytest.mark.parametrize("verb", ["show", "activate"])
def test_what_is_not_there_is_said_by_name(site: Site, verb: str) -> None:
    assert "There is no model 'gpt-9'." in site.failure(verb, "gpt-9")


def test_what_is_no_model_or_holds_code_does_not_come_in(site: Site, hostile: Path, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "nowhere", "nowhere"), (hostile, "modeling_evil.py")):
        assert words in site.failure("import", str(path), "--name", "refused")
    (hostile / "modeling_evil.py").unlink()
    assert "unheard-of" in site.failure("import", str(hostile), "--name", "refused", "--entry", "unheard-of")
    assert "refused" not in [one["name"] for one in site.told("list")["items"]]


def test_what_would_not_come_in_is_not_packed(site: Site, hostile: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar"
    (tmp_path / "no.key").write_text("no key")

    def refused(directory: Path, *more: str) -> str:
        said = site.failure("pack", str(directory), str(bundle), "--name", "x", *more)
        assert not bundle.exists()
        return said

    assert "nowhere" in refused(tmp_path / "nowhere")
    assert "modeling_evil.py" in refused(hostile)
    (hostile / "modeling_evil.py").unlink()
    for key in ("no.key", "none.key"):
        assert "holds no private key" in refused(hostile, "--key", str(tmp_path / key))


def test_a_signed_bundle_says_by_whom_and_a_changed_one_is_refused(
    site: Site, printed: list[str], tiny: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "signed.tar"
    key = site.work / "models.key"
    assert site.told("pack", str(tiny), str(bundle), "--name", "signed", "--key", str(key))["signed"] is True
    (made,) = site.told("import", str(bundle))["items"]
    assert (made["signature"], bool(made["signed_by"])) == ("verified", True)
    whole = bytearray(bundle.read_bytes())
    whole[whole.index(b"model_type")] ^= 1
    bundle.write_bytes(whole)
    assert "its manifest lists other files than it holds" in site.failure("import", str(bundle))
