"""A tenant's glossary: what it holds, and that questions find what is said in other words."""

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.drivers.encoder.absent import AbsentEncoder
from appliance.kit.asking import ask
from appliance.kit.ids import uuid7
from appliance.knowledge.bm25 import counted
from appliance.knowledge.errors import BadGlossaryTerm, GlossaryTermExists, GlossaryTermNotFound
from appliance.knowledge.expansion import WEIGHT, Added, Expansion, entries, expanded, stands
from appliance.knowledge.glossary import Entry, Glossary
from tests.integration.knowledge.office import Office

STANDS = [
    ("pto", "how many pto days", True),
    ("pto", "how many pto?", True),
    ("pto", "the option", False),
    ("pto", "pto2 and xpto", False),
    ("pto", "xpto, then pto", True),
    ("年假", "带薪年假几天", True),
    ("pto", "申请pto的流程", True),
    ("paid time off", "is paid time off given", True),
    ("c++", "a c++ course", True),
    ("r&d", "the r&d budget", True),
]


@pytest.mark.parametrize(("form", "plain", "there"), STANDS)
def test_a_form_stands_as_a_word_of_its_own(form: str, plain: str, there: bool) -> None:
    assert stands(form, plain) is there


def test_what_is_added_weighs_less_and_never_less_than_the_question_itself() -> None:
    asked = Expansion("PTO days", (Added("PTO", ("paid time off", "days away")),))
    counts = asked.counts()
    own, added = counted("PTO days"), counted("paid time away")
    assert {term: counts[term] for term in own} == own
    assert {term: counts[term] for term in added} == dict.fromkeys(added, WEIGHT / 2)
    assert set(counts) == set(own) | set(added)
    whole = Expansion("paid time off", (Added("paid time off", ("PTO", "带薪年假")),)).counts()
    assert [whole[term] for term in counted("PTO")] == [WEIGHT]
    assert sum(whole[term] for term in counted("带薪年假")) == pytest.approx(2 * WEIGHT)


def test_the_encoder_is_given_only_what_it_understands() -> None:
    asked = Expansion("PTO?", (Added("PTO", ("paid time off", "带薪年假")),))
    assert asked.encoded(frozenset({"en"})) == "PTO? (paid time off)"
    assert asked.encoded(frozenset({"*"})) == "PTO? (paid time off; 带薪年假)"
    assert Expansion("PTO?").encoded(frozenset({"en"})) == "PTO?"


def add(office: Office, term: str, *expansions: str, by: Principal | None = None) -> Entry:
    with office.databases.app.session((by or office.me).tenant) as session:
        return Glossary(session, by or office.me).add(term, expansions)


def added(office: Office, who: Principal, question: str) -> tuple[Added, ...]:
    (found,) = ask(office.databases.app, who.tenant, entries(who.tenant, question))
    return expanded(question, found).added


def test_an_acronym_finds_what_it_stands_for_and_the_other_way_round(office: Office) -> None:
    office.ready("leave.txt", "Each employee has 25 days of paid time off.")
    office.ready("假期.txt", "员工每年享有十五天带薪年假。")
    office.ready("acronym.txt", "PTO is asked for in the portal.")
    office.retrieval._encoder = AbsentEncoder("not installed")  # words alone: the double's vectors find everything
    assert office.names("How much PTO") == ["acronym.txt"]
    add(office, "PTO", "paid time off", "带薪年假")
    found = office.find("How much ＰＴＯ do I have")
    assert {passage.name for passage in found.passages} == {"leave.txt", "假期.txt", "acronym.txt"}
    assert found.passages[0].name == "acronym.txt"
    assert found.expansion.added == (Added("PTO", ("paid time off", "带薪年假")),)
    assert office.names("帶薪年假")[0] == "假期.txt"
    assert {"acronym.txt", "leave.txt"} <= set(office.names("帶薪年假"))
    assert office.find("the option").expansion.added == ()


def test_another_tenants_glossary_changes_nothing(office: Office) -> None:
    stranger = office.join(uuid7())
    add(office, "PTO", "zebra", by=stranger)
    office.ready("zebra.txt", "A zebra is striped.")
    assert office.find("PTO").expansion.added == ()
    assert added(office, stranger, "PTO") == (Added("PTO", ("zebra",)),)
    assert added(office, stranger, "PTO\0") == (Added("PTO", ("zebra",)),)


def test_an_entry_is_made_shown_changed_and_deleted_and_all_of_it_audited(office: Office) -> None:
    made = add(office, " QA ", "quality  assurance", "Quality Assurance", "质量保证")
    assert (made.term, made.expansions) == ("QA", ("quality assurance", "质量保证"))
    with pytest.raises(GlossaryTermExists):
        add(office, "qa", "questions and answers")
    with office.databases.app.session(office.me.tenant) as session:
        glossary = Glossary(session, office.me)
        changed = glossary.change(made.id, ["questions and answers"])
        assert glossary.one(made.id) == changed == Entry(made.id, "QA", ("questions and answers",))
        assert glossary.page(None, 10).items == (changed,)
        session.commit()
        assert added(office, office.me, "quality assurance") == ()
    with office.databases.app.session(office.me.tenant) as session:
        glossary = Glossary(session, office.me)
        glossary.remove(made.id)
        assert glossary.page(None, 10).items == ()
        for act in (
            lambda: glossary.one(made.id),
            lambda: glossary.change(made.id, ["x y"]),
            lambda: glossary.remove(made.id),
        ):
            with pytest.raises(GlossaryTermNotFound):
                act()
    with office.databases.operator.session() as session:
        query = text("select action from audit_entries where object = :id order by id")
        acts = session.execute(query, {"id": str(made.id)}).scalars().all()
    assert acts == ["glossary.create", "glossary.update", "glossary.delete"]


@pytest.mark.parametrize(
    ("term", "expansions"),
    [
        ("QA", []),
        ("QA", ["qa"]),
        ("x", ["ten"]),
        ("QA", ["x" * 101]),
        ("it", ["computers"]),
        ("QA", ["a\0b"]),
        ("QA", [f"q {n}" for n in range(21)]),
    ],
)
def test_what_is_no_entry_is_refused(office: Office, term: str, expansions: list[str]) -> None:
    with pytest.raises(BadGlossaryTerm):
        add(office, term, *expansions)


def test_pages_follow_each_other(office: Office) -> None:
    made = [add(office, f"QA{number}", "quality") for number in range(3)]
    with office.databases.app.session(office.me.tenant) as session:
        glossary = Glossary(session, office.me)
        first = glossary.page(None, 2)
        assert [one.id for one in first.items] == [one.id for one in made[:2]]
        assert [one.id for one in glossary.page(first.next_cursor, 2).items] == [made[2].id]
