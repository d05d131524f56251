"""An import's place in the store and its row: a directory that no row names must not stay, whatever is killed.

The rename comes before the commit, so a kill between the two leaves a directory without a row. What is about to be
placed is therefore noted in the import's private directory first: the job's next attempt goes on from there, without
the source, and a job that comes to its end without a row takes the directory away.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from appliance.catalog import gather, manifest, repository
from appliance.catalog.service import Arrival
from appliance.catalog.verify import verified

NOTE: Final = "placed.json"


def place_of(store: Path, name: str, digest: str) -> Path:
    """Where a version lies, or would."""
    return store / f"{name}@{digest[:12]}"


def begun(work: Path, store: Path) -> Arrival | None:
    """What a former attempt placed, read once more; None when it did not come so far. Raises ``Tampered``."""
    told = _noted(work)
    place = place_of(store, told["name"], told["digest"]) if told else None
    if told is None or place is None or not place.is_dir():
        return None
    return Arrival(verified(place).manifest, told["entry"], told["signature"], told["signed_by"])


def place(session: Session, work: Path, store: Path, arrival: Arrival) -> Path:
    """Give an import's files their place, where nothing is changed any more: in the transaction that registers them."""
    repository.place_alone(session)
    sealed = arrival.manifest
    final = place_of(store, sealed.name, sealed.digest)
    if final.is_dir():
        return final  # an earlier import of the same bytes, or this one before it was killed
    _note(work, arrival)
    home = work / gather.FILES
    for path in home.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    home.chmod(0o755)
    home.rename(final)
    return final


def clear(session: Session, work: Path, store: Path) -> None:
    """An import has ended, whatever became of it: its private copy goes, and what it placed unless a row names it."""
    told = _noted(work)
    if told is not None:
        repository.place_alone(session)
        place = place_of(store, told["name"], told["digest"])
        if place.is_dir() and repository.known(session, told["name"], told["digest"]) is None:
            _remove(place)
    shutil.rmtree(work, ignore_errors=True)


def _note(work: Path, arrival: Arrival) -> None:
    told = {
        "name": arrival.manifest.name,
        "digest": arrival.manifest.digest,
        "entry": arrival.entry,
        "signature": arrival.signature,
        "signed_by": arrival.signed_by,
    }
    part = work / f"{NOTE}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(work / NOTE)


def _noted(work: Path) -> dict[str, str] | None:
    try:
        return dict(json.loads((work / NOTE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _remove(place: Path) -> None:
    """First what makes it a version, so that what a kill leaves of it is none."""
    for path in (place, *place.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
    (place / manifest.NAME).unlink(missing_ok=True)
    shutil.rmtree(place, ignore_errors=True)
