"""An authenticator app, and signing in with it."""

from base64 import b32decode
from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from appliance.tenants import totp
from tests.integration.web.page import LOGIN, Page


class App:
    """An authenticator app, whose clock the test moves: it never shows a code a second time."""

    def __init__(self, told: dict[str, Any], now: list[datetime]) -> None:
        self.secret = b32decode(told["secret"])
        self.recovery: list[str] = told["recovery_codes"]
        self._now = now

    def code(self) -> str:
        """The next step's code, when that step has come."""
        self._now[0] += timedelta(seconds=totp.STEP)
        return self.same()

    def same(self) -> str:
        """The code of now, however often that was shown."""
        return totp.code_of(self.secret, totp.step_of(self._now[0]))


def enrol(page: Page, now: list[datetime]) -> App:
    assert page("PUT", "/me/totp") == 200
    app = App(page.last.json(), now)
    assert page("POST", "/me/totp/confirm", {"code": app.code()}) == 200, page.last.text
    assert page.last.json() == {"enrolled": True, "recovery_codes_left": 10}
    return app


def login(client: TestClient, **more: object) -> tuple[int, dict[str, Any]]:
    answer = client.post("/api/v1/login", json={**LOGIN, **more})
    client.cookies.clear()
    return answer.status_code, answer.json()
