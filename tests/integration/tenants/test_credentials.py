"""Sign-in, keys and the first start, against the real database."""

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.kit import clock, crypto
from appliance.kit.errors import ApplianceError
from appliance.kit.ids import uuid7
from appliance.tenants import bootstrap, passwords
from appliance.tenants.authentication import Authenticator
from appliance.tenants.errors import BadCredential, NameTaken, TenantNotFound, UserNotFound
from appliance.tenants.service import Tenants
from appliance.tenants.signing_in import SignedIn, sign_in_by_password, sign_in_by_token

PASSWORD = "correct horse battery"


@pytest.fixture
def first(databases: Databases) -> bootstrap.FirstSecrets:
    with databases.operator.session() as session:
        secrets = bootstrap.first_start(session)
    assert secrets is not None
    return secrets


def test_the_first_start_makes_one_operator_once(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    principal = Authenticator(databases.system)(first.cli_key)
    assert principal.role is Role.OPERATOR
    assert principal.key is not None
    with databases.operator.session() as session:
        assert bootstrap.first_start(session) is None


def test_only_hashes_are_stored(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    with databases.operator.session() as session:
        rows = session.execute(
            text("select row(k.*)::text from api_keys k union all select row(s.*)::text from sign_ins s")
        )
        stored = " ".join(rows.scalars())
    assert first.cli_key not in stored
    assert first.sign_in not in stored
    assert crypto.digest(first.cli_key).hex() in stored


@pytest.mark.parametrize("token", ["", "sk-", "x" * 300, "sk-' or 1=1 --", "sk-\x00", "中文"])
def test_foreign_keys_are_refused(databases: Databases, token: str) -> None:
    with pytest.raises(BadCredential):
        Authenticator(databases.system)(token)


@pytest.mark.parametrize(
    "statement",
    [
        "update api_keys set revoked_at = now()",
        "update api_keys set expires_at = now()",
        "update users set state = 'suspended'",
        "update tenants set state = 'suspended'",
    ],
)
def test_revoking_or_suspending_anything_ends_the_key(
    databases: Databases, first: bootstrap.FirstSecrets, statement: str
) -> None:
    with databases.operator.session() as session:
        session.execute(text(statement))
    with pytest.raises(BadCredential):
        Authenticator(databases.system)(first.cli_key)


def test_a_revoked_key_is_accepted_for_two_seconds_at_most(
    databases: Databases, first: bootstrap.FirstSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticate = Authenticator(databases.system)
    authenticate._listener.hears = True  # as while a connection is dead that nobody has noticed yet
    authenticate(first.cli_key)
    with databases.operator.session() as session:
        session.execute(text("update api_keys set revoked_at = now()"))
    authenticate(first.cli_key)
    later = clock.monotonic() + 2.01
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    with pytest.raises(BadCredential):
        authenticate(first.cli_key)


def test_the_memory_of_keys_is_bounded(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    authenticate = Authenticator(databases.system)
    authenticate._listener.hears = True
    known = authenticate(first.cli_key)
    authenticate._known.update({index.to_bytes(4, "big"): (0.0, known) for index in range(5000)})
    with databases.operator.session() as session:
        another = bootstrap.new_cli_key(session)
    assert authenticate(another).user == known.user
    assert len(authenticate._known) < 10


def test_a_one_time_token_works_once_and_sets_the_password(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    with databases.system.session() as session:
        signed = sign_in_by_token(session, first.sign_in, PASSWORD)
    assert signed.key is not None
    assert Authenticator(databases.system)(signed.key) == signed.principal
    with pytest.raises(BadCredential), databases.system.session() as session:
        sign_in_by_token(session, first.sign_in)
    with databases.system.session() as session:
        assert sign_in_by_password(session, bootstrap.OPERATOR_LOGIN, PASSWORD).principal.user == signed.principal.user


def test_of_two_at_once_one_spends_the_token(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    outcomes: list[SignedIn | ApplianceError] = []
    together = threading.Barrier(4)

    def spend() -> None:
        together.wait()
        try:
            with databases.system.session() as session:
                outcomes.append(sign_in_by_token(session, first.sign_in))
        except BadCredential as error:
            outcomes.append(error)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1


def test_an_expired_token_is_refused(
    databases: Databases, first: bootstrap.FirstSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(BadCredential), databases.system.session() as session:
        sign_in_by_token(session, first.sign_in)


def test_a_reset_gives_a_new_token(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    with databases.operator.session() as session:
        token = bootstrap.reset_sign_in(session)
    with databases.system.session() as session:
        assert sign_in_by_token(session, token).login == bootstrap.OPERATOR_LOGIN
    for ask in (bootstrap.reset_sign_in, bootstrap.new_cli_key):
        with pytest.raises(UserNotFound), databases.operator.session() as session:
            ask(session, "nobody")


@pytest.mark.parametrize(("login", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("operator", "")])
def test_a_wrong_password_or_login_is_refused_alike(
    databases: Databases, first: bootstrap.FirstSecrets, login: str, password: str
) -> None:
    with pytest.raises(BadCredential) as caught, databases.system.session() as session:
        sign_in_by_password(session, login, password)
    assert caught.value.detail == "The key, session, password or sign-in token is not valid."


def test_an_old_hash_is_renewed_at_sign_in(databases: Databases, first: bootstrap.FirstSecrets) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with databases.operator.session() as session:
        session.execute(text("update users set password_hash = :hash"), {"hash": weak})
    with databases.system.session() as session:
        sign_in_by_password(session, "operator", PASSWORD)
    with databases.operator.session() as session:
        renewed = session.execute(text("select password_hash from users")).scalar_one()
    assert renewed != weak
    assert passwords.matches(renewed, PASSWORD)


def test_a_damaged_hash_matches_nothing() -> None:
    assert not passwords.matches("not a hash", PASSWORD)


def test_names_are_taken_once_and_unknown_ids_are_not_found(databases: Databases) -> None:
    with databases.operator.session() as session:
        tenants = Tenants(session)
        tenant = tenants.create("one")
        with pytest.raises(NameTaken):
            tenants.create("one")
        people = tenants.people(tenant.id)
        people.add("ann", "Ann", Role.MEMBER, PASSWORD)
        with pytest.raises(NameTaken):
            people.add("ann", "Another", Role.MEMBER)
        with pytest.raises(UserNotFound):
            people.issue_key(UserId(uuid7()), "k")
        with pytest.raises(TenantNotFound):
            tenants.people(uuid7())


def test_lists_are_paged(databases: Databases) -> None:
    with databases.operator.session() as session:
        tenants = Tenants(session)
        made = [tenants.create(f"t{number}") for number in range(5)]
        first = tenants.list(None, 3)
        rest = tenants.list(first.next_cursor, 3)
        assert [*first.items, *rest.items] == made
        assert rest.next_cursor is None
        people = tenants.people(made[0].id)
        users = [people.add(f"u{number}", "U", Role.MEMBER) for number in range(3)]
        page = people.list(None, 2)
        assert [*page.items, *people.list(page.next_cursor, 2).items] == users
