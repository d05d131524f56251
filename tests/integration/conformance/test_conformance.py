"""The API does what its own description says, for everybody: no failure of ours, and nothing undocumented.

schemathesis draws requests from the description, good and bad ones; each is sent by every role. Ids in paths are the
callers' own in two of three, so that what is found there answers too.
"""

from collections import Counter
from http import HTTPStatus
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from tests.conftest import SEED
from tests.integration.conformance.callers import WHO, Callers
from tests.integration.isolation.places import DESCRIPTION, OPERATIONS, Operation

Drawn = Case[Any]
Described = APIOperation[Any, Any, Any, Any]
PARTS: Final = 10
DRAWN: Final = 4
"""Requests for each operation in a part, each sent by every role."""
ELSEWHERE: Final = {"not_fetched", "ldap_down"}
"""Codes of a 503 that tells of another company's server, which no test has: the examples' ``login.example.com``."""


def no_failure_of_ours(_: object, answer: schemathesis.Response, case: Drawn) -> None:
    """No status of 500 and more, but what says that something else is away: a probe, or whom we were sent to."""
    if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    told = answer.json()
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, told
    assert case.operation.path == "/readyz" or told["code"] in ELSEWHERE, told


UNRECORDED: Final = [
    "DELETE /api/v1/me/sessions/{session_id}",  # the sessions are over, deployment and clock well:
    "DELETE /api/v1/tenants/{tenant_id}/sessions/{session_id}",  # where nothing changes, nothing is recorded
    "DELETE /api/v1/tenants/{tenant_id}/users/{user_id}/sessions",
    "POST /api/v1/audit/heads",  # an entry of its own would ask for the next head
    "POST /api/v1/audit/verify",
    "POST /api/v1/collections/{collection_id}/retention/preview",
    "POST /api/v1/deployments/{deployment_id}/start",
    "POST /api/v1/licence/clock/accept",
    "POST /scim/v2/.search",
    "POST /scim/v2/Users/.search",
]
"""What leaves no entry in the audit record."""

CHECKS: Final = [
    no_failure_of_ours,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})  # the callers bring theirs
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION, config=CONFIG)
PAIRS: Final = [(SCHEMA[each.path][each.verb], each) for each in OPERATIONS]
pytestmark = pytest.mark.timeout(900)


class Judge:
    """Sends what was drawn, and keeps what was wrong."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self.faults: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.acts: dict[str, str] = {}
        """What changed something, by its request's id."""

    def hear(self, case: Drawn, operation: Operation) -> None:
        """One request as each of them."""
        for who in WHO:
            headers = {**dict(case.headers or {}), **self._callers.headers(who, operation)}
            answer = case.call(base_url=self._callers.url, headers=headers, timeout=60)
            self.statuses[answer.status_code] += 1
            try:
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as found:
                for fault in found.exceptions:
                    name = f"{operation} {type(fault).__name__} {answer.status_code}"
                    request = case.as_curl_command(headers)[:1000]
                    self.faults.setdefault(name, f"{who}: {fault}\n{answer.text[:500]}\n{request}")
            if case.method != "GET" and answer.status_code < 300:
                self.acts[answer.headers["x-request-id"][0]] = f"{case.method} {operation.path}"
                self._callers.refresh()

    def told(self) -> str:
        """The faults in full."""
        return "\n\n".join(f"{name}\n{told}" for name, told in self.faults.items())


def _cases(callers: Callers, described: Described, operation: Operation) -> st.SearchStrategy[Drawn]:
    """Good requests and bad ones, in two of three about what is there."""
    modes = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    own: dict[str, Any] = callers.own(operation)
    drawn = [described.as_strategy(generation_mode=mode) for mode in modes]
    if own:
        drawn += 2 * [described.as_strategy(generation_mode=mode, path_parameters=own) for mode in modes]
    return st.one_of(drawn)


def _draw(judge: Judge, strategy: st.SearchStrategy[Drawn], operation: Operation, part: int) -> None:
    @seed(SEED + part)
    @settings(max_examples=DRAWN, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def hear(case: Drawn) -> None:
        judge.hear(case, operation)

    hear()


@pytest.mark.repeated
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_answered_is_what_is_described(callers: Callers, part: int) -> None:
    judge = Judge(callers)
    for described, operation in PAIRS:
        _draw(judge, _cases(callers, described, operation), operation, part)
    assert judge.faults == {}, judge.told()
    assert {200, 401, 403, 404, 422} <= judge.statuses.keys()


def test_every_operation_answers_its_own_example_as_described(callers: Callers) -> None:
    judge = Judge(callers)
    for described, operation in PAIRS:
        for _ in range(2):
            home = callers.home
            judge.hear(described.Case(path_parameters=callers.own(operation) or None, **_body(operation)), operation)
            if callers.home is home:
                break  # else a credential was gone, since the act before perhaps: it is accepted for two seconds more
    assert judge.faults == {}, judge.told()
    recorded = {judge.acts[each] for each in callers.recorded(judge.acts)}  # a repeat that changes nothing is not
    assert sorted(set(judge.acts.values()) - recorded) == UNRECORDED


def _body(operation: Operation) -> dict[str, Any]:
    return {"body": operation.body, "media_type": operation.media} if operation.media else {}
