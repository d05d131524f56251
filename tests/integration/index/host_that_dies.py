"""A host that kills somebody at one step of its first hand-over: ``python host_that_dies.py STEP host|live|coming``."""

import os
import signal
import sys

from appliance.entry.index import Host
from appliance.kit import log, settings


def main() -> None:
    wanted, victim = sys.argv[1:3]
    done: list[str] = []

    def on_step(step: str, host: Host) -> None:
        if step != wanted or done:
            return
        done.append(step)
        if victim == "host":
            os.kill(os.getpid(), signal.SIGKILL)
        shard = host.live if victim == "live" else host.coming
        if shard is not None:
            os.kill(shard.child.pid, signal.SIGKILL)

    configuration = settings.load()
    log.configure("index", configuration.log_level)
    host = Host(configuration, on_step, retry_seconds=0.5)
    signal.signal(signal.SIGTERM, lambda *_: host.stop())
    host.run()


if __name__ == "__main__":
    main()
