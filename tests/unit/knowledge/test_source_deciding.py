"""What becomes of a thing that a source shows, case by case."""

import pytest

from appliance.drivers.sources.port import Entry, Skip
from appliance.kit.ids import uuid7
from appliance.knowledge.sources.deciding import Act, Known, Rules, decide

RULES = Rules((), (), 1000)
DOCUMENT = uuid7()
ENTRY = Entry("a/b.md", "a/b.md", "1", 10)
TAKEN = Known("taken", "1", DOCUMENT)

CASES: list[tuple[str, Entry, Known | None, Act, str | None]] = [
    ("new", ENTRY, None, Act.TAKEN, None),
    ("the same", ENTRY, TAKEN, Act.UNCHANGED, None),
    ("another token", ENTRY, Known("taken", "0", DOCUMENT), Act.UPDATED, None),
    ("it failed the last time", ENTRY, Known("failed", "1", DOCUMENT), Act.UPDATED, None),
    ("it was skipped, and is not any more", ENTRY, Known("skipped", None), Act.TAKEN, None),
    ("gone, and here again", ENTRY, Known("gone"), Act.TAKEN, None),
    ("forgotten by hand", ENTRY, Known("forgotten"), Act.SKIPPED, "forgotten"),
    ("held, and here again", ENTRY, Known("held", None, DOCUMENT), Act.UPDATED, None),
    ("who may read changed", ENTRY, Known("taken", "1", DOCUMENT, ("everyone",)), Act.SHARED, None),
    ("no text", Entry("a.exe", "a.exe", "1", 10), None, Act.SKIPPED, "unsupported"),
    ("no text any more", Entry("a.exe", "a.exe", "1", 10), TAKEN, Act.DELETED, "unsupported"),
    ("hidden above", Entry(".git/a.md", ".git/a.md", "1", 10), None, Act.SKIPPED, "hidden"),
    ("an office's lock", Entry("~$a.docx", "~$a.docx", "1", 10), None, Act.SKIPPED, "hidden"),
    ("half a download", Entry("a.md.part", "a.md.part", "1", 10), None, Act.SKIPPED, "hidden"),
    ("empty", Entry("a.md", "a.md", "1", 0), None, Act.SKIPPED, "empty_file"),
    ("empty now: what was taken stays", Entry("a.md", "a.md", "2", 0), TAKEN, Act.SKIPPED, "empty_file"),
    ("too large", Entry("a.md", "a.md", "1", 1001), None, Act.SKIPPED, "file_too_large"),
    ("size not known", Entry("a.md", "a.md", "1"), None, Act.TAKEN, None),
    ("written", Entry("a.md", "a.md", "1", 5, skip=Skip("w", "", "wait")), TAKEN, Act.WAITING, "w"),
    ("written, and of no kind", Entry("a.exe", "a.exe", "1", 5, skip=Skip("w", "", "wait")), None, Act.SKIPPED, None),
    ("not to be had", Entry("a.md", "a.md", "1", 5, skip=Skip("f", "", "fail")), TAKEN, Act.FAILED, "f"),
    ("a link", Entry("a.md", "a.md", "", skip=Skip("l", "", "drop")), TAKEN, Act.DELETED, "l"),
    ("not readable", Entry("a.md", "a.md", "", skip=Skip("u", "")), TAKEN, Act.SKIPPED, "u"),
]


@pytest.mark.parametrize(("case", "entry", "known", "act", "code"), CASES, ids=[case[0] for case in CASES])
def test_what_becomes_of_it(case: str, entry: Entry, known: Known | None, act: Act, code: str | None) -> None:
    decision = decide(entry, known, None, RULES)
    assert decision.act is act, case
    if code is not None:
        assert decision.skip is not None
        assert decision.skip.code == code


PATTERNS: list[tuple[tuple[str, ...], tuple[str, ...], bool]] = [
    ((), (), True),
    (("*.md",), (), True),
    (("a/*",), (), True),
    (("*.pdf",), (), False),
    ((), ("a/*",), False),
    ((), ("*/c.md",), True),
    (("*.md",), ("*b*",), False),
]


@pytest.mark.parametrize(("include", "exclude", "taken"), PATTERNS)
def test_patterns_are_of_the_whole_path(include: tuple[str, ...], exclude: tuple[str, ...], taken: bool) -> None:
    decision = decide(ENTRY, None, None, Rules(include, exclude, 1000))
    assert decision.act is (Act.TAKEN if taken else Act.SKIPPED)


@pytest.mark.parametrize(("known", "told"), [(None, False), (Known("skipped", reason_code="empty_file"), True)])
def test_what_was_told_already_is_not_told_again(known: Known | None, told: bool) -> None:
    assert decide(Entry("a.md", "a.md", "1", 0), known, None, RULES).told is told
