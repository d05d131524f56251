"""A real OIDC provider, in a process of its own on loopback, and a browser that signs in there."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import httpx2
from starlette.testclient import TestClient

from tests.factories.processes import uncounted, until

PUBLIC = "http://127.0.0.1:8080"
"""Where browsers reach us, as the settings say; the tests' client answers for it."""


class Idp:
    """The provider at a port; ``start`` begins it with keys of its own, as after a rotation."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self._port = port

    @contextmanager
    def start(self) -> Iterator[None]:
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self._port)]
        environment = {**uncounted(), "PYTHONWARNINGS": "ignore"}
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
        try:
            until(lambda: child.poll() is not None or self._answers(), 30)
            assert child.poll() is None
            yield
        finally:
            child.terminate()
            child.wait(10)

    def person(self, sub: str, **claims: object) -> None:
        """Let the provider say this of somebody."""
        httpx.put(f"{self.issuer}/users/{sub}", json=claims, trust_env=False).raise_for_status()

    def sign_in(self, address: str, sub: str, action: str = "") -> dict[str, str]:
        """What the browser brings back from the provider's page."""
        answer = httpx.post(address, data={"sub": sub, "action": action}, trust_env=False)
        assert answer.status_code == 302, answer.text
        where = answer.headers["location"]
        assert where.startswith(f"{PUBLIC}/api/v1/oidc/callback?"), where
        return {name: value[0] for name, value in parse_qs(urlsplit(where).query).items()}

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/jwks", trust_env=False).is_success
        except httpx.TransportError:
            return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Browser:
    """One browser: its cookies, and the way through both sites."""

    def __init__(self, client: TestClient, idp: Idp, tenant: object) -> None:
        client.cookies.clear()
        self.client = client
        self.idp = idp
        self.tenant = tenant

    def begin(self) -> httpx2.Response:
        return self.client.get(f"/api/v1/oidc/{self.tenant}/start", follow_redirects=False)

    def back(self, returned: dict[str, str]) -> httpx2.Response:
        return self.client.get("/api/v1/oidc/callback", params=returned, follow_redirects=False)

    def sign_in(self, sub: str) -> httpx2.Response:
        began = self.begin()
        assert began.status_code == 302, began.text
        return self.back(self.idp.sign_in(began.headers["location"], sub))

    def me(self) -> httpx2.Response:
        return self.client.get("/api/v1/me")
