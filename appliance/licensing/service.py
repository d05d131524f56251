"""The licence of this appliance: install, show, revoke, believe the clock. Works in an operator or system session."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.kit.ids import uuid7
from appliance.licensing import guard, marks, repository
from appliance.licensing.entitlement import Entitlement, entitled
from appliance.licensing.errors import BoundElsewhere, ClockSuspect, NotAccepted, ReplayedList
from appliance.licensing.guard import Clock, Reading, Suspicion
from appliance.licensing.licence import Licence, Revocations, check, read_licence, read_revocations
from appliance.licensing.place import Place, reading
from appliance.licensing.signing import Keys, root_keys
from appliance.licensing.states import Standing, State, of_evaluation, of_licence, standing
from appliance.licensing.tables import ClockRow, LicenceFileRow, RevocationFileRow

_NOTHING = Revocations(-1, 0, frozenset(), frozenset(), "")


@dataclass(frozen=True, slots=True)
class Status:
    """The licence as callers see it. ``reason``: the code of what is wrong with the file in force."""

    entitlement: Entitlement
    licence: Licence | None
    reason: str | None
    appliance_id: UUID
    fingerprint: str
    root: str
    pinned: bool
    clock: Clock
    revocations: int | None

    @property
    def standing(self) -> Standing:
        """The state that is told, and the one that decides."""
        return self.entitlement.standing


class Licensing:
    """One look at the licence, in one transaction. ``look`` reads the clocks, after the clock's row is locked."""

    def __init__(self, session: Session, place: Place, look: Callable[[], Reading] = reading) -> None:
        self._session = session
        self._place = place
        self._row, self._reading = self._looked(look)

    def show(self) -> Status:
        """What is in force."""
        clock = _clock(self._row)
        licence, revoked, reason = self._in_force()
        now, suspect = clock.mark, clock.suspicion is not None
        if reason is not None:
            found: tuple[State, int | None] = (State.TAMPERED, None)
        elif licence is None:
            found = of_evaluation(self._row.first_start, now)
        else:
            found = of_licence(licence, now, revoked.licences)
        return Status(
            entitlement=entitled(standing(*found, suspect=suspect), licence),
            licence=licence,
            reason=reason,
            appliance_id=self._row.appliance_id,
            fingerprint=self._fingerprint,
            root=root_keys(self._place.root).root,
            pinned=self._place.root is None,
            clock=clock,
            revocations=revoked.sequence if revoked is not _NOTHING else None,
        )

    def entitlement(self) -> Entitlement:
        """What may be done now."""
        return self.show().entitlement

    def install(self, raw: bytes, audit: Audit, by: UUID | None = None) -> Status:
        """Put a licence into force. Raises :class:`NotAccepted` in one of its forms, :class:`ClockSuspect`."""
        former = repository.current(self._session)
        if former is not None and former.file.encode() == raw:
            return self.show()
        revoked = self._revocations()
        licence = read_licence(raw, root_keys(self._place.root, revoked.keys))
        clock = _clock(self._row)
        if clock.suspicion is not None:
            clock = self._cleared(clock, licence)
        check(licence, clock.mark, self._fingerprint, revoked.licences)
        self._keep(guard.signed(clock, licence.signed_time))
        self._session.add(LicenceFileRow(file=raw.decode(), installed_by=by))
        self._session.flush()
        audit.record("licence.install", licence.id, after=hashlib.sha256(raw).hexdigest(), key=licence.key)
        return self.show()

    def revoke(self, raw: bytes, audit: Audit) -> Status:
        """Put a list of revocations into force; also while the clock is suspect, for it has no say in its order.

        Raises :class:`NotAccepted` in one of its forms, :class:`ReplayedList` for what is not newer.
        """
        row = repository.newest_list(self._session)
        if row is not None and row.file.encode() == raw:
            return self.show()
        former = self._revocations()
        found = read_revocations(raw, root_keys(self._place.root, former.keys))
        if found.sequence <= former.sequence and found != former:
            raise ReplayedList(f"the list has number {found.sequence}, the one that is here has {former.sequence}")
        self._keep(guard.signed(_clock(self._row), found.issued_at))
        self._session.add(RevocationFileRow(sequence=found.sequence, file=raw.decode()))
        self._session.flush()
        audit.record("licence.revocations", found.sequence, licences=len(found.licences), keys=len(found.keys))
        return self.show()

    def accept_clock(self, audit: Audit) -> Status:
        """Believe the clock as it is now. Raises :class:`ClockSuspect` where a signed file proves it wrong."""
        clock = _clock(self._row)
        if clock.suspicion is None:
            return self.show()
        accepted = guard.accept(clock, self._reading)
        if accepted is None:
            raise ClockSuspect("the clock is earlier than the day on which the vendor signed a file that is here")
        self._keep(accepted)
        audit.record("licence.accept_clock", clock.suspicion, former=clock.mark, accepted=accepted.mark)
        return self.show()

    @property
    def _fingerprint(self) -> str:
        return self._place.fingerprint(str(self._row.appliance_id))

    def _in_force(self) -> tuple[Licence | None, Revocations, str | None]:
        """The licence and the list that are here, verified anew; else the code of what is wrong."""
        row = repository.current(self._session)
        revoked = _NOTHING
        try:
            revoked = self._revocations()
            if row is None:
                return None, revoked, None
            licence = read_licence(row.file.encode(), root_keys(self._place.root, revoked.keys))
            if licence.fingerprint not in (None, self._fingerprint):
                raise BoundElsewhere
        except NotAccepted as error:
            return None, revoked, error.code
        return licence, revoked, None

    def _revocations(self) -> Revocations:
        """The list in force: the database's, or the one beside it where that is newer, as after a restore."""
        row, keys = repository.newest_list(self._session), root_keys(self._place.root)
        found = _NOTHING if row is None else read_revocations(row.file.encode(), keys)
        beside = self._beside(keys)
        if row is not None and found.sequence > beside.sequence:
            marks.keep_revocations(self._place.directory, row.file)
        return max(found, beside, key=lambda each: each.sequence)

    def _beside(self, keys: Keys) -> Revocations:
        """The list that is kept beside the database; what is damaged there is none."""
        raw = marks.revocations(self._place.directory)
        if raw is not None:
            with suppress(NotAccepted):
                return read_revocations(raw, keys)
        return _NOTHING

    def _cleared(self, clock: Clock, licence: Licence) -> Clock:
        """The clock believed for the sake of a newer signed file. Raises :class:`ClockSuspect`."""
        former = self._in_force()[0]
        newer = former is None or licence.issued_at > former.issued_at
        accepted = guard.accept(guard.signed(clock, licence.signed_time), self._reading) if newer else None
        if accepted is None:
            raise ClockSuspect(f"the clock of this machine is suspect ({clock.suspicion}): licence changes are on hold")
        return accepted

    def _looked(self, look: Callable[[], Reading]) -> tuple[ClockRow, Reading]:
        kept = marks.read(self._place.directory)  # before the row is locked: it can only be behind what is committed
        row = repository.clock(self._session)
        if row is None:
            row = self._first(guard.first(look()), kept)
        seen = look()
        committed = marks.Kept(str(row.appliance_id), row.first_start, row.mark, row.looks)
        clock = _clock(row)
        if kept is None or kept.looks < committed.looks:
            marks.keep(self._place.directory, committed)
        elif kept.looks > committed.looks:
            restored = marks.was_restored(self._place.directory, self._place.secret, kept)
            clock = (guard.restored if restored else guard.rolled_back)(clock, kept.mark)
            row.looks = kept.looks
        row.looks += 1
        self._row = row
        self._keep(guard.look(clock, seen))
        return row, seen

    def _first(self, began: Clock, kept: marks.Kept | None) -> ClockRow:
        """The first row. With a file of an earlier database beside it, its looks say that this one was put back."""
        return repository.first_clock(
            self._session,
            appliance_id=UUID(kept.appliance_id) if kept else uuid7(),
            first_start=kept.first_start if kept else began.mark,
            looks=0,
            mark=began.mark,
            floor=began.floor,
            boot=began.boot,
            base=began.base,
            elapsed=began.elapsed,
        )

    def _keep(self, clock: Clock) -> None:
        row = self._row
        row.mark, row.floor, row.boot = clock.mark, clock.floor, clock.boot
        row.base, row.elapsed = clock.base, clock.elapsed
        row.suspicion, row.since = clock.suspicion, clock.since
        self._session.flush()


def _clock(row: ClockRow) -> Clock:
    bare = Clock(row.mark, row.floor, row.boot, row.base, row.elapsed)
    return replace(bare, suspicion=None if row.suspicion is None else Suspicion(row.suspicion), since=row.since)
