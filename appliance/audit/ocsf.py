"""Entries as events of the Open Cybersecurity Schema Framework 1.3, one JSON document a line.

`docs/mechanisms/audit.md` has the mapping. What is chained stands word for word under ``unmapped``, so an export can be
verified by itself; the mapped fields are derived from it and verified too.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.audit.chain import Head, Link
from appliance.audit.entry import Entry
from appliance.audit.verifying import Record
from appliance.kit.errors import Refused

API, ACCOUNT, SIGN_IN = (6003, "API Activity", 6), (3001, "Account Change", 3), (3002, "Authentication", 3)
OTHER = 99
CRUD = {"create": 1, "read": 2, "update": 3, "delete": 4, "POST": 1, "GET": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}
ACCOUNTS = {"create": 1, "resume": 2, "set_password": 3, "suspend": 5, "delete": 6}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class NotAnExport(Refused):
    """A line is neither an event of this record nor a head."""

    code = "not_an_export"
    advice = "Give a file that 'appliance audit export' wrote, whole and unchanged."


def event(entry: Entry | None, link: Link) -> dict[str, Any]:
    """The event of one entry; what there is to say when the entry is gone."""
    chained = {name: getattr(link, name) for name in Link.__slots__}
    if entry is None:
        return {**_class("", link), "unmapped": {"entry": None, "chain": chained}}
    refused = entry["outcome"] == "refused"
    made = {
        **_class(str(entry["action"]), link),
        "time": (datetime.fromisoformat(str(entry["created_at"])) - _EPOCH) // _MILLISECOND,
        "status_id": 2 if refused else 1,
        "status": "Failure" if refused else "Success",
        "actor": {"user": {"uid": entry["actor"]}},
        "api": {"operation": entry["action"], "request": {"uid": entry["request_id"]}},
        "src_endpoint": {"ip": entry["source"]},
        "resources": [{"uid": entry["object"]}],
        "unmapped": {"entry": entry, "chain": chained},
    }
    made["metadata"] = {**made["metadata"], "tenant_uid": entry["tenant_id"]}
    if made["class_uid"] != API[0]:
        made["user"] = {"uid": entry["object"]}
    return made


def _class(action: str, link: Link) -> dict[str, Any]:
    (uid, name, category), activity = _activity(action)
    product = {"name": "Appliance", "vendor_name": "Appliance"}
    return {
        "class_uid": uid,
        "class_name": name,
        "category_uid": category,
        "activity_id": activity,
        "type_uid": uid * 100 + activity,
        "severity_id": 1,
        "metadata": {"version": "1.3.0", "product": product, "uid": link.entry, "sequence": link.seq},
    }


def _activity(action: str) -> tuple[tuple[int, str, int], int]:
    if action == "sign_in":
        return SIGN_IN, 1
    noun, _, verb = action.partition(".")
    if noun == "user":
        return ACCOUNT, ACCOUNTS.get(verb, OTHER)
    return API, CRUD.get(verb or action.partition(" ")[0], OTHER)


def lines(records: Iterable[Record], heads: Iterable[Head]) -> Iterator[str]:
    """The lines of an export: the events, then the heads."""
    for record in records:
        yield _line(event(record.entry, record.link))
    for head in heads:
        yield _line({"audit_head": head.document()})


def _line(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def heads_in(exported: Iterable[str]) -> list[Head]:
    """The heads of an export. Raises :class:`NotAnExport`."""
    found = (_document(number, line) for number, line in enumerate(exported, 1) if '"audit_head"' in line)
    try:
        return [Head.of(document["audit_head"]) for document in found if "audit_head" in document]
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnExport("a head lacks a part") from error


def records_in(exported: Iterable[str]) -> Iterator[Record]:
    """The events of an export, read one by one. Raises :class:`NotAnExport`."""
    for number, line in enumerate(exported, 1):
        document = _document(number, line)
        if "audit_head" in document:
            continue
        try:
            chained = document["unmapped"]["chain"]
            link = Link(int(chained["seq"]), *(str(chained[name]) for name in Link.__slots__[1:]))
            entry = document["unmapped"]["entry"]
            yield Record(link, entry, faithful=_faithful(document, entry, link))
        except (KeyError, TypeError, ValueError) as error:
            raise NotAnExport(f"line {number} is no event of an audit record") from error


def _faithful(document: object, entry: Entry | None, link: Link) -> bool:
    try:
        return document == event(entry, link)
    except (KeyError, ValueError, TypeError):
        return False


def _document(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_float=str, parse_constant=str)
    except ValueError as error:
        raise NotAnExport(f"line {number} is not JSON") from error
    if not isinstance(found, dict):
        raise NotAnExport(f"line {number} is no event")
    return found
