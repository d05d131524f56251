"""Our own rules about source files, each a pure function from a parsed file to what breaks it.

They hold what no general linter knows: where a transaction may be committed, who may hold a vector client, how a
request's session is declared. Each has a sample that it catches in ``test_source.py``, and says what went wrong once.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

LONGEST = 300


@dataclass(frozen=True, slots=True)
class File:
    """One Python file: its path from the root, its text and its tree."""

    path: PurePosixPath
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, text: str) -> "File":
        """Read a file's text; a syntax error raises."""
        return cls(PurePosixPath(path), text, ast.parse(text))

    def under(self, *folders: str) -> bool:
        """Whether it lies in, or is, one of these."""
        return any(self.path.is_relative_to(folder) for folder in folders)


Finding = tuple[int, str]
Rule = Callable[[File], Iterator[Finding]]
EDGE = ("appliance/entry", "appliance/kit/database.py")
VECTOR_HOLDERS = ("appliance/drivers/vectors", "appliance/entry", "appliance/knowledge/passages.py", "tests", "bench")


def session_alias(file: File) -> Iterator[Finding]:
    """A session dependency is declared once, with scope="function".

    FastAPI ≥ 0.118 ends a plain yield dependency after the response: a failed commit had already said 201.
    """
    for call in _calls(file, "Depends"):
        wanted = _name(call.args[0]) if call.args else ""
        if "session" not in wanted:
            continue
        scopes = [keyword.value for keyword in call.keywords if keyword.arg == "scope"]
        if not any(isinstance(scope, ast.Constant) and scope.value == "function" for scope in scopes):
            yield call.lineno, 'a session dependency needs scope="function": else it commits after the response'
        elif not file.under("appliance/access/web.py", "tests"):
            yield call.lineno, "take Tx or OperatorTx from appliance.access.web: one declaration for all"


def commit_at_the_edge(file: File) -> Iterator[Finding]:
    """Only the edge commits or rolls back: a service that did so cut another's transaction in two."""
    if not file.under("appliance") or file.under(*EDGE) or file.path.name == "tasks.py":
        return
    for call in _calls(file, "commit", "rollback"):
        if isinstance(call.func, ast.Attribute):
            yield call.lineno, f"{_name(call.func)}() outside the edge: open Database.session() there instead"


def raw_vectors(file: File) -> Iterator[Finding]:
    """Vectors are reached through the one wrapper that adds the tenant and access filter."""
    if file.under(*VECTOR_HOLDERS):
        return
    for line, module in _imports(file):
        if module.split(".")[0] in {"qdrant_client", "qdrant_edge"}:
            yield line, f"{module} outside appliance/drivers/vectors: an unfiltered search finds every tenant's text"
        elif module.startswith("appliance.drivers.vectors") and not module.startswith("appliance.drivers.vectors.port"):
            yield line, f"{module}: take the Vectors port; only entry chooses a driver"


def not_too_long(file: File) -> Iterator[Finding]:
    """A file is read in one sitting."""
    lines = file.text.count("\n")
    if lines > LONGEST:
        yield LONGEST, f"{lines} lines, {LONGEST} are the most: split by what the parts compute"


def no_pickle(file: File) -> Iterator[Finding]:
    """Nothing that runs code when it is read."""
    for line, module in _imports(file):
        if module.split(".")[0] in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}:
            yield line, f"{module} runs code when it reads: use msgpack, JSON or safetensors"
    for call in _calls(file, "load"):
        if _dotted(call.func) in {"torch.load", "yaml.load"} or _unpickles(call):
            yield call.lineno, f"{_dotted(call.func)} runs code when it reads: use safetensors or yaml.safe_load"


def one_clock(file: File) -> Iterator[Finding]:
    """Time comes from ``kit.clock``: a naive local time once ended a lease an hour early."""
    if file.under("appliance/kit/clock.py"):
        return
    for call in _calls(file, "now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp"):
        if _dotted(call.func).split(".")[-2:-1] in (["datetime"], ["date"]):
            yield call.lineno, f"{_dotted(call.func)}(): use appliance.kit.clock"


def no_joined_paths(file: File) -> Iterator[Finding]:
    """``os.path.join`` lets an absolute part win, so a name from a request left the data directory."""
    for call in _calls(file, "join"):
        if _dotted(call.func) == "os.path.join":
            yield call.lineno, "os.path.join: use pathlib, and check what comes from a request"


def no_built_sql(file: File) -> Iterator[Finding]:
    """SQL is made of constants, with bound parameters; identifiers go through psycopg.sql."""
    if not file.under("appliance"):
        return
    for call in _calls(file, "text", "execute", "exec_driver_sql", "scalar", "scalars"):
        if call.args and _is_built(call.args[0]):
            yield call.lineno, "SQL put together from values: bind them, or compose with psycopg.sql"


def no_sleep_but_polling(file: File) -> Iterator[Finding]:
    """A test waits for a condition, never for a time."""
    if not file.under("tests"):
        return
    loops = [node for node in ast.walk(file.tree) if isinstance(node, ast.While | ast.For | ast.AsyncFor)]
    polling = {id(inner) for loop in loops for inner in ast.walk(loop)}
    for call in _calls(file, "sleep"):
        if id(call) not in polling and _dotted(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}:
            yield call.lineno, "a sleep outside of a polling loop: poll the condition that you wait for"


def no_patches(file: File) -> Iterator[Finding]:
    """A double is a second implementation that ships in drivers/; a patched test showed green for a dead path.

    Time alone may be moved: ``monkeypatch.setattr(clock, …)``.
    """
    if not file.under("tests"):
        return
    for line, module in _imports(file):
        if module.startswith(("unittest.mock", "mock", "pytest_mock")):
            yield line, "no mocks: write a second implementation of the port"
    for call in _calls(file, "setattr", "delattr"):
        moves_time = bool(call.args) and _dotted(call.args[0]) == "clock"
        if _dotted(call.func).startswith("monkeypatch.") and not moves_time:
            yield call.lineno, "no patches of our code: pass the double in"


def reasoned_suppressions(file: File) -> Iterator[Finding]:
    """A suppression says why."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if (found := _SUPPRESSION.search(line)) and len(found["why"].strip(" -#:")) < _SHORTEST_REASON:
            yield number, f"'{found[0].strip()}' gives no reason: add ' - because …'"


def plain_names(file: File) -> Iterator[Finding]:
    """Names are the field's own; a utils once came to import half of the domains."""
    if banned := _VAGUE.search(file.path.stem):
        yield 1, f"a file named {banned[0]}: name it by what it computes"
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ClassDef) and re.search(r"(Utils?|Helper|Manager)$", node.name):
            yield node.lineno, f"class {node.name}: name it by what it is"


RULES: tuple[Rule, ...] = (
    session_alias,
    commit_at_the_edge,
    raw_vectors,
    not_too_long,
    no_pickle,
    one_clock,
    no_joined_paths,
    no_built_sql,
    no_sleep_but_polling,
    no_patches,
    reasoned_suppressions,
    plain_names,
)

_SUPPRESSION = re.compile(
    r"""\#\s*(?: noqa(?: :\s*(?:[A-Z]+\d+[,\s]*)+ )? | type:\s*ignore(?:\[[^]]*])? | pragma:\s*no\s(?:cover|branch) )
    (?P<why>.*)$""",
    re.VERBOSE,
)
_SHORTEST_REASON = 4
_VAGUE = re.compile(r"^(utils?|helpers?|managers?|common|misc|handler\d+)$")


def _calls(file: File, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and _name(node.func) in names:
            yield node


def _imports(file: File) -> Iterator[Finding]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def _unpickles(call: ast.Call) -> bool:
    return any(k.arg == "allow_pickle" and getattr(k.value, "value", None) is True for k in call.keywords)


def _is_constant(node: ast.expr) -> bool:
    return _name(node).isupper()


def _is_built(node: ast.expr) -> bool:
    """An f-string with values, a ``%`` or ``+`` with something that is not a constant, or ``.format(…)``."""
    match node:
        case ast.JoinedStr():
            return any(isinstance(part, ast.FormattedValue) and not _is_constant(part.value) for part in node.values)
        case ast.BinOp(left=left, op=ast.Mod() | ast.Add(), right=right):
            strings = any(isinstance(side, ast.Constant | ast.JoinedStr) for side in (left, right))
            return strings and not (isinstance(left, ast.Constant) and isinstance(right, ast.Constant))
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="format")):
            return True
        case ast.Call(func=ast.Name(id="text"), args=[first, *_]):
            return _is_built(first)
    return False
