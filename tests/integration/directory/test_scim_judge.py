"""scim2-tester, which others wrote, judges our SCIM service against the RFCs."""

import scim2_tester
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status
from starlette.testclient import TestClient

from tests.integration.directory.entra import Scim

FEWEST = 60
"""Checks that there are at least: a judge that found nothing to look at finds no fault either."""


def test_an_independent_judge_finds_nothing(scim: Scim, client: TestClient) -> None:
    client.headers["authorization"] = f"Bearer {scim.key}"
    client.base_url = client.base_url.join("/scim/v2/")
    results = scim2_tester.check_server(SyncSCIMClient(client))
    faults = [(result.title, result.reason) for result in results if result.status is not Status.SUCCESS]
    assert faults == []
    assert len(results) >= FEWEST
