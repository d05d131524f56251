"""What a verb prints, for a person and for a program."""

import json

import pytest

from appliance.entry.cli import output
from appliance.kit.errors import ApplianceError, NotFound, Unavailable


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (["a", None, 2], "a, , 2"),
        ({"ready": 2, "failed": 1}, "ready 2, failed 1"),
    ],
)
def test_a_value_reads_as_a_person_says_it(value: object, told: str) -> None:
    assert output.cell(value) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (25_000, "25 kB"),
        (3_200_000, "3.2 MB"),
        (5 * 10**12, "5000 GB"),
        (None, ""),
    ],
)
def test_a_size_has_the_unit_that_suits_it(count: object, told: str) -> None:
    assert output.size(count) == told


def test_a_moment_is_told_to_the_second() -> None:
    assert output.moment("2026-11-22T05:06:07.123456Z") == "2026-11-22 05:06:07"
    assert output.moment(None) == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFound("there is no 'x'"), "There is no 'x'. Check the id; list what there is."),
        (NotFound("没有。"), "没有。 Check the id; list what there is."),
        (ApplianceError(), "Anything that the appliance refuses or fails at, told in one sentence."),
    ],
)
def test_a_failure_is_sentences_that_say_what_to_do(error: ApplianceError, told: str) -> None:
    assert output.sentence(error).startswith(told)


def test_a_failure_goes_to_standard_error_and_as_a_document_where_one_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.wants_json(True)
    output.failure(Unavailable("it is down"))
    output.wants_json(False)
    output.failure(Unavailable("it is down"))
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["detail"] == "it is down"
    assert printed.err.count("It is down. Wait") == 2


def test_a_table_lists_its_items_and_markup_in_names_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    columns: list[output.Column] = [("name", lambda item: item["name"]), ("size", lambda item: item["size"])]
    output.table(columns, [{"name": "[red]年假[/red].md", "size": 1}, {"name": "b" * 300, "size": 20}], "none")
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "size"]
    assert first.split() == ["[red]年假[/red].md", "1"]
    assert second.split() == ["b" * 300, "20"]


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    output.table([], [], "There is none.")
    assert capsys.readouterr().out == "There is none.\n"


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.fields({"id": "1", "created_at": "x", "reason": None}, ("id", "created_at", "reason"))
    assert capsys.readouterr().out.splitlines() == ["id:         1", "created at: x"]
