"""What an archive carries beside documents: the collection's rule of retention, and the glossary."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from appliance.access.principal import Principal
from appliance.jobs.states import State
from appliance.knowledge.glossary import MOST, Glossary
from appliance.knowledge.retention import Retention, Rule, rule_of
from tests.factories import archives
from tests.integration.knowledge.carrying import admin, collections, exported, imported, told
from tests.integration.knowledge.office import Office

YEAR = Rule(days=365, since="modified")


def terms(office: Office) -> dict[str, tuple[str, ...]]:
    with office.databases.app.session(office.me.tenant) as session:
        return {one.term: one.expansions for one in Glossary(session, office.me).page(None, 200).items}


def rule(office: Office, collection: UUID) -> Rule | None:
    with office.databases.app.session(office.me.tenant) as session:
        return rule_of(session, collection)


def carrying(**more: object) -> bytes:
    """An archive whose manifest says more of its collection and of the glossary."""
    held = archives.usual()
    manifest: dict[str, Any] = archives.manifest(held, 2)
    manifest["glossary"] = more.pop("glossary", [])
    manifest["collection"] |= more
    return archives.archive(held, manifest)


def test_a_rule_and_the_glossary_leave_and_come_in_with_a_collection(office: Office) -> None:
    office.ready("leave.txt", "Annual leave is asked for in writing.")
    with office.databases.app.session(office.me.tenant) as session:
        Retention(session, admin(office)).change(office.collection, YEAR)
        Glossary(session, office.me).add("PTO", ["annual leave", "年假"])
        Glossary(session, office.me).add("QA", ["quality assurance"])
    raw = exported(office)
    assert told(raw)[0]["collection"]["retention"] == {"days": 365, "since": "modified", "until": None}
    assert told(exported(office, office.me))[0]["collection"]["retention"] is None, "who makes none is told none"
    with office.databases.app.session(office.me.tenant) as session:
        glossary = Glossary(session, office.me)
        one, other = glossary.page(None, 10).items
        glossary.remove(one.id)
        glossary.change(other.id, ["questions answered"])
    job = imported(office, raw, "again", admin(office))
    assert rule(office, job.id) == YEAR
    assert terms(office) == {"PTO": ("annual leave", "年假"), "QA": ("questions answered",)}
    assert (job.result["retention"], job.result["glossary_differs"]) == ("as exported", ["QA"])
    assert office.names("how much pto") == ["leave.txt"], "it holds at once"


@pytest.mark.parametrize(
    ("who", "retention", "kept", "said"),
    [
        (admin, {"until": "2999-12-31"}, Rule(until=date(2999, 12, 31)), "as exported"),
        (admin, {"until": "2020-12-31"}, None, "left out"),
        (lambda office: office.me, {"days": 1, "since": "added"}, None, "left out"),
        (admin, None, None, "none"),
    ],
)
def test_a_rule_is_given_by_who_may_and_never_one_that_would_forget_at_once(
    office: Office, who: Callable[[Office], Principal], retention: object, kept: Rule | None, said: str
) -> None:
    job = imported(office, carrying(retention=retention), "hall", who(office))
    assert (job.result["retention"], rule(office, job.id)) == (said, kept)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"retention": {"days": 3}}, "not_a_collection_archive"),
        ({"retention": {"days": 0, "since": "added"}}, "not_a_collection_archive"),
        ({"retention": {"days": 1, "since": "added", "until": "2030-01-01"}}, "not_a_collection_archive"),
        ({"glossary": [{"term": "PTO", "expansions": []}]}, "not_a_collection_archive"),
        ({"glossary": [{"term": "PTO", "expansions": ["a leave"]}] * (MOST + 1)}, "not_a_collection_archive"),
        ({"glossary": [{"term": "PTO", "expansions": ["pto"]}]}, "bad_glossary_term"),
    ],
)
def test_what_no_export_writes_ends_the_import_and_changes_nothing(
    office: Office, more: dict[str, object], code: str
) -> None:
    job = imported(office, carrying(**more), "hall", admin(office))
    assert (job.state, job.reason.code if job.reason else "") == (State.FAILED, code)
    assert (collections(office), terms(office)) == ({"handbook"}, {})
