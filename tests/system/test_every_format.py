"""A folder with a file of every format is taken in, and a question to each is answered with a citation that is true."""

from pathlib import Path

import pytest

from appliance.kit.ids import uuid7
from appliance.knowledge.parsing.formats import FORMATS
from tests.factories.appliance import Appliance
from tests.factories.cli import document, run
from tests.factories.every import Sample, samples


def asked(made: Appliance, collection: str, sample: Sample) -> str | None:
    """What is wrong with the answer to a sample's question, or None.

    The cited source is opened as a reader does: the text of the revision that is cited, at the cited place.
    """
    answer = document(run("ask", sample.question, "--collection", collection, "--json")[1])
    if answer["mode"] != "quoted":
        return f"{sample.name}: {answer['mode']}: {answer['answer']}"
    cited = answer["citations"][0]
    with made.api() as api:
        text = api.get(f"/api/v1/documents/{cited['document_id']}/text").json()
    found = {
        "document": (cited["document"], sample.name),
        "page": (cited["page"], sample.page),
        "revision": (cited["revision_id"], text["revision_id"]),
        "span": (text["text"][cited["start"] : cited["end"]], cited["quote"]),
        "line": (cited["line"], text["text"].count("\n", 0, cited["start"]) + 1),
    }
    wrong = [f"{name}: {is_!r}, not {should!r}" for name, (is_, should) in found.items() if is_ != should]
    if sample.fact not in cited["quote"]:
        wrong.append(f"{sample.fact!r} is not in {cited['quote']!r}")
    return f"{sample.name}: {'; '.join(wrong)}" if wrong else None


def test_a_file_of_every_format_is_ready_and_cited_at_its_place(
    running: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running.wait_ready("encoder", seconds=400)  # whose libraries take long to import on a busy machine
    monkeypatch.setenv("APPLIANCE_DATA", str(running.data))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    every, folder, collection = samples(), tmp_path / "folder", f"every-{uuid7().hex}"
    folder.mkdir()
    for sample in every:
        (folder / sample.name).write_bytes(sample.content)
    code, printed = run("ingest", folder, "--collection", collection, "--json")
    told = document(printed)
    assert {file["name"]: file["reason"] for file in told["files"] if file["state"] != "ready"} == {}
    assert (code, told["counts"]) == (0, {"ready": len(every)})

    listed = document(run("documents", "list", "--collection", collection, "--json")[1])["items"]
    assert {one["media_type"] for one in listed} == {one.media_type for one in FORMATS}
    wrong = [failure for sample in every if (failure := asked(running, collection, sample))]
    assert wrong == []
