"""Jobs, models and deployments."""

from pathlib import Path

import pytest

from appliance.entry.cli import jobs
from appliance.entry.cli.client import connect
from appliance.entry.cli.jobs import JobFailed
from appliance.kit.errors import ApplianceError
from tests.factories.cli import Run, document


def test_jobs_are_listed_shown_followed_and_cancelled(cli: Run, taken: str) -> None:
    assert "knowledge.ingest" in cli("jobs", "list", "--limit", 3)[1]
    job = document(cli("jobs", "list", "--state", "succeeded", "--json")[1])["items"][0]
    assert job["id"] in cli("jobs", "show", job["id"])[1]
    assert document(cli("jobs", "show", job["id"], "--json")[1])["state"] == "succeeded"
    code, printed = cli("jobs", "watch", job["id"])
    assert code == 0
    assert "state" in printed  # of a small file's ingest there is no progress to tell
    assert document(cli("jobs", "watch", job["id"], "--json")[1])["id"] == job["id"]
    assert "It is succeeded." in cli("jobs", "cancel", job["id"])[1]
    assert document(cli("jobs", "cancel", job["id"], "--json")[1])["state"] == "succeeded"


def test_a_job_that_failed_ends_the_watching_with_exit_code_1(cli: Run, folder: Path, name: str) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\nnot a page")
    cli("ingest", folder / "torn.pdf", "--collection", name)
    job = document(cli("jobs", "list", "--state", "failed", "--limit", 1, "--json")[1])["items"][0]
    assert cli("jobs", "watch", job["id"])[0] == 1


def test_models_and_deployments_are_listed_and_verified(cli: Run) -> None:
    assert "all-minilm-l6-v2" in cli("models", "list")[1]
    items = document(cli("models", "list", "--json")[1])["items"]
    assert {item["state"] for item in items} == {"verified"}
    assert "verified" in cli("models", "verify", "all-minilm-l6-v2")[1]
    assert len(document(cli("models", "verify", "--json")[1])["items"]) == len(items)
    assert document(cli("models", "pull", "all-minilm-l6-v2", "--json")[1])["items"][0]["state"] == "verified"
    with pytest.raises(ApplianceError, match="gpt-9"):
        cli("models", "verify", "gpt-9")
    assert "smollm2-135m-instruct" in cli("deployments", "list")[1]
    assert document(cli("deployments", "list", "--json")[1])["items"][0]["desired"] == "running"


def test_waiting_for_a_job_that_fails_is_a_failure(cli: Run, folder: Path, name: str) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\nnot a page")
    cli("ingest", folder / "torn.pdf", "--collection", name)
    with connect() as api:
        failed = api.get("/api/v1/jobs", state="failed", limit=1)["items"][0]["id"]
        with pytest.raises(JobFailed, match=failed):
            jobs.ended(api, failed)
