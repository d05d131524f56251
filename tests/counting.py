"""What tests reach, counted by slipcover and told as coverage's data.

As a plugin of pytest (``-p tests.counting``) this counts in the tests' own process and leaves JSON in the directory
that TESTS_LINES names: slipcover marks the code of ``appliance/`` when that is imported, where coverage is called for
each line of each library. Children are counted by coverage, which they find by its ``.pth``. ``python -m
tests.counting`` then writes what is in that directory beside coverage's files, for one report of both.
"""

import ast
import atexit
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData
from coverage.parser import PythonParser
from slipcover import FileMatcher, ImportManager, Slipcover

LINES = "TESTS_LINES"
NEVER = 1 << 30
"""After how many calls of marks that were met already slipcover takes them out: a third of a second each time, and what
a mark that stays costs is next to nothing."""
Arc = tuple[int, int]
ENTRY = -1
"""Where coverage says that a line was reached from, when it is the first: of that nothing is judged."""


def count(package: str, directory: Path) -> None:
    """Count from now on; when this process ends, its file is there. Forks of it count nothing."""
    seen, ours = Slipcover(branch=True, d_miss_threshold=NEVER), os.getpid()
    ImportManager(seen, FileMatcher(sources=[package])).__enter__()

    def leave() -> None:
        if os.getpid() == ours:
            (directory / f"{ours}.json").write_text(json.dumps(seen.get_coverage()))

    atexit.register(leave)


def pytest_load_initial_conftests() -> None:
    """Before anything of ours is imported."""
    count("appliance", Path(os.environ[LINES]))


@dataclass(slots=True)
class Seen:
    """Of a source file: the lines that were reached, the branches that were taken, and all branches that it has."""

    lines: set[int] = field(default_factory=set)
    taken: set[Arc] = field(default_factory=set)
    known: set[Arc] = field(default_factory=set)


def arcs(source: str, seen: Seen) -> set[Arc]:
    """Coverage's arcs for what slipcover saw of a file.

    Both know a branch by its line and the line that it leads to, but what comes after a block they tell differently:
    so a way out is the one that is left. Slipcover knows the branches of ``match`` and not of its ``case`` lines:
    theirs were taken where both ends were reached, and the last one's way out where ``match`` had another than into
    a case.
    """
    parser = PythonParser(text=source)
    parser.parse_source()
    first = parser.first_line
    ways: dict[int, set[int]] = defaultdict(set)
    for begin, end in parser.arcs():
        ways[begin].add(end)
    reached = {first(line) for line in seen.lines}
    inside = {first(line): first(body) for line, body in _always_matched(source, seen.taken)}
    told, took = (_by_line(parser, branches) for branches in (seen.known, seen.taken))
    found = {(ENTRY, line) for line in reached}
    for begin, ends in ways.items():
        if begin in told:
            for end in took[begin]:
                found |= {(begin, way) for way in ({end} & ends or ends - told[begin])}
        elif begin in reached:
            possible = ends & {inside[begin]} if begin in inside else ends
            found |= {(begin, end) for end in possible if end < 0 or end in reached}
    return found


def _by_line(parser: PythonParser, branches: set[Arc]) -> dict[int, set[int]]:
    """Where branches lead to by the line that they begin at, lines as coverage names them; 0: out of the block."""
    found: dict[int, set[int]] = defaultdict(set)
    for begin, end in branches:
        found[parser.first_line(begin)].add(parser.first_line(end) if end else 0)
    return found


def _always_matched(source: str, taken: set[Arc]) -> Iterator[Arc]:
    """The last case of each ``match`` and the body's first line, where none of them was passed without a case."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Match):
            bodies, last = {case.body[0].lineno for case in node.cases}, node.cases[-1]
            if not any(begin == node.lineno and end not in bodies for begin, end in taken):
                yield last.pattern.lineno, last.body[0].lineno


def told(directory: Path) -> dict[Path, Seen]:
    """What the files of this directory tell, by source file."""
    found: dict[Path, Seen] = defaultdict(Seen)
    for path in directory.glob("*.json"):
        for name, lines in json.loads(path.read_bytes())["files"].items():
            seen = found[Path(name).resolve()]
            seen.lines |= set(lines["executed_lines"])
            seen.taken |= {(begin, end) for begin, end in lines["executed_branches"]}
            seen.known |= seen.taken | {(begin, end) for begin, end in lines["missing_branches"]}
    return found


def main() -> None:
    """Write one of coverage's files beside the others."""
    data = CoverageData(os.environ["COVERAGE_FILE"], suffix="slipcover")
    for path, seen in told(Path(os.environ[LINES])).items():
        data.add_arcs({str(path): arcs(path.read_text(), seen)})
    data.write()


if __name__ == "__main__":
    main()
