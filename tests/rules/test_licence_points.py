"""Each point of the licence is asked somewhere: one that is in the list and that nobody asks would bind nobody."""

import ast
from collections.abc import Iterator
from pathlib import Path

import appliance
from appliance.licensing.points import Point

SOURCE = Path(appliance.__file__).parent
UNASKED = {
    Point.BACKUP: "the installer runs on a bare host, which asks nobody; no state closes it",
    Point.FINE_TUNING: "with the verbs of fine-tunes",
}
"""Each with its reason. A slice that brings the verb takes its line away."""
UNCOUNTED = {
    "tenants/bootstrap.py": "the first start, before there is anybody whom a licence could bind",
    "tenants/directory/tokens.py": "makes a service account, which takes no seat",
    "tenants/directory/configuring.py": "looks whether the tenant is there",
    "usage/quotas.py": "looks whether somebody is there",
}


def test_each_point_is_asked_where_its_act_begins() -> None:
    asked = {Point[name] for path, name in _points() if path.parts[0] != "licensing"}
    assert not set(Point) - asked - set(UNASKED), "ask it by licensed(Point.…) on the route, or by Room"
    assert not asked & set(UNASKED), f"{sorted(asked & set(UNASKED))} is asked now: take its line away here"


def test_nobody_acts_on_tenants_without_the_room_that_counts_seats() -> None:
    """``Tenants(session, by)`` would add people past the licence: routes take ``TenantsHere``."""
    bare = [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path, tree in _modules()
        for node in ast.walk(tree)
        if path.as_posix() not in UNCOUNTED and (_unbound(node) or _adds_without_room(node))
    ]
    assert not bare


def _unbound(node: ast.AST) -> bool:
    """``Tenants(session, by)``: somebody acts, and nothing is counted; the same of ``People`` without its last."""
    people = _arguments(node, "People")
    return _tenants(node) == len(("session", "by")) or 0 < people < len(("session", "tenant", "audit", "by", "room"))


def _adds_without_room(node: ast.AST) -> bool:
    """``Tenants(session).people(…)``: the appliance acts for somebody, say a directory."""
    adds = isinstance(node, ast.Attribute) and node.attr in {"people", "create", "resume"}
    return adds and 0 < _tenants(getattr(node, "value", node)) < len(("session", "by", "room"))


def _tenants(node: ast.AST) -> int:
    return _arguments(node, "Tenants")


def _arguments(node: ast.AST, name: str) -> int:
    """How many arguments this class is called with here; 0: it is not."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        return len(node.args) + len(node.keywords)
    return 0


def _points() -> Iterator[tuple[Path, str]]:
    for path, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Point":
                yield path, node.attr


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))
