"""How often somebody may be wrong: three counts of failed sign-ins, each with a pause that doubles.

of a login from one source   5 free, then 1 s, 2 s, 4 s … a quarter of an hour   guessing one person's password
of one source                20 free, then as above                              one password tried on many logins
of one login                 50 free, then up to 30 s                            many machines that guess together
of links from one source     20 free, then as of one source                      guessing at invitations

Somebody at another address can therefore make a person wait for half a minute, never lock anybody out: that needs the
person's own address. And a one-time sign-in (``appliance sign-in reset`` on the machine) asks no count at all.

A try is counted before the password is looked at and given back if it was right: so of two hundred at once no more are
looked at than of two hundred in a row. The counts lie in PostgreSQL, by digest, for a login that does not exist just as
for one that does. While it is blocked no try is counted, so that the pause ends for who goes on trying, too.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.kit.errors import OverShare
from appliance.kit.rows import take_away
from appliance.tenants.tables import SignInCountRow

FORGOTTEN: Final = timedelta(days=1)
"""A count that nothing was added to for so long begins anew."""


class SignInBlocked(OverShare):
    """Too many sign-ins failed for this login or from this address."""

    code = "sign_in_blocked"
    advice = "Wait for the time in Retry-After, then sign in again; or ask for a one-time sign-in."


@dataclass(frozen=True, slots=True)
class Curve:
    """``free`` failures without a pause, then one that doubles with each, up to ``longest`` seconds."""

    name: str
    free: int
    longest: int

    def pause(self, failures: int) -> int:
        """Seconds to wait after so many failures."""
        over = failures - self.free
        return 0 if over < 0 else min(2 ** min(over, 30), self.longest)


PAIR: Final = Curve("pair", 5, 900)
SOURCE: Final = Curve("source", 20, 900)
LOGIN: Final = Curve("login", 50, 30)
GUESS: Final = Curve("invitation", 20, 900)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in: as whom, from where."""

    login: str
    source: str | None = None

    def subjects(self) -> dict[bytes, Curve]:
        """What it counts for. In one order everywhere, so that two who count at once never wait for each other."""
        place = network(self.source)
        named = {
            _subject(PAIR, self.login, place): PAIR,
            _subject(SOURCE, place): SOURCE,
            _subject(LOGIN, self.login): LOGIN,
        }
        return dict(sorted(named.items()))


@dataclass(frozen=True, slots=True)
class Guess:
    """The secret of an invitation, shown from somewhere. Counted apart: who may not guess may still sign in."""

    source: str | None = None

    def subjects(self) -> dict[bytes, Curve]:
        """What it counts for."""
        return {_subject(GUESS, network(self.source)): GUESS}


def network(source: str | None) -> str:
    """An address as it is counted: of IPv6 the /64, which is what one customer has."""
    try:
        address = ip_address(source or "")
    except ValueError:
        return source or ""
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)


def begin(session: Session, attempt: Attempt | Guess) -> None:
    """Count a try, as a failure until :func:`right` says otherwise. Raises :class:`SignInBlocked` (429).

    A system session, committed before the password is looked at.
    """
    now = clock.now()
    rows = {subject: _locked(session, subject, now) for subject in attempt.subjects()}
    waits = [(row.blocked_until - now).total_seconds() for row in rows.values() if row.blocked_until]
    if (longest := max(waits, default=0.0)) > 0:
        raise SignInBlocked(retry_after=int(longest) + 1)
    for subject, curve in attempt.subjects().items():
        row = rows[subject]
        row.failures = 1 if now - row.last_at > FORGOTTEN else row.failures + 1
        row.last_at = now
        pause = curve.pause(row.failures)
        row.blocked_until = now + timedelta(seconds=pause) if pause else None


def right(session: Session, attempt: Attempt | Guess) -> None:
    """The password was right: what was counted for the login is forgotten, of the source's count one is given back.

    Not all of it: else who has one account could guess at the others' for ever.
    """
    now = clock.now()
    for subject, curve in attempt.subjects().items():
        row = _locked(session, subject, now)
        row.failures = 0 if curve in (PAIR, LOGIN) else max(0, row.failures - 1)
        pause = curve.pause(row.failures)
        row.blocked_until = now + timedelta(seconds=pause) if pause else None


def back(session: Session, attempt: Attempt) -> None:
    """Give one try back, and no more: it was no guess, but nobody has shown yet who they are."""
    now = clock.now()
    for subject in attempt.subjects():
        row = _locked(session, subject, now)
        row.failures = max(0, row.failures - 1)
        row.blocked_until = None  # what was to be waited for had been waited for when it was counted


def blocked(session: Session, attempt: Attempt) -> bool:
    """Whether this login, or this source, has to wait now."""
    subjects = list(attempt.subjects())
    query = select(SignInCountRow.subject).where(
        SignInCountRow.subject.in_(subjects), SignInCountRow.blocked_until > clock.now()
    )
    return session.execute(query.limit(1)).first() is not None


def forget(session: Session, most: int = 1000) -> int:
    """Delete up to ``most`` counts of long ago; how many went. For the ``system`` login."""
    return take_away(session, SignInCountRow.subject, SignInCountRow.last_at < clock.now() - FORGOTTEN, most)


def _locked(session: Session, subject: bytes, now: datetime) -> SignInCountRow:
    """The count of a subject, made if there is none; nobody else counts for it until the transaction ends."""
    fresh = insert(SignInCountRow).values(subject=subject, failures=0, last_at=now).on_conflict_do_nothing()
    session.execute(fresh)
    query = select(SignInCountRow).where(SignInCountRow.subject == subject).with_for_update()
    return session.execute(query.execution_options(populate_existing=True)).scalar_one()


def _subject(curve: Curve, *parts: str) -> bytes:
    return hashlib.sha256("\0".join((curve.name, *parts)).encode()).digest()
