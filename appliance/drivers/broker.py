"""The bell: a message that says "there is work", sent through Celery over Valkey or Redis.

The bell carries an id and no authority: which job runs, and who runs it, is decided by the lease in PostgreSQL, so a
lost ring costs a sweep's pause, and a doubled one nothing. Ringing never holds its caller for longer than ``PATIENCE``:
after a failure the bell stays silent for ``SILENCE`` seconds, so that a dead broker costs a busy request path one short
wait and not one each time.
"""

import threading
from collections import deque
from typing import Any, Protocol, cast
from uuid import UUID

from celery import Celery
from kombu.exceptions import ChannelError, OperationalError

from appliance.kit import clock
from appliance.kit.errors import Unavailable

TASK = "jobs.run"
QUEUE = "jobs"
PATIENCE = 0.3
"""Seconds for each socket operation of a ring."""
SILENCE = 2.0
"""Seconds without a try after a failed ring."""


class BrokerDown(Unavailable):
    """The broker does not answer; the sweep will ring for this work when it is back."""

    code = "broker_down"


class Bell(Protocol):
    """Wakes a worker."""

    def ring(self, job: UUID) -> None:
        """Say that this job waits. Raises :class:`BrokerDown`, soon."""

    def waiting(self) -> int:
        """Rings that no worker has heard yet. Raises :class:`BrokerDown`, soon."""


def application(url: str, **options: object) -> Celery:
    """A Celery application that speaks JSON only, keeps no results and takes no remote commands."""
    app = Celery("appliance", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_create_missing_queues=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        **options,
    )
    return app


class CeleryBell:
    """The real bell. Safe to share between threads; make one in each process, after a fork."""

    def __init__(self, url: str) -> None:
        self._app = application(
            url,
            task_publish_retry=False,
            broker_connection_timeout=PATIENCE,
            broker_transport_options={
                "socket_timeout": PATIENCE,
                "socket_connect_timeout": PATIENCE,
                "connect_retries_timeout": PATIENCE,
                "max_retries": 0,
                "interval_start": 0,
                "interval_step": 0,
            },
        )
        self._silent_until = 0.0

    def ring(self, job: UUID) -> None:
        """Raises :class:`BrokerDown`."""
        self._try(lambda: self._app.send_task(TASK, args=[str(job)], retry=False, ignore_result=True))

    def waiting(self) -> int:
        """Raises :class:`BrokerDown`."""

        def measure() -> int:
            with self._app.connection_for_read() as connection, connection.channel() as channel:
                try:
                    declared = cast("Any", channel).queue_declare(queue=QUEUE, passive=True)
                    return int(declared.message_count)
                except ChannelError:  # nobody has rung yet
                    return 0

        return int(self._try(measure))

    def _try(self, act: Any) -> Any:  # noqa: ANN401 - Celery carries no types
        if clock.monotonic() < self._silent_until:
            raise BrokerDown(retry_after=int(SILENCE))
        try:
            return act()
        except (OperationalError, OSError) as error:
            self._silent_until = clock.monotonic() + SILENCE
            message = f"the broker does not answer: {error}"
            raise BrokerDown(message, retry_after=int(SILENCE)) from error


class MemoryBell:
    """A bell inside one process; ``alive = False`` makes it a dead broker."""

    def __init__(self) -> None:
        self.alive = True
        self._rung: deque[UUID] = deque()
        self._lock = threading.Lock()

    def ring(self, job: UUID) -> None:
        """Raises :class:`BrokerDown` when it is not alive."""
        self._living()
        with self._lock:
            self._rung.append(job)

    def waiting(self) -> int:
        """Raises :class:`BrokerDown` when it is not alive."""
        self._living()
        return len(self._rung)

    def hear(self) -> tuple[UUID, ...]:
        """Take all rings, oldest first, as a worker would."""
        with self._lock:
            heard = tuple(self._rung)
            self._rung.clear()
        return heard

    def _living(self) -> None:
        if not self.alive:
            raise BrokerDown(retry_after=int(SILENCE))
