"""The chain grows behind the writers: nothing is skipped, nothing doubled, whoever dies."""

import os
import signal
import subprocess
import sys
import threading
import time

from sqlalchemy import text

from appliance.audit.chain import Signer
from appliance.audit.sequencer import Sequencer
from appliance.audit.service import Audit
from appliance.kit.settings import AuditSettings, Settings
from tests.integration.audit.conftest import MANY, Kept

FOREVER = """
import sys
from pathlib import Path
from appliance.audit.chain import Signer
from appliance.audit.sequencer import Sequencer
from appliance.kit.database import Database
from appliance.kit.settings import Settings, DatabaseSettings
settings = Settings(data=Path(sys.argv[1]), database=DatabaseSettings(name=sys.argv[2]))
sequencer = Sequencer(Database.of(settings, "system"), Signer("a secret of a test"), settings.audit, batch=3)
sys.stdout.write("ready\\n")
sys.stdout.flush()
while True:
    sequencer.once()
"""


def _count(kept: Kept) -> tuple[int, int]:
    statement = "select (select count(*) from audit_entries), (select count(*) from audit_waiting)"
    with kept.databases.operator.session() as session:
        row = session.execute(text(statement)).one()
    return row[0], row[1]


def test_what_commits_late_is_chained_late_and_never_skipped(kept: Kept) -> None:
    with kept.databases.app.session(kept.tenant) as slow:
        Audit(slow, kept.tenant, None).record("slow")
        kept.write(5)
        assert kept.sequencer.once() == 5
    assert kept.sequencer.once() == 1
    verdict = kept.reading.verify()
    assert (verdict.last, verdict.broken) == (MANY + 6, None)


def test_an_act_that_is_rolled_back_leaves_nothing_to_chain(kept: Kept) -> None:
    with kept.databases.app.session(kept.tenant) as session:
        Audit(session, kept.tenant, None).record("undone")
        session.rollback()
    assert kept.sequencer.once() == 0


def test_a_second_sequencer_stands_aside(kept: Kept) -> None:
    kept.write(1)
    with kept.databases.system.session() as session:
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": 0x61756469})
        assert kept.sequencer.once() == 0
    assert kept.sequencer.once() == 1


def test_heads_are_signed_after_so_many_entries_and_so_many_seconds(kept: Kept) -> None:
    often = Sequencer(kept.databases.system, Signer("a secret of a test"), AuditSettings(head_entries=5), batch=2)
    kept.write(12)
    often.once()
    assert [head.seq for head in kept.reading.heads(0, 50)] == [MANY, MANY + 6, MANY + 12]
    kept.write(1)
    often.once()
    assert kept.reading.heads(0, 50)[-1].seq == MANY + 12
    with kept.databases.system.session() as session:
        assert session.execute(text("select count(*) from audit_heads")).scalar_one() == 3
    assert kept.head().seq == MANY + 13
    assert kept.head().seq == MANY + 13
    assert all(head.signed() for head in kept.reading.heads(0, 50))
    assert kept.reading.verify().broken is None


def test_killed_in_the_middle_there_is_no_gap_and_no_double(kept: Kept, settings: Settings) -> None:
    done = threading.Event()

    def write() -> None:
        kept.write(250)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    kills = 0
    while not done.is_set() or kills < 4:
        command = [sys.executable, "-c", FOREVER, str(settings.data), settings.database.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.05 + 0.01 * (kills % 7))
            os.kill(child.pid, signal.SIGKILL)
        kills += 1
        if kills < 4:
            kept.write(20)
    writer.join()
    kept.head()
    written, left = _count(kept)
    verdict = kept.reading.verify()
    assert (verdict.broken, verdict.last, left) == (None, written, 0)
