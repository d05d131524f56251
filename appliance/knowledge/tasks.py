"""The slice's kinds of jobs: translation only."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from appliance.drivers.blobs import Blobs
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.knowledge import rereading
from appliance.knowledge.documents import FORGET, FORGET_COLLECTION, INGEST
from appliance.knowledge.forgetting import Forget, Forgetter
from appliance.knowledge.importing import IMPORT, Importing, Shelf
from appliance.knowledge.ingest import Ingest, Tools, ended
from appliance.knowledge.retaining import RETAIN, Retain
from appliance.tenants.certificate import Signer


class Equipment(Protocol):
    """What the jobs of a worker's process work with; ``connect.Workshop`` makes it on first use."""

    @property
    def tools(self) -> Tools:
        """For ingests."""
        ...

    @property
    def signer(self) -> Signer:
        """For the certificates of what a rule forgot."""
        ...

    @property
    def blobs(self) -> Blobs:
        """For deletions, which need nothing else."""
        ...

    @property
    def archives(self) -> Shelf:
        """For collections that are imported."""
        ...


def register(registry: Registry, workshop: Callable[[], Equipment], forgetters: Sequence[Forgetter] = ()) -> None:
    """Add ingest and deletion. ``workshop`` is called when the first job runs, not before."""
    made = functools.cache(workshop)

    def ingest(run: Run) -> Mapping[str, Any]:
        return Ingest(run, made().tools)()

    def forget(run: Run) -> Mapping[str, Any]:
        return Forget(run, made().blobs, forgetters).document()

    def retain(run: Run) -> Mapping[str, Any]:
        return Retain(run, made().blobs, forgetters, made().signer)()

    def forget_collection(run: Run) -> Mapping[str, Any]:
        return Forget(run, made().blobs, forgetters).collection()

    def take_in(run: Run) -> Mapping[str, Any]:
        return Importing(run, made().blobs, made().archives)()

    registry.add(INGEST, ingest, ended=ended)
    registry.add(IMPORT, take_in)
    registry.add(rereading.REREAD, rereading.run)
    registry.add(RETAIN, retain)
    registry.add(FORGET, forget)
    registry.add(FORGET_COLLECTION, forget_collection)
