"""Run our own rules over the tracked files: ``python -m tests.rules.check``, as ``bin/lint`` does."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.rules import places, source

ROOT = Path(__file__).resolve().parents[2]


def tracked(root: Path = ROOT) -> tuple[str, ...]:
    """Every file that git tracks or would track, by path from the root."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(name for name in names if name and (root / name).is_file())


def breaches(names: tuple[str, ...], root: Path = ROOT) -> Iterator[str]:
    """``path:line: rule: what`` for each thing that breaks a rule."""
    for name in names:
        content = (root / name).read_bytes()
        if name.endswith(".py"):
            file = source.File.parse(name, content.decode())
            for rule in source.RULES:
                yield from (f"{name}:{line}: {rule.__name__}: {told}" for line, told in rule(file))
        yield from (f"{name}:{line}: places: {told}" for line, told in places.found(name, content))


def main() -> int:
    """Print what breaks a rule; 1 when anything does."""
    told = sorted(breaches(tracked()))
    sys.stdout.writelines(f"{line}\n" for line in told)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
