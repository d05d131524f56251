"""Each of our rules catches its bad sample and lets the good one pass; and the repository keeps them all."""

import pytest

from tests.rules import check, places, source

IN_A_SERVICE = "appliance/knowledge/service.py"
IN_A_TEST = "tests/unit/knowledge/test_service.py"

BAD = [
    (source.session_alias, "appliance/chat/api.py", "Tx = Annotated[Session, Depends(get_session)]"),
    (source.session_alias, "appliance/access/web.py", "Depends(get_session, scope='request')"),
    (source.session_alias, "appliance/chat/api.py", "Depends(get_session, scope='function')"),
    (source.commit_at_the_edge, IN_A_SERVICE, "self.session.commit()"),
    (source.commit_at_the_edge, IN_A_SERVICE, "session.rollback()"),
    (source.raw_vectors, IN_A_SERVICE, "from qdrant_client import QdrantClient"),
    (source.raw_vectors, IN_A_SERVICE, "import qdrant_edge"),
    (source.raw_vectors, "appliance/chat/service.py", "from appliance.drivers.vectors.edge import EdgeVectors"),
    (source.not_too_long, IN_A_SERVICE, "x = 1\n" * 301),
    (source.no_pickle, IN_A_SERVICE, "import pickle"),
    (source.no_pickle, IN_A_TEST, "from joblib import load"),
    (source.no_pickle, IN_A_SERVICE, "weights = torch.load(path)"),
    (source.no_pickle, IN_A_SERVICE, "weights = np.load(path, allow_pickle=True)"),
    (source.one_clock, IN_A_SERVICE, "from datetime import datetime\nat = datetime.now()"),
    (source.one_clock, IN_A_SERVICE, "import datetime\nat = datetime.datetime.utcnow()"),
    (source.one_clock, IN_A_SERVICE, "from datetime import date\nday = date.today()"),
    (source.no_joined_paths, IN_A_SERVICE, "path = os.path.join(root, name)"),
    (source.no_built_sql, IN_A_SERVICE, "session.execute(text(f'select * from {table}'))"),
    (source.no_built_sql, IN_A_SERVICE, "session.execute('select ' + column)"),
    (source.no_built_sql, IN_A_SERVICE, "cursor.execute('select %s' % column)"),
    (source.no_built_sql, IN_A_SERVICE, "text('select {}'.format(column))"),
    (source.no_sleep_but_polling, IN_A_TEST, "time.sleep(2)"),
    (source.no_patches, IN_A_TEST, "from unittest.mock import Mock"),
    (source.no_patches, IN_A_TEST, "monkeypatch.setattr(service, 'decide', fake)"),
    (source.reasoned_suppressions, IN_A_SERVICE, "x = 1  # no" + "qa: E501"),
    (source.reasoned_suppressions, IN_A_SERVICE, "x = f()  # type" + ": ignore[arg-type]"),
    (source.reasoned_suppressions, IN_A_SERVICE, "x = f()  # pragma" + ": no cover"),
    (source.plain_names, "appliance/chat/utils.py", ""),
    (source.plain_names, IN_A_SERVICE, "class SessionManager: ..."),
]

GOOD = [
    (source.session_alias, "appliance/access/web.py", "Depends(get_session, scope='function')"),
    (source.session_alias, "appliance/chat/api.py", "Depends(caller)"),
    (source.commit_at_the_edge, "appliance/entry/worker.py", "session.commit()"),
    (source.commit_at_the_edge, "appliance/chat/tasks.py", "session.commit()"),
    (source.raw_vectors, "appliance/drivers/vectors/edge.py", "import qdrant_edge"),
    (source.raw_vectors, IN_A_SERVICE, "from appliance.drivers.vectors.port import Vectors"),
    (source.not_too_long, IN_A_SERVICE, "x = 1\n" * 300),
    (source.no_pickle, IN_A_SERVICE, "rows = np.load(path)\nrules = json.load(stream)"),
    (source.one_clock, IN_A_SERVICE, "at = clock.now()"),
    (source.one_clock, "appliance/kit/clock.py", "at = datetime.now(UTC)"),
    (source.no_joined_paths, IN_A_SERVICE, "line = ', '.join(names)"),
    (source.no_built_sql, IN_A_SERVICE, "session.execute(text('select 1 where a = :a'), {'a': a})"),
    (source.no_built_sql, IN_A_SERVICE, "session.execute(text('select 1 ' 'from b'))"),
    (source.no_built_sql, IN_A_SERVICE, "connection.execute(f'listen {CHANNEL}')"),
    (source.no_built_sql, "migrations/versions/0001.py", "op.execute(f'grant select on {table} to {role}')"),
    (source.no_sleep_but_polling, IN_A_TEST, "while not ready():\n    time.sleep(0.05)"),
    (source.no_sleep_but_polling, IN_A_SERVICE, "time.sleep(1)"),
    (source.no_patches, IN_A_TEST, "monkeypatch.setattr(clock, 'now', lambda: later)"),
    (source.no_patches, IN_A_TEST, "monkeypatch.setenv('APPLIANCE_DATA', str(tmp_path))"),
    (source.reasoned_suppressions, IN_A_SERVICE, "x = 1  # no" + "qa: E501 - a generated table"),
    (source.plain_names, "appliance/chat/packing.py", "class Packing: ..."),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_rule_catches_its_bad_sample(rule: source.Rule, path: str, text: str) -> None:
    assert list(rule(source.File.parse(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_lets_its_good_sample_pass(rule: source.Rule, path: str, text: str) -> None:
    assert not list(rule(source.File.parse(path, text)))


def test_every_rule_has_a_bad_and_a_good_sample() -> None:
    assert {rule for rule, _, _ in BAD} == {rule for rule, _, _ in GOOD} == set(source.RULES)


@pytest.mark.parametrize(
    "line", [b"--index-url https://pypi" + b".org/simple", b"cd /work" + b"/main", b"pip -f /opt" + b"/wheels"]
)
def test_a_host_or_a_machine_path_is_found_with_its_line(line: bytes) -> None:
    assert [number for number, _ in places.found("bin/x", b"#!/bin/sh\n" + line)] == [2]


def test_the_repository_keeps_its_own_rules() -> None:
    assert not list(check.breaches(check.tracked()))
