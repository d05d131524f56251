"""``appliance up``: the embedded appliance in one terminal, from nothing to a page that answers.

Everything runs as a child on a leash, so Ctrl-C, SIGTERM, a closed terminal and ``kill -9`` of this process all end the
whole family. It imports neither the database libraries nor torch: it is there in a fraction of a second.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from appliance.drivers.postgres import Postgres
from appliance.entry import up_checks, up_plan, up_probes, up_pulse, up_record, up_run, up_view
from appliance.entry.begin import READY
from appliance.entry.up_checks import CannotStart
from appliance.entry.up_plan import Life, Part, State
from appliance.entry.up_start import Starter
from appliance.kit import clock, confine
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout
from appliance.kit.leftovers import Leftovers
from appliance.kit.settings import Settings

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None: as the settings say."""

    data: Path | None = None
    host: str | None = None
    port: int | None = None
    certificate: Path | None = None
    key: Path | None = None

    def variables(self) -> dict[str, str]:
        """The same as variables of the environment, which the processes that we start read too."""
        given = {
            "APPLIANCE_DATA": self.data.absolute() if self.data else None,
            "APPLIANCE_WEB__HOST": self.host,
            "APPLIANCE_WEB__PORT": self.port,
            "APPLIANCE_WEB__CERTIFICATE": self.certificate.absolute() if self.certificate else None,
            "APPLIANCE_WEB__KEY": self.key.absolute() if self.key else None,
        }
        return {name: str(value) for name, value in given.items() if value is not None}


class Signals:
    """Ctrl-C, SIGTERM and a closed terminal: the first asks to stop, the second to be quick about it."""

    def __init__(self) -> None:
        self._asked = 0
        self._event = threading.Event()

    def install(self) -> None:
        """Listen, in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Once more."""
        self._asked += 1
        self._event.set()

    def stopping(self, seconds: float) -> bool:
        """Wait so long, or until asked."""
        return self._event.wait(seconds)

    def hurry(self) -> bool:
        """Asked twice."""
        return self._asked > 1


def run(options: Options, console: Console | None = None, signals: Signals | None = None) -> int:
    """Run the appliance until told to stop (0), or until it cannot start or cannot live (1)."""
    console, signals = console or Console(), signals or Signals()
    os.environ.update(options.variables())
    try:
        settings = _settings()
        os.environ["APPLIANCE_DATA"] = str(settings.layout.data)
        hold = take(settings)
        try:
            return _hold(settings, console, signals)
        finally:
            os.close(hold)
    except ApplianceError as error:
        console.print(f"{error.detail} {error.advice}", highlight=False, markup=False, soft_wrap=True)
        return 1


def take(settings: Settings) -> int:
    """Check, clear what a killed run left, make the directories and lock them; the lock's handle.

    Raises :class:`CannotStart`, and then nothing was changed.
    """
    layout = settings.layout
    hold = None
    if layout.data.exists():
        hold = up_checks.lock(layout.data)
        Leftovers(layout.run).clear()
    try:
        up_checks.check(layout, settings.web, settings.host)
        _make(layout.data)
        if not up_checks.sockets_fit(layout):
            shorten(layout)
        layout.make()
        (layout.run / READY).unlink(missing_ok=True)
    except BaseException:
        if hold is not None:
            os.close(hold)
        raise
    return up_checks.lock(layout.data) if hold is None else hold


def _make(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{data} cannot be made: {error.strerror}.") from error


def shorten(layout: Layout) -> None:
    """Let ``run/`` lie where paths of sockets are short; a link that another user could have filled is renewed."""
    link = layout.data / "run"
    if link.is_symlink():
        target = link.readlink()
        found = target.lstat() if target.is_dir() and not target.is_symlink() else None
        if found is not None and found.st_uid == os.geteuid() and found.st_mode & 0o077 == 0:
            return
        link.unlink()
    if not link.exists():
        link.symlink_to(tempfile.mkdtemp(prefix="appliance-run-"))


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise CannotStart(f"The setting '{name}' is not acceptable: {first['msg']}.") from error


def _hold(settings: Settings, console: Console, signals: Signals) -> int:
    signals.install()
    layout, begun = settings.layout, clock.monotonic()
    server, records = Postgres(layout), Leftovers(layout.run)
    plan = up_plan.parts(engines=settings.engine.enabled)
    starter = Starter(layout, server, dict(os.environ))
    pulse = up_pulse.Pulse(plan, up_probes.living(layout, settings.web), settings.host.patience)
    parts = up_run.Parts(plan, starter, up_probes.probes(layout, settings.web, server), layout.log, pulse)
    view = up_view.choose(console, plan)
    url = up_probes.address(settings.web)
    news = News(layout, plan, view, starter.sign_in, url, begun)
    pulse.start()
    for lacking in confine.missing(confine.offered()):
        view.say(lacking)
    try:
        failure = up_run.run(parts, records, view, news.changed, signals.stopping)
        view.say(failure or "Stopping.")
        up_record.write(layout, up_record.describe(url, "stopping", parts.lives, parts.pids()))
    finally:
        pulse.stop()
        parts.stop(signals.hurry)
        view.close()
        records.clear()
        up_record.remove(layout)
    if failure:
        view.say(f"The logs lie in {layout.logs}.")
    return 1 if failure else 0


class News:
    """What is told once when it has come about, and what is written down at every change."""

    def __init__(
        self,
        layout: Layout,
        plan: tuple[Part, ...],
        view: up_view.View,
        sign_in: Callable[[], str | None],
        url: str,
        begun: float,
    ) -> None:
        self._layout, self._plan, self._view = layout, plan, view
        self._sign_in, self._url, self._begun = sign_in, url, begun
        self._told: set[str] = set()

    def changed(self, lives: Mapping[str, Life], pids: Mapping[str, int]) -> None:
        """Some part's state is another than before."""
        up = up_plan.up(self._plan, lives)
        up_record.write(self._layout, up_record.describe(self._url, "up" if up else "starting", lives, pids))
        if lives["schema"].state is State.DONE and self._first("schema"):
            up_checks.write_version(self._layout.data)
            self._welcome(self._sign_in())
        if up and self._first("up"):
            self._view.say(f"The appliance is up after {self._seconds()}: {self._url}")
        if all(life.state in (State.READY, State.DONE) for life in lives.values()) and self._first("all"):
            self._view.say(f"Everything is ready after {self._seconds()}.")

    def _welcome(self, sign_in: str | None) -> None:
        if sign_in:
            self._view.say(f"This is the first start. Sign in once at {self._url} as '{OPERATOR}' with: {sign_in}")
            self._view.say(f"For another command line: appliance login {self._url} --token {sign_in}")
            self._view.say(f"The key of the command line on this machine is kept in {self._layout.secret('cli.json')}.")

    def _first(self, what: str) -> bool:
        new = what not in self._told
        self._told.add(what)
        return new

    def _seconds(self) -> str:
        return f"{clock.monotonic() - self._begun:.1f} s"
