"""``docs/reference/command-line.md``: every verb with its options, from the verbs themselves."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from appliance.entry.cli.main import app

HEAD = """# The command line

Every verb takes `--json` and then prints one JSON document and nothing else on standard output; a failure is
`{"error": …}` with the members of RFC 9457. The exit code is 0, 1 when something failed (the reason and what to do are
on standard error), or 2 for a wrong command line.

It talks to the appliance of `APPLIANCE_URL` (with `APPLIANCE_KEY`, or the key of a `login` there), else to that of the
data directory in `APPLIANCE_DATA`, else to that of the last `login`, else to the one in your own data directory.
"""


def text() -> str:
    """The whole page."""
    return HEAD + "".join(_sections(get_command(app), "appliance"))


def _sections(command: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - typer's own command classes have no stable home
    for name, each in getattr(command, "commands", {}).items():
        yield from _sections(each, f"{path} {name}")
    if not hasattr(command, "commands"):
        yield f"\n## {path}\n\n{' '.join((command.help or '').split())}\n"
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            yield "\n| | |\n|---|---|\n" + "".join(rows)


def _row(parameter: Any) -> str:  # noqa: ANN401 - as above
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"| `{name}` | {parameter.help or ''} |\n"
    return f"| `{'`, `'.join((*parameter.opts, *parameter.secondary_opts))}` | {parameter.help or ''} |\n"
