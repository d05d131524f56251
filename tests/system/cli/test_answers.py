"""Questions and searches, for a person and for a program."""

from tests.factories.cli import Run, document

QUESTION = "How often is the blue pump of hall 4 serviced?"


def test_an_answer_names_its_sources(cli: Run, taken: str) -> None:
    code, printed = cli("ask", QUESTION, "--collection", taken)
    assert code == 0
    assert "37 weeks" in printed
    assert "[1] pumps.md, line " in printed


def test_a_quoted_answer_is_in_the_words_of_the_documents(cli: Run, taken: str) -> None:
    told = document(cli("ask", QUESTION, "--collection", taken, "--quoted", "--json")[1])
    assert told["mode"] == "quoted"
    assert "37 weeks" in told["citations"][0]["quote"]


def test_a_question_that_nothing_answers_is_told(cli: Run, taken: str) -> None:
    printed = cli("ask", "Which bank manages the pension fund?", "--collection", taken)[1]
    assert printed.startswith("The documents do not tell")


def test_search_shows_passages_and_where_they_stand(cli: Run, taken: str) -> None:
    printed = cli("search", "blue pump serviced", "--collection", taken, "--limit", 3)[1]
    assert printed.startswith("1. pumps.md, line ")
    told = document(cli("search", "blue pump serviced", "--collection", taken, "--json")[1])
    assert told["hits"][0]["document"] == "pumps.md"


def test_a_search_that_finds_nothing_says_so(cli: Run, name: str) -> None:
    cli("collections", "create", name)
    assert "Nothing was found." in cli("search", "anything", "--collection", name)[1]
