"""A source at work: made over HTTP, synced by a real worker's runner, looked at over HTTP again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from appliance.jobs.runner import Runner
from appliance.kit import clock
from appliance.kit.settings import Settings
from tests.factories.processes import until
from tests.integration.web.conftest import House

Json = dict[str, Any]
STABLE = 0.5
"""Seconds after which a file counts as one that rests, by the settings of these tests."""
MAKES = "/api/v1/sources"


def write(path: Path, content: str = "# Leave\n\nEveryone has 25 days.\n") -> Path:
    """A file, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def rest(folder: Path) -> None:
    """Wait until every file below has rested long enough to be taken, by the settings of these tests."""

    def newest() -> float:
        return max((path.lstat().st_ctime for path in folder.rglob("*")), default=0.0)

    until(lambda: clock.now().timestamp() - newest() > STABLE, 10)


@dataclass
class Works:
    """What an administrator of tenant one does with sources."""

    client: TestClient
    house: House
    runner: Runner
    settings: Settings

    def __post_init__(self) -> None:
        self.admin = House.bearer(self.house.admin_of_one)
        self.collection = self.made("POST", "/api/v1/collections", {"name": "handbook"})["id"]

    def allow(self, host: str) -> None:
        """The operator lets tenant one reach a host that lies inside."""
        self._configure("sources", hosts={host: ["one"]})

    def limit(self, most: int) -> None:
        """The operator takes files of so many bytes at most."""
        self._configure("web", largest_upload=most)

    def _configure(self, section: str, **changed: object) -> None:
        inner = getattr(self.settings, section).model_copy(update=changed)
        self.settings = self.settings.model_copy(update={section: inner})
        self.client.app.state.settings = self.settings  # type: ignore[attr-defined] # Starlette's application

    def asked(self, verb: str, path: str, body: object = None, **options: Any) -> tuple[int, Json]:  # noqa: ANN401 - httpx's own
        headers = {**self.admin, **options.pop("headers", {})}
        answer = self.client.request(verb, path, json=body, headers=headers, **options)
        return answer.status_code, answer.json() if answer.content else {}

    def made(self, verb: str, path: str, body: object = None, **options: Any) -> Json:  # noqa: ANN401 - httpx's own
        status, told = self.asked(verb, path, body, **options)
        assert status < 300, told
        return told

    def add(self, settings: Json, name: str = "source", **more: object) -> str:
        """A new source's id."""
        body = {"name": name, "collection_id": self.collection, "settings": settings, **more}
        return str(self.made("POST", MAKES, body)["id"])

    def change(self, source: str, **changed: object) -> Json:
        now = self.made("GET", f"{MAKES}/{source}")
        body = {name: now[name] for name in ("name", "settings", "readers", "every_minutes")} | changed
        return self.made("PUT", f"{MAKES}/{source}", body, headers={"if-match": f'"{now["version"]}"'})

    def job(self, job: str) -> Json:
        """The job, once it has come to its end."""
        for _ in range(100):
            found = self.made("GET", f"/api/v1/jobs/{job}")
            if found["state"] in ("succeeded", "failed", "cancelled"):
                return found
            self.runner.run_next()
        raise AssertionError(found)

    def run(self, source: str, verb: str = "sync") -> Json:
        """A run's counts."""
        job = self.job(self.made("POST", f"{MAKES}/{source}/{verb}")["job"])
        assert job["state"] == "succeeded", job
        return {name: count for name, count in job["result"].items() if name not in ("dry", "complete")}

    def failed(self, source: str) -> str:
        """The code that a sync fails with."""
        job = self.job(self.made("POST", f"{MAKES}/{source}/sync")["job"])
        assert job["state"] == "failed", job
        return str(job["error_code"])

    def tried(self, source: str) -> set[tuple[str, str, str | None]]:
        """What a dry run says: (name, act, code)."""
        job = self.job(self.made("POST", f"{MAKES}/{source}/dry-run")["job"])
        return self.log(source, job=job["id"])

    def log(self, source: str, **query: str) -> set[tuple[str, str, str | None]]:
        """What the log has: (name, act, code)."""
        items = self.made("GET", f"{MAKES}/{source}/log", params={"limit": 200, **query})["items"]
        return {(line["name"], line["act"], line["reason_code"]) for line in items}

    def documents(self) -> dict[str, Json]:
        """All that are not being deleted, by name."""
        items = self.made("GET", "/api/v1/documents-access?limit=200")["items"]
        return {item["name"]: item for item in items if item["state"] != "deleting"}

    def work(self) -> None:
        """Run every job that may begin."""
        while self.runner.run_next() is not None:
            pass
