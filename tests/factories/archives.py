"""Archives of collections, whole ones and such as no export writes."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from appliance.knowledge.collection_archive import DOCUMENTS, FORMAT, ORIGINALS

PUMP, VALVE = b"The pump is mounted with two straps.", b"The valve is open on Mondays."
CREATED = "2026-11-27T06:00:00+00:00"
Files = dict[str, bytes]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def line(name: str, content: bytes, **more: object) -> dict[str, Any]:
    """A document of the archive."""
    return {"name": name, "sha256": digest(content), "bytes": len(content), **more}


def files(lines: Sequence[Mapping[str, Any]], contents: Sequence[bytes]) -> Files:
    """What an archive holds beside its manifest."""
    told = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    return {DOCUMENTS: told, **{f"{ORIGINALS}{digest(one)}": one for one in contents}}


def usual() -> Files:
    """Two documents."""
    return files([line("pump.txt", PUMP, tags=["hall 4"]), line("valve.txt", VALVE)], [PUMP, VALVE])


def manifest(held: Mapping[str, bytes], documents: int) -> dict[str, Any]:
    """As an export writes it."""
    listed = [{"name": name, "sha256": digest(one), "bytes": len(one)} for name, one in held.items()]
    told = {"format": FORMAT, "created_at": CREATED, "collection": {"name": "hall"}, "documents": documents}
    return {**told, "files": listed}


def packed(members: Sequence[tuple[str | ZipInfo, bytes]]) -> bytes:
    """A zip of these, in this order."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def archive(held: Files | None = None, told: Mapping[str, Any] | None = None, documents: int = 2) -> bytes:
    """A zip of these files; ``told`` in place of the manifest that fits them."""
    held = usual() if held is None else held
    whole = manifest(held, documents) if told is None else told
    return packed([*held.items(), ("manifest.json", json.dumps(whole).encode())])
