"""Workers, each a process: reserves for many requests at once, journals what each used, and tells what it was granted.

``python -m tests.integration.usage.working SPEC``: a JSON object in, and a line for each worker out. All are children
of one process that imported once what they need. With ``die`` a worker kills itself with SIGKILL in the middle.
"""

import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.drivers.stopwatch import ValkeyStopwatch
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.kit.errors import OverShare
from appliance.kit.ids import uuid7
from appliance.usage import connect
from appliance.usage.errors import QuotaUnknown
from appliance.usage.journal import UsageRecord
from appliance.usage.reservation import Wanted
from appliance.usage.service import Usage


def record(principal: Principal, tokens: int) -> UsageRecord:
    """What one request used."""
    return UsageRecord(
        request_id=uuid7(),
        tenant_id=principal.tenant,
        user_id=principal.user,
        key_id=principal.key,
        route="default",
        model_digest="d",
        adapter_digest=None,
        outcome="done",
        prompt_tokens=tokens,
        completion_tokens=0,
        first_token_seconds=None,
        total_seconds=1.0,
        started_at=clock.now(),
    )


class Worker:
    """A process's budgets and journal."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        key = UUID(spec["key"])
        self.principal = Principal(
            TenantId(UUID(spec["tenant"])), UserId(UUID(spec["user"])), Role.MEMBER, "M", key=key
        )
        system = Database(spec["database"], pool_size=8)
        self.usage = Usage(Path(spec["journal"]), system)
        self.budgets = connect.budgets(system, ValkeyStopwatch(spec["valkey"]))
        self.budgets.short.greet()
        self.lock = threading.Lock()
        self.refused = threading.Event()
        self.told: dict[str, list[int]] = {"granted": [], "used": [], "refused": [], "began": [], "ended": []}

    def one(self, number: int) -> None:
        """One request: reserve, use a part, settle."""
        wanted = Wanted(self.spec["tokens"], self.spec["tokens"])
        try:
            reservation = self.budgets.quick(self.principal, wanted) or self.budgets.reserve(self.principal, wanted)
        except (
            OverShare,
            QuotaUnknown,
        ) as error:  # on a busy machine Valkey may be slow to tell: then nothing is granted
            self.tell("refused", error.retry_after or 0)
            self.refused.set()
            return
        used = self.spec["tokens"] - number % (self.spec["spread"] + 1)
        self.tell("granted", self.spec["tokens"])
        self.tell("began", time.monotonic_ns())  # one clock for all processes of the machine
        try:
            self.refused.wait(self.spec.get("hold", 0))  # so long it runs: until another was refused
            reservation.recording(self.usage.record)(record(self.principal, used))
            self.tell("used", used)
        finally:
            self.tell("ended", time.monotonic_ns())
            reservation.release()

    def tell(self, what: str, amount: int) -> None:
        """Note an outcome; die after so many."""
        with self.lock:
            self.told[what].append(amount)
            if what == "used" and len(self.told[what]) == self.spec.get("die"):
                say(self.told)
                os.kill(os.getpid(), signal.SIGKILL)


def say(told: dict[str, list[int]]) -> None:
    """The one line of output."""
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()


def work(spec: dict[str, Any]) -> None:
    """All requests of the spec, in as many threads."""
    worker = Worker(spec)
    with ThreadPoolExecutor(spec["threads"]) as pool:
        for done in [pool.submit(worker.one, number) for number in range(spec["requests"])]:
            done.result()
    if spec.get("drain", True):
        worker.usage.drain()
    say(worker.told)


def main() -> None:
    """Make the workers, and pass on what each told and how it ended."""
    spec = json.loads(sys.argv[1])
    crew = []
    for _ in range(spec["workers"]):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, sys.stdout.fileno())
            os.close(writing)
            work(spec)
            return
        os.close(writing)
        crew.append((child, reading))
    for child, reading in crew:
        told = json.loads(Path(f"/dev/fd/{reading}").read_text())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"told": told, "code": code}) + "\n")


if __name__ == "__main__":
    main()
