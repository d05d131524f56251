"""The job that brings a model version from outside into the store: copied, checked, sealed, registered.

    copy (a child, under limits) → seal → dangers (a child) → signature → read every byte again → rename and register

Everything after the copy looks at our own copy, in a directory that only this user may enter: what was checked is what
is loaded. A run after a kill goes on with the file at which the former one was. Harmless to repeat.
"""

import json
import os
import select
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog import confined, entry, gather, manifest, oms, placing, sources, verify
from appliance.catalog.errors import NoRoom
from appliance.catalog.service import Arrival, Catalog
from appliance.catalog.sources import SourceRefused
from appliance.jobs.run import Run
from appliance.kit.children import Child, Limits, spawn
from appliance.kit.environment import plain

IMPORT: Final = "catalog.import"
WORK: Final = ".imports"
PACKAGE: Final = "package:"
SPARE: Final = 1024**3
"""Bytes of the store's disk that an import leaves free."""
_MEMORY: Final = 2 * 1024**3
_TICK: Final = 0.5
_LONGEST_LINE: Final = 4 * 1024 * 1024
_TOKENIZERS: Final = frozenset({"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked of signatures: the public keys (PEM) that are trusted, and whether unsigned models may come in."""

    trusted: tuple[Path, ...] = ()
    unsigned: bool = True


@dataclass(frozen=True, slots=True)
class Tools:
    """What an import works with. ``operator`` opens a transaction that may register versions."""

    store: Path
    policy: Policy
    operator: Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported, as the job's arguments have it. ``name`` None: a bundle's own."""

    path: str
    name: str | None
    entry: str | None
    kind: manifest.Kind | None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "Order":
        """From a job's arguments."""
        return cls(args["path"], args.get("name"), args.get("entry"), args.get("kind"))


class Import:
    """One attempt."""

    def __init__(self, run: Run, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._order = Order.of(run.args)
        self._work = workplace(tools.store, run.job)

    def __call__(self) -> dict[str, Any]:
        """Do it; the result names the version. Raises ``SourceRefused``, ``BadSignature``, ``Tampered``, ``NoRoom``."""
        store = self._tools.store
        arrival = placing.begun(self._work, store) or self._arrival(located(self._order.path))
        self._run.check()
        with self._tools.operator() as session:
            directory = placing.place(session, self._work, store, arrival)
            version = Catalog(session).register(directory, arrival)
        told = {"model": str(version.id), "name": version.name, "digest": version.digest}
        return {**told, "signature": arrival.signature}

    def _arrival(self, source: Path) -> Arrival:
        """Everything up to the rename."""
        self._work.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = self._gathered(source)
        home = self._work / gather.FILES
        sealed = self._sealed(home, files)
        dangers = confined.dangers(home)
        if dangers:
            raise SourceRefused(" ".join(dangers))
        signature = self._signature(home, files)
        self._run.progress(0, sealed.size, "verify")
        self._read_again(home, sealed)
        return Arrival(sealed, self._order.entry or _entry(sealed.name), signature.state, signature.key)

    def _gathered(self, source: Path) -> tuple[manifest.File, ...]:
        most = shutil.disk_usage(self._work).free - SPARE + _size(self._work)
        total = _size(source)
        if total > most:
            raise NoRoom(f"it has {total} bytes, the model store has room for {max(most, 0)}")
        last: Mapping[str, Any] = {}
        with _copying(source, self._work, most) as lines:
            for line in lines:
                self._run.check()
                if line is not None:
                    last = json.loads(line)
                    self._run.progress(last.get("done", total), total, "copy")
        if "files" not in last:
            raise SourceRefused(str(last.get("refused", "it could not be read within the limits of memory")))
        return tuple(manifest.File(**told) for told in last["files"])

    def _sealed(self, home: Path, files: tuple[manifest.File, ...]) -> manifest.Manifest:
        ours = tuple(file for file in files if file.path not in manifest.BESIDE)
        told = _bundled(self._work / manifest.NAME, ours)
        name = self._order.name or (told.name if told else None)
        if name is None:
            raise SourceRefused("it does not say what it is called: give it a name")
        known = entry.load().get(self._order.entry or _entry(name) or "")
        kind = self._kind(told, known, ours)
        _complete(ours, kind)
        sealed = manifest.Manifest(
            name=name,
            kind=kind,
            digest=manifest.digest_of(ours),
            files=ours,
            languages=told.languages if told else known.languages if known else (),
            licence=told.licence if told else known.licence.id if known else "unknown",
            source=told.source if told else f"imported from {Path(self._order.path).name}",
        )
        (home / manifest.NAME).write_text(sealed.text(), encoding="utf-8")
        return sealed

    def _kind(
        self, told: manifest.Manifest | None, known: entry.Entry | None, files: tuple[manifest.File, ...]
    ) -> manifest.Kind:
        """As the operator says, or the bundle, or the catalogue, or else the files."""
        if self._order.kind:
            return self._order.kind
        return told.kind if told else known.kind if known else sources.kind_of(file.path for file in files)

    def _signature(self, home: Path, files: tuple[manifest.File, ...]) -> oms.Signature:
        path = home / verify.SIGNATURE
        text = path.read_text(encoding="utf-8") if path.is_file() and path.stat().st_size <= oms.LARGEST else None
        ours = tuple(file for file in files if file.path not in manifest.BESIDE)
        found = oms.check(text, ours, self._tools.policy.trusted)
        if found.state != "verified" and not self._tools.policy.unsigned:
            raise oms.BadSignature(f"it is {found.state}, and APPLIANCE_CATALOG__UNSIGNED does not let such models in")
        return found

    def _read_again(self, home: Path, sealed: manifest.Manifest) -> None:
        """Every byte of our copy once more: what the child looked at is still what lies here."""
        done = 0

        def seen(count: int) -> None:
            nonlocal done
            done += count
            self._run.progress(min(done, sealed.size), sealed.size, "verify")

        faults = manifest.faults(home, seen)
        if faults:
            raise verify.Tampered(" ".join(faults))
        final = placing.place_of(self._tools.store, sealed.name, sealed.digest)
        if final.is_dir():
            verify.verified(final)  # an earlier import of the same bytes


def workplace(store: Path, job: UUID) -> Path:
    """The private directory of one import."""
    return store / WORK / str(job)


def located(path: str) -> Path:
    """Where the source lies: an absolute path, or ``package:NAME`` for an installed package with a model in it.

    Raises :class:`SourceRefused`.
    """
    if path.startswith(PACKAGE):
        return _inside(path.removeprefix(PACKAGE))
    source = Path(path)
    if not source.is_absolute() or ".." in source.parts:
        raise SourceRefused("name the source by an absolute path, or as package:NAME")
    if not (source.is_dir() or source.is_file()):
        raise SourceRefused(f"there is nothing to be read at {path}")
    return source


def _inside(package: str) -> Path:
    """The one directory of an installed package that holds safetensors; finding it runs none of its code."""
    spec = find_spec(package) if package.isidentifier() else None
    roots = [Path(root) for root in spec.submodule_search_locations or ()] if spec else []
    found = {path.parent for root in roots for path in root.rglob("*.safetensors")}
    if len(found) != 1:
        raise SourceRefused(f"the package {package!r} is not installed, or does not hold exactly one model")
    return found.pop()


@contextmanager
def _copying(source: Path, work: Path, most: int) -> Iterator[Iterator[str | None]]:
    """The lines of a child that copies; None when there was none for a moment."""
    reading, writing = os.pipe()
    argv = [sys.executable, "-P", "-m", "appliance.catalog.gather", str(source), str(work), str(most)]
    try:
        limits = Limits(memory=_MEMORY, file_size=most, open_files=64, nice=10)
        child = spawn(argv, name="catalog-copier", env=plain(), limits=limits, streams={"stdout": writing}, grace=0)
    finally:
        os.close(writing)
    with child, os.fdopen(reading, "rb", buffering=0):
        yield _lines(child, reading)


def _lines(child: Child, reading: int) -> Iterator[str | None]:
    rest = b""
    while True:
        if not select.select([reading], [], [], _TICK)[0]:
            yield None
            continue
        piece = os.read(reading, 1 << 16)
        if not piece or len(rest) > _LONGEST_LINE:
            break
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode() for line in whole)
    child.wait(_TICK * 60)


def _bundled(path: Path, files: tuple[manifest.File, ...]) -> manifest.Manifest | None:
    """A bundle's own manifest, which must list exactly what came."""
    if not path.is_file():
        return None
    told = manifest.read(path.parent)
    if set(told.files) != set(files) or manifest.digest_of(files) != told.digest:
        raise SourceRefused("its manifest lists other files than it holds")
    return told


def _complete(files: tuple[manifest.File, ...], kind: str) -> None:
    paths = {file.path for file in files}
    if "config.json" not in paths or not any(path.endswith(".safetensors") for path in paths):
        raise SourceRefused("it holds no config.json, or no safetensors")
    if not paths & _TOKENIZERS:
        raise SourceRefused(f"it holds no tokenizer, without which no {kind} model can be run")


def _entry(name: str) -> str | None:
    return name if name in entry.load() else None


def _size(path: Path) -> int:
    """Bytes of a file, or of all regular files below a directory; links to a hub's blobs count as what they show."""
    if path.is_file():
        return path.stat().st_size
    top, _ = sources.snapshot(path)
    return sum(found.stat().st_size for found in top.rglob("*") if found.is_file())
