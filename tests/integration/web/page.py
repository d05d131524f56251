"""A browser on the appliance's own page."""

from starlette.testclient import TestClient

from appliance.access import cookies
from tests.integration.web.desk import PASSWORD

LOGIN = {"login": "ann", "password": PASSWORD}


class Page:
    """A browser on the appliance's page: it has a cookie, and shows the token with each change."""

    def __init__(self, client: TestClient, login: dict[str, str] | None = None) -> None:
        self.http = client
        client.cookies.clear()
        answer = client.post("/api/v1/login", json={**(login or LOGIN), "session": True})
        assert answer.status_code == 201, answer.text
        self.told = answer.json()
        self.header = answer.headers["set-cookie"]
        self.secret = client.cookies["appliance"]
        client.cookies.clear()

    def __call__(self, verb: str, path: str, body: object = None, csrf: str | None = "", **headers: str) -> int:
        """The status; ``csrf`` None leaves the token out, any other text but "" stands for it."""
        shown = {} if csrf is None else {cookies.HEADER: csrf or cookies.csrf(self.secret)}
        told = {"cookie": f"appliance={self.secret}"} | shown | {k.replace("_", "-"): v for k, v in headers.items()}
        self.last = self.http.request(verb, f"/api/v1{path}", json=body, headers=told)
        if "appliance" in self.http.cookies:
            self.secret = self.http.cookies["appliance"]
            self.http.cookies.clear()
        return self.last.status_code
